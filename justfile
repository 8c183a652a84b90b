# What one does daily. `just` lists it.

default:
    @just --list

# Train on the embedded digits
train *flags:
    cargo run -p gan-cli -- train {{flags}}

# How fast a DCGAN trains here, and where the time goes
bench *flags:
    cargo run --release -p gan-cli -- bench train --profile {{flags}}

# How many of some labelled images a small classifier reads right: `just classify --train digits --test made`
classify *flags:
    cargo run -p gan-eval --example classify -- {{flags}}

# Make the classifier of the embedded digits anew, which gan-eval carries
digits-classifier:
    cargo run -p gan-eval --example embed_digits

# All tests
test *flags:
    cargo test --workspace {{flags}}

# Kill runs at random instants, so many times, and compare what becomes of them (the long form of a test)
kills times="100":
    GAN_KILLS={{times}} cargo test --test survival random_instants -- --nocapture

# Train, kill and go on for so many minutes; says what it saw of memory and steps
soak minutes="30":
    cargo build --release -p gan-cli
    python3 scripts/soak.py --minutes {{minutes}}

# Format, lints and docs, as CI has them
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Everything CI runs
ci:
    bash .ci/run

# How fast each convolution is, layer by layer
conv-speed threads="2":
    cargo run -p gan-ops --example conv_speed -- {{threads}}

# The table of docs/performance.md
bench-table:
    cargo build --release
    bash scripts/bench_table.sh

# Open reports in Chromium as a phone and as a desktop do; fails on errors, puts pictures into target/look/pictures
look *pages:
    npm install --silent --prefix target/look playwright-core
    NODE_PATH=target/look/node_modules node scripts/look_at_report.mjs target/look/pictures {{pages}}

# The kernels under valgrind: no access out of bounds, and (valgrind knows no AVX-512) their AVX2 form
valgrind:
    PROPTEST_CASES=4 CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="valgrind --error-exitcode=1 --quiet" cargo test -p gan-ops --test references --test pytorch

# Fuzz what gan-data reads (idx, cifar, archive, image, parquet); needs cargo-fuzz and a nightly compiler
fuzz target seconds="600":
    mkdir -p crates/gan-data/fuzz/corpus/{{target}}
    cd crates/gan-data && TMPDIR=$(test -d /dev/shm && echo /dev/shm || echo /tmp) \
        cargo +nightly fuzz run {{target}} fuzz/corpus/{{target}} fuzz/seeds/{{target}} -- \
        -max_total_time={{seconds}} -timeout=20 -rss_limit_mb=3000

# The tables of docs/settings.md, from what is declared of the settings
settings:
    UPDATE=1 cargo test --workspace --test settings

# A sheet of an embedded data set, digits or shapes, to look at
sheet set="digits" size="32":
    cargo run -p gan-data --example sheet -- {{set}} {{set}}.png {{size}}

# Python with PyTorch, for the fixtures and the scripts
venv:
    python3 -m venv target/venv
    target/venv/bin/pip install torch torchvision numpy safetensors pillow pyarrow scipy pytorch-fid torch-fidelity prdc pytorch-msssim

# Make the PyTorch fixtures anew; with --check compare them with what the scripts make now
fixtures *flags:
    for script in assets/fixtures/make_*.py; do target/venv/bin/python $script {{flags}} || exit 1; done

# Make what the fuzzers start from anew
fuzz-seeds:
    target/venv/bin/python crates/gan-data/fuzz/make_seeds.py

# A generator of ours in PyTorch's own networks, strictly
strict-load generator:
    cargo run -p gan-models --example dump_images -- {{generator}} target/images.safetensors
    target/venv/bin/python scripts/strict_load.py {{generator}} target/images.safetensors
