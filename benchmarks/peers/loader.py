#!/usr/bin/env python3
"""From JPEG files to normalised batches: Spos against other loaders, in turn on the same machine.

    benchmarks/peers/loader.py FOLDER [--image-size 224] [--rounds 5] [--output FILE]

FOLDER holds one folder of JPEGs per class. Needs python3-torchvision, python3-pil and python3-opencv. The peers do the same
transforms (training: random resized crop, flip, jitter of brightness, contrast and saturation, normalisation; validation:
resize, middle crop, normalisation), one process a core; libjpeg-turbo (as OpenCV has it) decodes whole pictures and
resizes them, without any of the rest. The table shows images a second on all cores, the median and quartiles of all
passes, and how many times as fast as torchvision with PIL each is.
"""
import argparse
import multiprocessing
import pathlib
import random
import sys
import time

import cv2
import numpy
import torch
from PIL import Image
from torchvision import transforms

from harness import CORES, compare, record, save, spos

MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
PASSES = 3
JITTER = 0.4


def torchvision_pil(training, size):
    change = (
        [transforms.RandomResizedCrop(size), transforms.RandomHorizontalFlip(), transforms.ColorJitter(JITTER, JITTER, JITTER)]
        if training
        else [transforms.Resize(size * 256 // 224), transforms.CenterCrop(size)]
    )
    steps = transforms.Compose([*change, transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)])
    return lambda path: steps(Image.open(path).convert("RGB"))


def opencv(training, size):
    mean, deviation = numpy.float32(MEAN) * 255, numpy.float32(DEVIATION) * 255

    def jittered(image):
        for operation in random.sample(range(3), 3):
            factor = random.uniform(1 - JITTER, 1 + JITTER)
            if operation == 0:
                base = 0.0
            elif operation == 1:
                base = float(cv2.mean(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))[0])
            else:
                base = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
            if isinstance(base, float):
                image = cv2.convertScaleAbs(image, alpha=factor, beta=(1 - factor) * base)
            else:
                image = cv2.addWeighted(image, factor, base, 1 - factor, 0)
        return image

    def load(path):
        image = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
        height, width = image.shape[:2]
        if training:
            top, left, rows, columns = transforms.RandomResizedCrop.get_params(torch.empty(1, height, width), (0.08, 1.0), (3 / 4, 4 / 3))
            image = cv2.resize(image[top : top + rows, left : left + columns], (size, size), interpolation=cv2.INTER_AREA if rows > size else cv2.INTER_LINEAR)
            if random.random() < 0.5:
                image = cv2.flip(image, 1)
            image = jittered(image)
        else:
            scale = (size * 256 // 224) / min(height, width)
            image = cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
            top, left = (image.shape[0] - size) // 2, (image.shape[1] - size) // 2
            image = image[top : top + size, left : left + size]
        return (image.astype(numpy.float32) - mean) / deviation

    return load


def libjpeg_turbo(_, size):
    return lambda path: cv2.resize(cv2.imread(path), (size, size), interpolation=cv2.INTER_LINEAR)


PEERS = {"torchvision with PIL": torchvision_pil, "OpenCV": opencv, "libjpeg-turbo, decoding and resizing only": libjpeg_turbo}


def start_worker(peer, training, size):
    global load
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    load = PEERS[peer](training, size)


def run_paths(paths):
    for path in paths:
        load(path)


def rates_of(peer, training, size, paths):
    """Images a second of PASSES passes, after one that warms up."""
    parts = [paths[i : i + 8] for i in range(0, len(paths), 8)]
    with multiprocessing.Pool(CORES, start_worker, (peer, training, size)) as pool:
        rates = []
        for _ in range(PASSES + 1):
            start = time.perf_counter()
            pool.map(run_paths, parts, chunksize=1)
            rates.append(len(paths) / (time.perf_counter() - start))
    return rates[1:]


def run(folder, size, rounds):
    paths = sorted(str(p) for p in pathlib.Path(folder).glob("*/*") if p.suffix.lower() in (".jpg", ".jpeg"))
    if not paths:
        sys.exit(f"{folder}: no JPEGs in folders of classes")

    def run_spos():
        result = spos("loader", "--images", folder, "--image-size", size, "--workers", CORES, "--runs", 5)
        return {t["transform"]: [t["images_per_second"]] for t in result["transforms"]}

    peers = {"spos": run_spos}
    for peer in PEERS:
        peers[peer] = lambda peer=peer: {name: rates_of(peer, name == "training", size, paths) for name in ("training", "validation")}
    results = compare(f"{len(paths)} pictures to {size}x{size}", peers, rounds, lambda peer: peer == "torchvision with PIL")
    return record(image_size=size, pictures=len(paths), results=results)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output")
    options = parser.parse_args()
    save(options.output, run(options.folder, options.image_size, options.rounds))


if __name__ == "__main__":
    main()
