#!/usr/bin/env python3
"""Training steps and inference: Spos against PyTorch, in turn on the same machine.

    benchmarks/peers/step.py [--random-paths] [--image-size 224] [--batch-size 32] [--rounds 3] [--output FILE]

Needs python3-torch. Each round runs Spos and every configuration of PyTorch (layout, threads), on one path or, the same for
all, on another random path of the supernet each time. The table shows the median of all runs, their quartiles, and how
many times as fast as PyTorch's best configuration each is; and how much memory a training step adds, an image.
"""
import argparse
import itertools
import multiprocessing
import re
import sys
import time

import torch
from torch import nn

from harness import CORES, ROOT, compare, record, save, spos

sys.path.insert(0, str(ROOT / "tests" / "fixtures"))
from official_network import Network  # noqa: E402

PATH = [2, 1, 0, 1, 2, 0, 2, 0, 2, 0, 2, 3, 0, 0, 0, 0, 3, 2, 3, 3]
RUNS = 3
LAYOUTS = {"NCHW": torch.contiguous_format, "channels_last": torch.channels_last}


class Pytorch:
    """The network with its optimizer; each step and each inference takes the next of `paths`."""

    def __init__(self, layout, size, batch, paths):
        torch.manual_seed(1)
        self.batch = batch
        # One path as a network of its own, or the supernet.
        self.paths = itertools.cycle(paths if len(paths) > 1 else [None])
        self.network = Network(16, [4, 4, 8, 4], [64, 160, 320, 640], 1024, 1000, path=paths[0] if len(paths) == 1 else None)
        self.network.to(memory_format=LAYOUTS[layout])
        self.images = torch.randn(batch, 3, size, size).contiguous(memory_format=LAYOUTS[layout])
        self.labels = torch.arange(batch) % 1000
        self.loss = nn.CrossEntropyLoss(label_smoothing=0.1)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.01, momentum=0.9, weight_decay=4e-5)

    def train(self, images=None):
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.network(self.images if images is None else images, next(self.paths))
        self.loss(logits, self.labels[: len(logits)]).backward()
        self.optimizer.step()

    def infer(self):
        self.network.eval()
        with torch.inference_mode():
            self.network(self.images, next(self.paths))

    def rates(self, work, runs):
        """Images a second of each run, after one that warms up."""
        work()
        result = []
        for _ in range(runs):
            start = time.perf_counter()
            work()
            result.append(self.batch / (time.perf_counter() - start))
        return result


def pytorch(layout, threads, size, batch, paths):
    torch.set_num_threads(threads)
    network = Pytorch(layout, size, batch, paths)
    runs = max(RUNS, len(paths))
    return {"training step": network.rates(network.train, runs), "inference": network.rates(network.infer, runs * 2)}


def status(field):
    with open("/proc/self/status") as lines:
        return int(re.search(rf"{field}:\s*(\d+) kB", lines.read())[1]) * 1024


def added_memory(layout, size, batch, answer):
    """What a training step adds to the process's memory at most, beyond that of one image's."""
    network = Pytorch(layout, size, batch, [PATH])
    network.train(network.images[:1])
    before = status("VmRSS")
    for _ in range(2):
        network.train()
    answer.put((status("VmHWM") - before) / (batch - 1))


def memory_of_pytorch(layout, size, batch):
    context = multiprocessing.get_context("spawn")
    answer = context.SimpleQueue()
    process = context.Process(target=added_memory, args=(layout, size, batch, answer))
    process.start()
    process.join()
    return answer.get()


def run(size, batch, random_paths, rounds):
    arguments = ["step", "--image-size", size, "--batch-size", batch, "--runs", 5]
    if not random_paths:
        arguments += ["--architecture", " ".join(map(str, PATH))]
    latest = {}

    def run_spos():
        latest.update(spos(*arguments))
        return {s["work"]: [s["images_per_second"]] for s in latest["steps"] if s["plan"] == "fused"}

    def run_pytorch(layout, threads):
        return pytorch(layout, threads, size, batch, [[int(choice) for choice in path.split()] for path in latest["paths"]])

    peers = {"spos": run_spos}
    for layout, threads in itertools.product(LAYOUTS, sorted({1, CORES})):
        peers[f"pytorch {layout}, {threads} thread{'s' if threads > 1 else ''}"] = lambda layout=layout, threads=threads: run_pytorch(layout, threads)
    title = f"{size}x{size}, batch {batch}, {'random paths' if random_paths else 'one path'}, PyTorch {torch.__version__}"
    results = compare(title, peers, rounds, lambda peer: peer != "spos")
    memory = {"spos": next(s["device_bytes"] for s in latest["steps"] if s["plan"] == "fused") / batch}
    for layout in LAYOUTS:
        memory[f"pytorch {layout}"] = memory_of_pytorch(layout, size, batch)
    for peer, value in memory.items():
        print(f"  memory of a training step, an image: {peer:22} {value / 1e6:6.1f} MB", flush=True)
    return record(pytorch=torch.__version__, image_size=size, batch_size=batch, paths=latest["paths"], results=results, bytes_an_image=memory)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--random-paths", action="store_true")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output")
    options = parser.parse_args()
    save(options.output, run(options.image_size, options.batch_size, options.random_paths, options.rounds))


if __name__ == "__main__":
    main()
