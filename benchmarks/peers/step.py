#!/usr/bin/env python3
"""Training steps and inference: Spos against PyTorch and ONNX Runtime, in turn on the same machine.

    benchmarks/peers/step.py [--random-paths] [--image-size 224] [--batch-size 32] [--rounds 5] [--output FILE]

Needs python3-torch. Each round runs Spos in fp32 and in bf16, every configuration of PyTorch (fp32 and bf16 by autocast,
layout, threads), and ONNX Runtime on the path's file as Spos exports it (inference), on one path or, the same for all, on
another random path of the supernet each time (without ONNX Runtime, whose file is one path). A batch of one picture is
inference alone. The table shows the median of all runs, their quartiles, and how many times as fast as the best peer each is;
then the best of each kind of peer, and Spos in each precision against the best in any precision and in fp32 alone; and how
much memory a training step adds, an image. A configuration that is far behind in the first round is not run again.
"""
import argparse
import contextlib
import itertools
import json
import multiprocessing
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import torch
from torch import nn

from harness import CORES, ROOT, Slow, compare, is_ours, record, save, spos, summarise

sys.path.insert(0, str(ROOT / "tests" / "fixtures"))
from official_network import Network, fill  # noqa: E402

PATH = [2, 1, 0, 1, 2, 0, 2, 0, 2, 0, 2, 3, 0, 0, 0, 0, 3, 2, 3, 3]
# A program's first second is not like the hours that follow: code is still compiled, and memory comes from the system. What runs in a
# process of its own has no say in that, and so many runs that these do not decide the median.
WARM_UP_SECONDS = 1
RUNS, SECONDS = 3, 2
RUNS_OF_PROCESSES = 30
SIZES = (16, [4, 4, 8, 4], [64, 160, 320, 640], 1024, 1000)
ONNX_RUNTIME = ROOT / "benchmarks" / "peers" / "onnx-runtime"
# fp32 as it is; bf16 by PyTorch's automatic casts.
PRECISIONS = {"fp32": contextlib.nullcontext, "bf16": lambda: torch.autocast("cpu", dtype=torch.bfloat16)}
LAYOUTS = {"NCHW": torch.contiguous_format, "channels_last": torch.channels_last}


class Pytorch:
    """The network with its optimizer; each step and each inference takes the next of `paths`."""

    def __init__(self, precision, layout, size, batch, paths):
        torch.manual_seed(1)
        self.batch = batch
        self.casts = PRECISIONS[precision]
        # One path as a network of its own, or the supernet.
        self.paths = itertools.cycle(paths if len(paths) > 1 else [None])
        self.network = Network(*SIZES, path=paths[0] if len(paths) == 1 else None)
        self.network.to(memory_format=LAYOUTS[layout])
        self.images = torch.randn(batch, 3, size, size).contiguous(memory_format=LAYOUTS[layout])
        self.labels = torch.arange(batch) % 1000
        self.loss = nn.CrossEntropyLoss(label_smoothing=0.1)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.01, momentum=0.9, weight_decay=4e-5)

    def train(self, images=None):
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        with self.casts():
            logits = self.network(self.images if images is None else images, next(self.paths))
            loss = self.loss(logits, self.labels[: len(logits)])
        loss.backward()
        self.optimizer.step()

    def infer(self):
        self.network.eval()
        with torch.inference_mode(), self.casts():
            self.network(self.images, next(self.paths))

    def rates(self, work, runs):
        """Images a second of each run: of `runs` at least, and of as many as SECONDS hold."""
        begin = time.perf_counter()
        work()
        while time.perf_counter() - begin < WARM_UP_SECONDS:
            work()
        result = []
        begin = time.perf_counter()
        while len(result) < runs or time.perf_counter() - begin < SECONDS:
            start = time.perf_counter()
            work()
            result.append(self.batch / (time.perf_counter() - start))
        return result


def pytorch(precision, layout, threads, size, batch, paths):
    torch.set_num_threads(threads)
    network = Pytorch(precision, layout, size, batch, paths)
    runs = max(RUNS, len(paths))
    rates = {} if batch == 1 else {"training step": network.rates(network.train, runs)}
    return {**rates, "inference": network.rates(network.infer, runs)}


def call(*command):
    outcome = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if outcome.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{outcome.stdout}{outcome.stderr}")
    return outcome.stdout


