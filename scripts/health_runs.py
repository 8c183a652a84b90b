"""Makes the runs that the limits of `gan doctor` come from, healthy ones and ones that are broken on purpose, and keeps what
they logged in assets/fixtures/health.json, which the tests diagnose anew. Every run learns from data that is part of the
program. Takes about ten minutes on two cores.

    python3 scripts/health_runs.py target/debug/gan /tmp/health            # the runs, and the table of docs/evaluation.md
    python3 scripts/health_runs.py target/debug/gan /tmp/health --keep     # and the fixture
"""

import json
import pathlib
import subprocess
import sys

FIXTURE = pathlib.Path(__file__).parent.parent / "assets/fixtures/health.json"
SMALL = "--recipe digits --base-width 16 --eval-every 0"
SHAPES = "--recipe none --dataset shapes --image-size 64 --base-width 16 --batch-size 32"
RING = "--recipe ring --r1 0 --ema 0"

# Name: what is wrong with it, and how it is made.
RUNS = {
    "strong-discriminator": ("discriminator-won", f"{SMALL} --steps 400 --lr 2e-5 --lr-d 1e-3"),
    # Nobody meant to break these two: they are too narrow for 64 px.
    "shapes-64": ("discriminator-won", f"{SHAPES} --steps 300"),
    "digits-64": ("discriminator-won", "--recipe digits --image-size 64 --base-width 16 --batch-size 32 --steps 400 --eval-every 0"),
    "minimax-ring": ("discriminator-won", "--recipe ring --steps 2000 --loss minimax --r1 0 --n-critic 5"),
    "frozen-generator": ("dead-start", f"{SMALL} --steps 300 --lr 1e-9 --lr-d 2e-4"),
    "frozen-discriminator": ("dead-start", f"{SMALL} --steps 300 --lr-d 1e-9"),
    "weak-discriminator": ("generator-won", f"{SMALL} --steps 400 --lr 1e-3 --lr-d 5e-6"),
    "high-rate": ("exploding-weights", "--recipe ring --steps 1000 --lr 0.3"),
    "high-rate-shapes": ("exploding-weights", "--recipe none --dataset shapes --image-size 32 --base-width 16 --steps 300 --lr 0.05"),
    "collapsed-critic": ("mode-collapse", f"{RING} --steps 1000 --loss wasserstein --clip-weights 0.1 --lr 0.005"),
    "one-point": ("mode-collapse", f"{RING} --steps 1500 --loss lsgan --lr 0.005 --lr-d 5e-4 --beta1 0.9"),
    "circling-ring": ("oscillation", f"{RING} --steps 4000 --lr 0.005 --beta1 0.9"),
    "circling-ring-slowly": ("oscillation", f"{RING} --steps 2000 --lr 0.002 --beta1 0.9"),
    "tiny-set": ("memorising", "--recipe none --dataset DATA --image-size 32 --base-width 32 --batch-size 8 --steps 3000 --lr 1e-3 --r1 1 --eval-every 500 --eval-samples 200"),
    "ring": (None, "--recipe ring --steps 3000"),
    "grid": (None, "--recipe grid --steps 3000"),
    "digits": (None, "--recipe digits --steps 600 --eval-every 200 --eval-samples 300"),
    "digits-narrow": (None, "--recipe digits --base-width 16 --steps 1000 --eval-every 250 --eval-samples 300"),
    "digits-16px": (None, f"{SMALL} --image-size 16 --steps 500"),
    "digits-lsgan": (None, f"{SMALL} --steps 500 --loss lsgan"),
    "digits-conditional": (None, "--recipe digits-cgan --base-width 16 --steps 500 --eval-every 250 --eval-samples 300"),
    "digits-wgan-gp": (None, "--recipe mnist-wgan-gp --dataset digits --base-width 16 --steps 120"),
    "shapes-hinge": (None, "--recipe cifar10-sngan --dataset shapes --base-width 16 --batch-size 16 --steps 150"),
}
# What a diagnosis looks at; the rest of a line is left out.
NAMES = ["d_x", "d_right_real", "d_right_fake", "logit_gap", "diversity", "mean_shift", "weight_norm_d", "weight_norm_g",
         "modes", "fd", "alike", "memorised", "classes_made"]


def train(gan, run, flags):
    data = run.with_name("data")
    if "DATA" in flags and not data.exists():
        subprocess.run([gan, "data", "export", "digits", data, "--count", "8"], check=True, capture_output=True)
    command = [gan, "train", *flags.replace("DATA", str(data)).split(), "--log-every", "20", "--threads", "1"]
    if not run.exists():
        subprocess.run([*command, "--out", run], check=True, capture_output=True)
    return diagnose(gan, run)


def diagnose(gan, run):
    found = subprocess.run([gan, "doctor", "--json", run], capture_output=True, text=True).stdout
    return [finding["name"] for finding in json.loads(found)["findings"]]


def kept(run):
    short = lambda value: float(f"{value:.5g}")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    log = [{"step": line["step"]} | {name: short(line[name]) for name in NAMES if name in line} for line in lines]
    numbers = json.loads((run / "numbers.json").read_text())
    return {"of": {name: number["of"] for name, number in numbers.items() if "of" in number}, "log": log}


def main():
    gan, folder, keep = sys.argv[1], pathlib.Path(sys.argv[2]), "--keep" in sys.argv
    folder.mkdir(exist_ok=True)
    wrong, fixture = 0, {}
    print("| run | what is wrong | verdicts |\n| --- | --- | --- |")
    for name, (expected, flags) in RUNS.items():
        run = folder / name
        found = train(gan, run, flags)
        right = expected in found if expected else not found
        wrong += not right
        print(f"| `{name}` | {expected or 'nothing'} | {', '.join(found) or 'none'}{'' if right else ' (wrong)'} |", flush=True)
        fixture[name] = {"wrong": expected, "flags": flags} | kept(run)
    if keep:
        FIXTURE.write_text("{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(run, separators=(',', ':'))}" for name, run in fixture.items()) + "\n}\n")
    print(f"{len(RUNS) - wrong} of {len(RUNS)} are right")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
