#!/usr/bin/env bash
# The table of docs/performance.md: how the cost of a DCGAN step grows. Takes some ten minutes on a quiet machine.
set -euo pipefail
gan=${1:-target/release/gan}
field() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"; }

echo "| image | batch | threads | images/s | peak memory, MiB | of the ceiling |"
echo "| --- | --- | --- | --- | --- | --- |"
for size in 32 64 128; do
  for batch in 16 64 256; do
    for threads in 1 2; do
      json=$("$gan" bench train --json --image-size $size --batch-size $batch --threads $threads \
        --steps 2 --warmup 1 --min-seconds 2)
      printf '| %s px | %s | %s | %.1f | %.0f | %.0f %% |\n' $size $batch $threads \
        "$(field images_per_second <<<"$json")" "$(field peak_rss_mb <<<"$json")" \
        "$(awk "BEGIN { print 100 * $(field fraction_of_ceiling <<<"$json") }")"
    done
  done
done