def export(folder, size):
    """The path's network as Spos exports it, by way of PyTorch's file of it."""
    weights, run, onnx = folder / "network.pth", folder / "imported", folder / "network.onnx"
    torch.save(fill(Network(*SIZES, affine=True, path=PATH), 1).state_dict(), weights)
    call(ROOT / "spos", "import", "--checkpoint", weights, "--image-size", size, "--output-dir", run)
    call(ROOT / "spos", "export", "--checkpoint", run, "--format", "onnx", "--output", onnx)
    return onnx


def onnx_runtime(onnx, batch, threads):
    program = ONNX_RUNTIME / "bin" / "Release" / "net10.0" / "spos-onnx-runtime.dll"
    return json.loads(call("dotnet", program, onnx, batch, threads, RUNS_OF_PROCESSES))


def status(field):
    with open("/proc/self/status") as lines:
        return int(re.search(rf"{field}:\s*(\d+) kB", lines.read())[1]) * 1024


def added_memory(precision, layout, size, batch, answer):
    """What a training step adds to the process's memory at most, beyond that of one image's."""
    network = Pytorch(precision, layout, size, batch, [PATH])
    network.train(network.images[:1])
    before = status("VmRSS")
    for _ in range(2):
        network.train()
    answer.put((status("VmHWM") - before) / (batch - 1))


def memory_of_pytorch(precision, layout, size, batch):
    context = multiprocessing.get_context("spawn")
    answer = context.SimpleQueue()
    process = context.Process(target=added_memory, args=(precision, layout, size, batch, answer))
    process.start()
    process.join()
    return answer.get()


def kind(peer):
    """The library and the precision of a peer."""
    return " ".join(peer.split()[:2])


def threads_of(count):
    return f"{count} thread{'s' if count > 1 else ''}"


def run(size, batch, random_paths, rounds):
    arguments = ["step", "--image-size", size, "--batch-size", batch, "--runs", RUNS_OF_PROCESSES]
    if batch == 1:
        arguments.append("--inference")
    if not random_paths:
        arguments += ["--architecture", " ".join(map(str, PATH))]
    latest, versions = {}, {"pytorch": torch.__version__}

    def run_spos(precision):
        latest[precision] = spos(*arguments, "--precision", precision, "--alone")
        return {s["work"]: [s["images_per_second"]] for s in latest[precision]["steps"]}

    def run_pytorch(precision, layout, threads):
        paths = [[int(choice) for choice in path.split()] for path in latest["fp32"]["paths"]]
        return pytorch(precision, layout, threads, size, batch, paths)

    def run_onnx_runtime(onnx, threads):
        result = onnx_runtime(onnx, batch, threads)
        versions["onnxruntime"] = result["version"]
        return {"inference": result["images_per_second"]}

    peers = {f"spos {precision}": lambda precision=precision: run_spos(precision) for precision in PRECISIONS}
    counts = sorted({1, CORES})
    for one in itertools.product(PRECISIONS, LAYOUTS, counts):
        peers[f"pytorch {one[0]} {one[1]}, {threads_of(one[2])}"] = lambda one=one: run_pytorch(*one)
    with tempfile.TemporaryDirectory() as folder:
        if not random_paths:
            call("dotnet", "build", ONNX_RUNTIME, "-c", "Release", "--nologo", "-v", "quiet")
            onnx = export(pathlib.Path(folder), size)
            for threads in counts:
                peers[f"onnxruntime fp32, {threads_of(threads)}"] = lambda threads=threads: run_onnx_runtime(onnx, threads)
        title = f"{size}x{size}, batch {batch}, {'random paths' if random_paths else 'one path'}, PyTorch {torch.__version__}"
        results = compare(title, peers, rounds, lambda peer: not is_ours(peer), Slow(kind))
    summary = summarise(results, kind)
    memory = {}
    if batch > 1:
        for precision in PRECISIONS:
            memory[f"spos {precision}"] = latest[precision]["steps"][0]["device_bytes"] / batch
        for precision, layout in itertools.product(PRECISIONS, LAYOUTS):
            memory[f"pytorch {precision} {layout}"] = memory_of_pytorch(precision, layout, size, batch)
    for peer, value in memory.items():
        print(f"  memory of a training step, an image: {peer:27} {value / 1e6:6.1f} MB", flush=True)
    return record(**versions, image_size=size, batch_size=batch, paths=latest["fp32"]["paths"], results=results, summary=summary, bytes_an_image=memory)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--random-paths", action="store_true")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output")
    options = parser.parse_args()
    save(options.output, run(options.image_size, options.batch_size, options.random_paths, options.rounds))


if __name__ == "__main__":
    main()
