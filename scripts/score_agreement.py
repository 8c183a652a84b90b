"""Does the cheap score of training (1,000 samples against 5,000 images) rank checkpoints as a costly one (10,000 against 10,000) does?
Trains the default run with some seeds, keeps a checkpoint with each measurement, measures them again, and prints Spearman's rank
correlation of both scores for each seed.

    python3 scripts/score_agreement.py target/debug/gan /tmp/agreement [SEED ...]
"""

import json
import pathlib
import subprocess
import sys

EVERY = 150


def ranks(values):
    order = sorted(range(len(values)), key=values.__getitem__)
    return [order.index(i) for i in range(len(values))]


def spearman(a, b):
    a, b, n = ranks(a), ranks(b), len(a)
    return 1 - 6 * sum((x - y) ** 2 for x, y in zip(a, b)) / (n * (n**2 - 1))


def main():
    gan, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    for seed in sys.argv[3:] or ["0", "1", "2"]:
        run = folder / f"seed-{seed}"
        if not run.exists():
            train = [gan, "train", "--seed", seed, "--eval-every", str(EVERY), "--keep", "30", "--out", run]
            subprocess.run(train, check=True, capture_output=True)
        cheap = {}
        for line in (run / "metrics.jsonl").read_text().splitlines():
            numbers = json.loads(line)
            if "fd" in numbers:
                cheap[numbers["step"]] = numbers["fd"]
        checkpoints = [run / f"checkpoints/step-{step:06}" for step in cheap]
        measure = [gan, "eval", *checkpoints, "--metrics", "fd", "--count", "10000", "--json", "--against", "digits"]
        lines = subprocess.run(measure, check=True, capture_output=True, text=True).stdout.splitlines()
        costly = [json.loads(line)["scores"][0]["value"] for line in lines]
        late = [i for i, step in enumerate(cheap) if step >= 750]
        values = list(cheap.values())
        print(f"seed {seed}: {len(costly)} checkpoints, Spearman {spearman(values, costly):.3f}; "
              f"of the {len(late)} from step 750 on {spearman([values[i] for i in late], [costly[i] for i in late]):.3f}", flush=True)
        for step, score, again in zip(cheap, values, costly):
            print(f"  step {step:4}: {score:9.4f} {again:9.4f}")


if __name__ == "__main__":
    main()
