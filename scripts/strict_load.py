#!/usr/bin/env python3
"""Loads a generator file of ours into PyTorch's example network and compares the images.

    target/venv/bin/python scripts/strict_load.py GENERATOR.safetensors IMAGES.safetensors

GENERATOR is what training saves. IMAGES holds `latents` [N, Z] and `images` [N, C, H, W], made by our program from that generator in
evaluation mode. The network is built as PyTorch's DCGAN example builds it, with the sizes of the file's tensors and nothing else from
the file, and takes the tensors with `load_state_dict(strict=True)`: a name too many, a name too few or another shape is an error.

Exit status: 0 when every pixel agrees to --tolerance (1e-5), 1 when one does not or the file does not load, 2 for wrong usage.
"""
import argparse
import json
import re
import sys

import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

FAMILIES = ("dcgan", "notebook")
# What torch.nn.utils.parametrizations.spectral_norm calls a weight.
SPECTRAL = "parametrizations.weight.original"


class Failure(Exception):
    pass


class Generator(nn.Module):
    """`main` as in the example: transposed convolutions without bias, BatchNorm and ReLU between them, Tanh at the end.
    Under spectral norm (`--norm-g spectral`): convolutions with bias, and no BatchNorm.

    convs: (channels in, channels out, kernel, stride, padding) of each, in order."""

    def __init__(self, convs, spectral):
        super().__init__()
        layers = []
        for i, (c_in, c_out, kernel, stride, padding) in enumerate(convs):
            conv = nn.ConvTranspose2d(c_in, c_out, kernel, stride, padding, bias=spectral)
            layers.append(spectral_norm(conv) if spectral else conv)
            last = i == len(convs) - 1
            layers += [nn.Tanh()] if last else [*([] if spectral else [nn.BatchNorm2d(c_out)]), nn.ReLU(True)]
        self.main = nn.Sequential(*layers)

    def forward(self, latents):
        return self.main(latents.reshape(*latents.shape, 1, 1))


def read(path):
    """(tensors, metadata) of a safetensors file."""
    try:
        with safe_open(path, framework="pt") as f:
            return {name: f.get_tensor(name) for name in f.keys()}, f.metadata() or {}
    except (OSError, SafetensorError) as e:
        raise Failure(f"{path}: {e}") from e


def family_of(metadata):
    """The family that the metadata names, wherever in its JSON it stands; None when it names none."""

    def words(value):
        if isinstance(value, dict):
            for k, v in value.items():
                yield k
                yield from words(v)
        elif isinstance(value, list):
            for v in value:
                yield from words(v)
        elif isinstance(value, str):
            yield value

    try:
        value = json.loads(metadata.get("gan", "null"))
    except ValueError as e:
        raise Failure(f"the metadata `gan` is not JSON: {e}") from e
    model = value.get("model", value) if isinstance(value, dict) else value
    if isinstance(model, dict) and isinstance(model.get("family"), str):
        return model["family"].lower()
    named = {w.lower() for w in words(value)} & {*FAMILIES, "mlp"}
    return named.pop() if len(named) == 1 else None


def convs_of(tensors, family):
    """The convolutions, from the weights in the file with four dimensions."""
    found = []
    for name, t in tensors.items():
        match = re.fullmatch(rf"main\.(\d+)\.(?:weight|{re.escape(SPECTRAL)})", name)
        if match and t.ndim == 4:
            found.append((int(match[1]), tuple(t.shape)))
    if not found:
        raise Failure("no weight main.N.weight of a transposed convolution; the tensors are " + (", ".join(sorted(tensors)) or "none"))
    convs = []
    for i, (_, (c_in, c_out, kh, kw)) in enumerate(sorted(found)):
        # notebook: stride 2 without padding throughout. dcgan: up from 1x1 by the first kernel, then doubled by each that follows.
        stride, padding = (2, 0) if family == "notebook" else (1, 0) if i == 0 else (2, 1)
        convs.append((c_in, c_out, (kh, kw), stride, padding))
    return convs


