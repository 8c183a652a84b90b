#!/usr/bin/env python3
"""Which settings make the best images in a given time: trains each, measures them against images that were
held back, prints a table.

    python3 scripts/choose_recipes.py speeds GAN OUT DATA     # on an idle machine: images a second of each
    python3 scripts/choose_recipes.py runs GAN OUT DATA       # at leisure: what each makes of 3 minutes
    python3 scripts/choose_recipes.py runs GAN OUT DATA --minutes 10 --only digits/fast mnist/fast
    python3 scripts/choose_recipes.py table OUT

DATA is a folder with `mnist` and `cifar-10-sample` as their authors publish them. How many steps fit the
minutes follows from the speeds; a run makes the same bits however busy the machine is, so `runs` needs no
idle one. What is in OUT is not made again.
"""
import argparse
import json
import subprocess
from pathlib import Path

GRAY = {
    "today": "",
    "fast": "--lr 1e-3 --schedule cosine --ema 0.998",
    "narrow": "--base-width 16 --lr 1e-3 --schedule cosine --ema 0.999",
    "r1": "--lr 1e-3 --schedule cosine --ema 0.998 --label-smoothing 0 --r1 1 --penalty-every 8",
    "hinge": "--loss hinge --label-smoothing 0 --norm-d spectral --lr 5e-4 --schedule cosine --ema 0.998",
    "augmented": "--lr 1e-3 --schedule cosine --ema 0.998 --augment translation",
}
SMALL = "--batch-size 64 --base-width 32 --lr 6e-4 --schedule cosine --ema 0.999 --flip"
LARGE = "--batch-size 64 --lr 4e-4 --schedule cosine --ema 0.998 --flip"
DIFF_AUGMENT = "--augment color,translation,cutout"
COLOUR = {
    "today": "",
    "fast": LARGE,
    "narrow": SMALL,
    "r1": f"{SMALL} --r1 1 --penalty-every 8",
    "augmented": f"{LARGE} {DIFF_AUGMENT}",
    "narrow-augmented": f"{SMALL} {DIFF_AUGMENT}",
}
# Recipe, where its data is, settings; how its images are judged.
SETS = {
    "digits": ("digits", None, GRAY, "--features digits --count 5000"),
    "mnist": ("mnist-dcgan", "mnist", GRAY, "--features digits --count 10000"),
    "cifar": ("cifar10-dcgan", "cifar-10-sample", COLOUR, "--features random --metrics fd,kid --count 5000"),
}


def call(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def jobs(data, only):
    """Name, flags of the recipe and its data, flags of the setting, of evaluation."""
    for name, (recipe, folder, settings, judged) in SETS.items():
        place = ["--data-dir", str(data / folder)] if folder else []
        for setting, flags in settings.items():
            if not only or f"{name}/{setting}" in only:
                yield f"{name}/{setting}", recipe, place, flags.split(), judged.split()


def speeds(a):
    a.out.mkdir(parents=True, exist_ok=True)
    file = a.out / "speeds.json"
    found = json.loads(file.read_text()) if file.exists() else {}
    for name, recipe, place, flags, _ in jobs(a.data, a.only):
        if name in found:
            continue
        work = ["--recipe", recipe, *place, *flags, "--steps", "5", "--min-seconds", "6"]
        measured = json.loads(call([a.gan, "bench", "train", *work, "--json"]))
        found[name] = measured["images_per_second"] / measured["batch_size"]
        print(f"{name}: {found[name]:.2f} steps a second", flush=True)
        file.write_text(json.dumps(found, indent=1))


def runs(a):
    speed = json.loads((a.out / "speeds.json").read_text())
    for name, recipe, place, flags, judged in jobs(a.data, a.only):
        run = a.out / f"{a.minutes:g}-minutes" / name
        if (run / "score.json").exists():
            continue
        steps = str(round(60 * a.minutes * speed[name]))
        quiet = ["--eval-every", "0", "--sample-every", steps, "--checkpoint-every", steps]
        train = [a.gan, "train", "--recipe", recipe, *place, *flags, *quiet, "--steps", steps]
        call([*train, "--out", str(run), "--force"])
        held_back = ["--against", place[1] if place else recipe, "--split", "test"]
        measure = [a.gan, "eval", str(run), "--checkpoint", "latest", *held_back, *judged, "--json"]
        score = json.loads(call(measure).splitlines()[-1])
        about = {"name": name, "minutes": a.minutes, "steps": int(steps)}
        (run / "score.json").write_text(json.dumps(about | score))
        print(name, steps, said(score), flush=True)


def said(found):
    return ", ".join(f"{score['kind']} {score['value']:.4g}" for score in found["scores"])


def table(a):
    for file in sorted(a.out.glob("*-minutes/*/*/score.json")):
        found = json.loads(file.read_text())
        print(f"| {found['name']} | {found['minutes']:g} | {found['steps']} | {said(found)} |")


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    commands = parser.add_subparsers(required=True)
    for command in (speeds, runs, table):
        sub = commands.add_parser(command.__name__)
        sub.set_defaults(run=command)
        if command is not table:
            sub.add_argument("gan")
        sub.add_argument("out", type=Path)
        if command is not table:
            sub.add_argument("data", type=Path)
            sub.add_argument("--only", nargs="*", default=[])
            sub.add_argument("--minutes", type=float, default=3)
    a = parser.parse_args()
    a.run(a)


if __name__ == "__main__":
    main()
