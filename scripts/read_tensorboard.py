#!/usr/bin/env python3
"""Reads a run's TensorBoard files with TensorBoard itself and compares them with the run.

    target/venv/bin/pip install tensorboard pillow
    target/venv/bin/python scripts/read_tensorboard.py RUN

RUN is a run folder with a `tensorboard` folder in it. Every number of `metrics.jsonl` must be there as a scalar of its step, to
the accuracy of f32, and every sample grid as an image of its step, pixel by pixel. Prints how many there are of each.

Exit status: 0 when all agree, 1 when one does not, 2 for wrong usage.
"""
import io
import math
import json
import re
import struct
import sys
from pathlib import Path

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import IMAGES, SCALARS, EventAccumulator


def f32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def logged(run):
    """The numbers of the log, by name: {step: value}. A step that was done again counts as it was the last time."""
    rows = {}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        rows = {step: kept for step, kept in rows.items() if step < row["step"]}
        rows[row["step"]] = row
    numbers = {}
    for step, row in rows.items():
        for name, value in row.items():
            if name != "step" and isinstance(value, (int, float)):
                numbers.setdefault(name, {})[step] = f32(value)
    return numbers


def drawn(run):
    """The sample grids, by tag: {step: file}."""
    grids = {}
    for path in (run / "samples").glob("step-*.png"):
        step, name = re.fullmatch(r"step-(\d+)(?:-(.*))?", path.stem).groups()
        grids.setdefault(f"samples/{name}" if name else "samples", {})[int(step)] = path
    return grids


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    run = Path(sys.argv[1])
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={SCALARS: 0, IMAGES: 0}).Reload()
    wrong = []
    numbers = logged(run)
    if set(events.Tags()["scalars"]) != set(numbers):
        wrong.append(f"scalars {events.Tags()['scalars']}, not {sorted(numbers)}")
    for name in events.Tags()["scalars"]:
        found = {event.step: event.value for event in events.Scalars(name)}
        print(f"{name}: {len(found)} values")
        wanted = numbers.get(name, {})
        # A number that lies midway between two f32 may be rounded to either.
        same = found.keys() == wanted.keys() and all(math.isclose(found[step], wanted[step], rel_tol=2e-7) for step in found)
        if not same:
            wrong.append(f"{name} differs")
    grids = drawn(run)
    if set(events.Tags()["images"]) != set(grids):
        wrong.append(f"images {events.Tags()['images']}, not {sorted(grids)}")
    for tag in events.Tags()["images"]:
        found = {event.step: event.encoded_image_string for event in events.Images(tag)}
        print(f"{tag}: {len(found)} images")
        if set(found) != set(grids.get(tag, {})):
            wrong.append(f"{tag} has other steps")
        for step, png in found.items():
            pixels = Image.open(io.BytesIO(png)).convert("RGB").tobytes()
            if step in grids.get(tag, {}) and pixels != Image.open(grids[tag][step]).convert("RGB").tobytes():
                wrong.append(f"{tag} differs at step {step}")
    for what in wrong:
        print(what, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