def size_of(convs):
    """Height and width of the images."""
    size = (1, 1)
    for _, _, kernel, stride, padding in convs:
        size = tuple((s - 1) * stride - 2 * padding + k for s, k in zip(size, kernel))
    return size


def compare(generator_file, images_file, tolerance):
    tensors, metadata = read(generator_file)
    given, _ = read(images_file)
    for name, ndim in (("latents", 2), ("images", 4)):
        if name not in given:
            raise Failure(f"{images_file}: no tensor `{name}`; it has {', '.join(sorted(given)) or 'none'}")
        if given[name].ndim != ndim or 0 in given[name].shape:
            raise Failure(f"{images_file}: `{name}` has the shape {list(given[name].shape)}, not {ndim} dimensions")
    latents, ours = given["latents"].float(), given["images"].float()

    family, how = family_of(metadata), "from the metadata"
    if family is None:  # told apart by the size of the images
        size = tuple(ours.shape[2:])
        family = next((f for f in FAMILIES if size_of(convs_of(tensors, f)) == size), "dcgan")
        how = "not in the metadata; from the size of the images"
    if family not in FAMILIES:
        raise Failure(f"family {family}: PyTorch's example has no such network; this script knows {', '.join(FAMILIES)}")
    convs = convs_of(tensors, family)
    height, width = size_of(convs)
    print(f"family          {family} ({how})")
    print(f"network         {convs[0][0]} -> {convs[-1][1]}x{height}x{width}, channels {[c[1] for c in convs]}, kernels {[list(c[2]) for c in convs]}")

    spectral = any(name.endswith(SPECTRAL) for name in tensors)
    if spectral:
        print("norm            spectral, by torch.nn.utils.parametrizations.spectral_norm")
    net = Generator(convs, spectral)
    # PyTorch fills in a missing num_batches_tracked by itself, strict or not, so the names are compared here as well.
    names = net.state_dict().keys()
    if names != tensors.keys():
        raise Failure(f"missing: {sorted(names - tensors.keys())}; unexpected: {sorted(tensors.keys() - names)}")
    try:
        net.load_state_dict(tensors, strict=True)
    except RuntimeError as e:
        raise Failure(f"load_state_dict(strict=True): {e}") from e
    parameters = sum(p.numel() for p in net.parameters())
    print(f"strict load     {len(tensors)} tensors, {parameters:,} parameters")
    for name, t in net.state_dict().items():
        if tensors[name].dtype != t.dtype:
            print(f"note            {name} is {tensors[name].dtype} in the file, {t.dtype} in PyTorch")

    if latents.shape[1] != convs[0][0]:
        raise Failure(f"latents of {latents.shape[1]} numbers, the network takes {convs[0][0]}")
    net.eval()
    with torch.no_grad():
        theirs = net(latents)
    if theirs.shape != ours.shape:
        raise Failure(f"images of the shape {list(ours.shape)}, PyTorch gives {list(theirs.shape)}")
    difference = (ours.double() - theirs.double()).abs()
    spread = theirs.std(0, False).mean().item()
    print(f"images          {list(ours.shape)}, values {theirs.min():.4f} to {theirs.max():.4f}, spread over the batch {spread:.4f}")
    if spread < 1000 * tolerance and len(ours) > 1:
        # Right after the start the running variances are still near 1 and every image is the same grey: that agrees too easily.
        print("note            the images hardly differ from one another: a generator that has trained longer is a better test")
    print(f"max |a - b|     {difference.max():.3e}")
    print(f"mean |a - b|    {difference.mean():.3e}")
    if not difference.max() <= tolerance:  # so that NaN fails
        raise Failure(f"the images differ by {difference.max():.3e}, over {tolerance:g}")
    print(f"ok              within {tolerance:g}")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("generator", metavar="GENERATOR.safetensors")
    p.add_argument("images", metavar="IMAGES.safetensors")
    p.add_argument("--tolerance", type=float, default=1e-5)
    a = p.parse_args()
    torch.set_num_threads(1)
    try:
        compare(a.generator, a.images, a.tolerance)
    except Failure as e:
        print(f"failed: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
