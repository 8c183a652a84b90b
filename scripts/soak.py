"""Trains, kills and resumes a run for minutes, and watches memory, steps and what is left behind.

A small run of `gan` (target/release/gan) goes on without end. Every few seconds it is killed with SIGKILL, or asked to
stop with SIGTERM, and gone on with. Watched: resident memory (VmRSS at the end of each part, and how it grows within a
long one), that no step is lost or repeated in metrics.jsonl, that a part resumes from the last checkpoint, and that no
file is left behind. Linux only.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.join(os.path.dirname(__file__), "..", "target", "release", "gan")
EVERY = 100  # steps from one checkpoint to the next


def rss(pid):
    """Resident memory of a process, MiB."""
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def steps_logged(run):
    with open(os.path.join(run, "metrics.jsonl")) as log:
        lines = log.read().splitlines()
    return [json.loads(line)["step"] for line in lines if line.endswith("}")]


def newest(run):
    """The step of the newest checkpoint."""
    names = os.listdir(os.path.join(run, "checkpoints"))
    return max([int(name[5:]) for name in names if name[5:].isdigit()], default=0)


def main():
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--minutes", type=float, default=30)
    flags.add_argument("--program", default=PROGRAM)
    flags.add_argument("--seed", type=int, default=0)
    flags = flags.parse_args()
    random.seed(flags.seed)
    run = os.path.join(tempfile.mkdtemp(), "run")
    end = time.time() + 60 * flags.minutes
    settings = "--image-size 32 --base-width 8 --batch-size 32 --ema 0.99 --flip --n-critic 2 --log-every 1".split()
    command = [flags.program, "train", "--out", run, "--steps", "100000000", "--checkpoint-every", str(EVERY)]
    command += ["--sample-every", "500", *settings]
    parts, growth, kills, stops, lost = [], [], 0, 0, 0
    while time.time() < end:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        command = [flags.program, "resume", run]
        # Now and then a part is long, to see memory grow if it does.
        length = random.uniform(60, 120) if random.random() < 0.1 else random.uniform(1, 12)
        length = min(length, max(end - time.time(), 1))
        time.sleep(length * 0.4)
        early = rss(child.pid)
        time.sleep(length * 0.6)
        late = rss(child.pid)
        if child.poll() is not None:
            sys.exit(f"a part ended by itself with {child.returncode}")
        if late and length > 4:
            parts.append(late)
        if length > 60:
            growth.append(late - early)
        polite = random.random() < 0.2
        child.send_signal(signal.SIGTERM if polite else signal.SIGKILL)
        status = child.wait()
        if status != (143 if polite else -signal.SIGKILL):
            sys.exit(f"a part ended with {status}")
        kills, stops = kills + (not polite), stops + polite
        logged, saved = steps_logged(run), newest(run)
        if logged != list(range(1, len(logged) + 1)):
            sys.exit("the metrics log has a gap or a repeated step")
        if polite and logged[-1] != saved:
            sys.exit(f"stopped at step {logged[-1]}, but saved step {saved}")
        if logged and logged[-1] - saved > EVERY + EVERY:
            sys.exit(f"{logged[-1] - saved} steps were lost")
        lost = max(lost, logged[-1] - saved if logged else 0)
    subprocess.run([flags.program, "resume", run, "--steps", str(newest(run) + 1)], check=True, stdout=subprocess.DEVNULL)
    checkpoints = sorted(os.listdir(os.path.join(run, "checkpoints")))
    half = len(parts) // 2
    mean = lambda values: sum(values) / max(len(values), 1)
    print(f"{flags.minutes:g} minutes, {kills} kills, {stops} stops, {newest(run)} steps without gap or repeat")
    print(f"steps to do again after a kill: at most {lost} (a checkpoint every {EVERY})")
    print(f"memory at the end of a part, MiB: first half {mean(parts[:half]):.1f}, second half {mean(parts[half:]):.1f},")
    print(f"  least {min(parts):.1f}, most {max(parts):.1f}")
    print("memory from 40 % to the end of parts over a minute, MiB:", ", ".join(f"{more:+.1f}" for more in growth))
    print("checkpoints kept:", ", ".join(checkpoints))


main()
