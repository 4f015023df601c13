#!/usr/bin/env python3
"""Says by how much --decode-scale changes the network's input: decode_scale.py FOLDER-OF-JPEGS.

Pillow stands in for Spos, which equals it bit for bit, with its draft mode and without. Each picture as a whole is resized to inputs of
several sizes, and those that are decoded to the same part of their size are counted together.
"""
import math
import pathlib
import sys

import numpy
from PIL import Image

SIZES = (224, 160, 112, 80, 56, 32)


def resized(path, size, halvings):
    image = Image.open(path)
    box = (0, 0, *(side / 2**halvings for side in image.size))
    if halvings:
        image.draft("RGB", tuple(side // 2**halvings for side in image.size))
    return numpy.asarray(image.convert("RGB").resize((size, size), Image.BILINEAR, box=box), float)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    differences = {1: [], 2: [], 3: []}
    for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.jpg")):
        with Image.open(path) as image:
            shorter = min(image.size)
        for size in SIZES:
            halvings = min(3, int(math.log2(max(1, shorter // size))))
            if halvings:
                differences[halvings].append(resized(path, size, halvings) - resized(path, size, 0))
    for halvings, all_of_them in differences.items():
        if all_of_them:
            absolute = [numpy.abs(d).mean() for d in all_of_them]
            psnr = [10 * math.log10(255**2 / (d**2).mean()) for d in all_of_them]
            print(f"1/{2**halvings}: {len(absolute)} inputs, {numpy.mean(absolute):.2f} levels in the mean, PSNR {numpy.mean(psnr):.1f} dB")


main()
