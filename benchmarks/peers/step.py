#!/usr/bin/env python3
"""Training steps and inference of one path: Spos against PyTorch, in turn on the same machine.

    benchmarks/peers/step.py [--image-size 224] [--batch-size 32] [--rounds 3] [--output FILE]

Needs python3-torch. Each round runs Spos and every configuration of PyTorch (layout, threads); the table shows the median
of all runs, their quartiles, and how many times as fast as PyTorch's best configuration Spos is.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "fixtures"))
from official_network import Network  # noqa: E402

PATH = [2, 1, 0, 1, 2, 0, 2, 0, 2, 0, 2, 3, 0, 0, 0, 0, 3, 2, 3, 3]
RUNS = 3


def pytorch(layout, threads, size, batch):
    """Images a second of RUNS training steps and RUNS * 3 inferences, after one of each."""
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    network = Network(16, [4, 4, 8, 4], [64, 160, 320, 640], 1024, 1000, path=PATH).to(memory_format=layout)
    images = torch.randn(batch, 3, size, size).contiguous(memory_format=layout)
    labels = torch.arange(batch) % 1000
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=4e-5)

    def train():
        optimizer.zero_grad(set_to_none=True)
        loss(network(images), labels).backward()
        optimizer.step()

    def infer():
        with torch.inference_mode():
            network(images)

    def rates(work, runs):
        result = []
        for run in range(runs + 1):
            start = time.perf_counter()
            work()
            if run > 0:
                result.append(batch / (time.perf_counter() - start))
        return result

    network.train()
    training = rates(train, RUNS)
    network.eval()
    return {"training step": training, "inference": rates(infer, RUNS * 3)}


def spos(size, batch):
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "step.json")
        command = [ROOT / "spos", "bench", "step", "--image-size", str(size), "--batch-size", str(batch), "--runs", "5"]
        command += ["--architecture", " ".join(map(str, PATH)), "--output", output]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        steps = json.loads(pathlib.Path(output).read_text())["steps"]
    return {s["work"]: [s["images_per_second"]] for s in steps if s["plan"] == "fused"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3, help="at least 2")
    parser.add_argument("--output")
    options = parser.parse_args()
    size, batch = options.image_size, options.batch_size
    cores = len(os.sched_getaffinity(0))
    peers = {"spos": lambda: spos(size, batch)}
    for name, layout in (("NCHW", torch.contiguous_format), ("channels_last", torch.channels_last)):
        for threads in sorted({1, cores}):
            label = f"pytorch {torch.__version__} {name}, {threads} thread{'s' if threads > 1 else ''}"
            peers[label] = lambda layout=layout, threads=threads: pytorch(layout, threads, size, batch)

    rates = {work: {peer: [] for peer in peers} for work in ("training step", "inference")}
    for _ in range(options.rounds):
        for peer, run in peers.items():
            for work, values in run().items():
                rates[work][peer] += values

    results = []
    print(f"{size}x{size}, batch {batch}, {cores} cores; images a second")
    for work, by_peer in rates.items():
        medians = {peer: statistics.median(values) for peer, values in by_peer.items()}
        best = max(rate for peer, rate in medians.items() if peer != "spos")
        for peer, values in by_peer.items():
            low, _, high = statistics.quantiles(values, n=4)
            print(f"  {work:14} {peer:42} {medians[peer]:8.1f}  ({low:.1f} to {high:.1f})  {medians[peer] / best:5.2f}")
            results.append({"work": work, "peer": peer, "images_per_second": medians[peer], "quartiles": [low, high], "against_best_of_pytorch": medians[peer] / best})
    if options.output:
        record = {"date": time.strftime("%Y-%m-%d"), "cores": cores, "image_size": size, "batch_size": batch, "path": PATH, "results": results}
        pathlib.Path(options.output).write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
