"""Training steps and inference of one network: Spos against PyTorch in every precision that it has, in the same run.

    race.py --spos PROGRAM [--device cuda] [--image-size 224] [--batch-sizes 256,1024,32] [--runs 7] [--seconds 100] [--output FILE]

Needs PyTorch. Prints a line as soon as a figure is known: the median of the runs in images a second, and on a GPU how much memory
PyTorch took. Each run is waited for, on both sides. What no time is left for is left out and named.
"""
import argparse
import gc
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tests" / "fixtures")]
from official_network import Network  # noqa: E402

PATH = [2, 1, 0, 1, 2, 0, 2, 0, 2, 0, 2, 3, 0, 0, 0, 0, 3, 2, 3, 3]
WARMUP = 3
WORKS = ("training step", "inference")


class Pytorch:
    """The network with its optimizer, as it is used on a GPU: channels_last, cuDNN's fastest algorithms."""

    def __init__(self, device, size, batch, precision, mode):
        torch.manual_seed(1)
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision != "fp32"
        self.device, self.batch, self.bf16 = device, batch, precision == "bf16"
        self.network = Network(16, [4, 4, 8, 4], [64, 160, 320, 640], 1024, 1000, path=PATH).to(device, memory_format=torch.channels_last)
        self.run = self.network if mode == "eager" else torch.compile(self.network, **({} if mode == "compiled" else {"mode": mode}))
        self.images = torch.randn(batch, 3, size, size, device=device).contiguous(memory_format=torch.channels_last)
        self.labels = torch.arange(batch, device=device) % 1000
        self.loss = nn.CrossEntropyLoss(label_smoothing=0.1)
        more = {"fused": True} if device == "cuda" else {}
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.01, momentum=0.9, weight_decay=4e-5, **more)

    def forward(self):
        with torch.autocast(self.device, torch.bfloat16, enabled=self.bf16):
            return self.run(self.images)

    def step(self, work):
        if work == "inference":
            self.network.eval()
            with torch.no_grad():
                self.forward()
        else:
            self.network.train()
            self.optimizer.zero_grad(set_to_none=True)
            self.loss(self.forward().float(), self.labels).backward()
            self.optimizer.step()
        if self.device == "cuda":
            torch.cuda.synchronize()

    def rate(self, work, runs):
        for _ in range(WARMUP):
            self.step(work)
        seconds = []
        for _ in range(runs):
            start = time.perf_counter()
            self.step(work)
            seconds.append(time.perf_counter() - start)
        return self.batch / statistics.median(seconds)


class Race:
    def __init__(self, options):
        self.options, self.results = options, []
        self.end = time.monotonic() + options.seconds
        # Seconds that such a turn took at most; guesses until there was one.
        self.longest = {"Spos": 2.0, "eager": 4.0, "compiled": 25.0}

    def tell(self, batch, peer, work, rate, memory=None, note=""):
        self.results.append({"batch_size": batch, "peer": peer, "work": work, "images_per_second": rate, "bytes": memory, "note": note})
        figure = f"{rate:9,.1f} img/s" if rate else f"{'-':>9}      "
        print(f"  batch {batch:4}  {work:13}  {peer:26} {figure}  {'' if not memory else f'{memory / 1e9:.1f} GB'}{note}", flush=True)
        self.save()

    def save(self):
        if not self.options.output:
            return
        name = torch.cuda.get_device_name() if self.options.device == "cuda" else self.options.device
        head = {"date": time.strftime("%Y-%m-%d"), "device": name, "pytorch": torch.__version__, "image_size": self.options.image_size, "path": PATH}
        pathlib.Path(self.options.output).write_text(json.dumps({**head, "results": self.results}, indent=2) + "\n")

    def left(self):
        return self.end - time.monotonic()

    def spos(self, batch, options):
        with tempfile.TemporaryDirectory() as folder:
            output = pathlib.Path(folder, "step.json")
            command = [self.options.spos, "bench", "step", "--alone", "--device", self.options.spos_device or self.options.device]
            command += ["--batch-size", batch, "--image-size", self.options.image_size, "--runs", self.options.runs, "--output", output]
            command += ["--architecture", " ".join(map(str, PATH)), *options]
            outcome = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=max(1, self.left()))
            if outcome.returncode != 0:
                raise RuntimeError(outcome.stderr.strip().splitlines()[-1])
            for step in json.loads(output.read_text())["steps"]:
                self.tell(batch, " ".join([f"Spos {step['plan']}, fp32", *options]), step["work"], step["images_per_second"], step["device_bytes"])

    def pytorch(self, batch, precision, mode):
        peer = f"PyTorch {precision}, {mode}"
        cuda = self.options.device == "cuda"
        network = Pytorch(self.options.device, self.options.image_size, batch, precision, mode)
        for work in WORKS:
            if cuda:
                torch.cuda.reset_peak_memory_stats()
            rate = network.rate(work, self.options.runs)
            self.tell(batch, peer, work, rate, torch.cuda.max_memory_allocated() if cuda else None)

    def run(self):
        batches = self.options.batch_sizes
        precisions = ["fp32", "tf32", "bf16"] if self.options.device == "cuda" else ["fp32"]
        # A GPU is given a step as one graph, unless it is asked not to.
        ways = [[], ["--no-graphs"]] if self.options.device == "cuda" else [[]]
        turns = [(lambda b=b, w=w: self.spos(b, w), b, " ".join(["Spos", *w])) for b in batches for w in ways]
        for batch in batches:
            for precision in precisions:
                turns.append((lambda b=batch, p=precision: self.pytorch(b, p, "eager"), batch, f"PyTorch {precision}, eager"))
        # Compiling takes longest and comes last, what is likely to be PyTorch's best first.
        if hasattr(torch, "compile"):
            for batch in batches:
                for precision in reversed(precisions):
                    turns.append((lambda b=batch, p=precision: self.pytorch(b, p, "compiled"), batch, f"PyTorch {precision}, compiled"))
        failed = False
        for turn, batch, peer in turns:
            # One that is under way is not stopped: begin only what is likely to end.
            kind = "Spos" if peer.startswith("Spos") else peer.split()[-1]
            if self.left() < 1.5 * self.longest[kind]:
                self.tell(batch, peer, "both", None, note="left out: no time")
                continue
            start = time.monotonic()
            try:
                turn()
            except Exception as error:  # What one of them cannot do must not hide the others.
                self.tell(batch, peer, "both", None, note=f"failed: {str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__}")
                failed = failed or peer.startswith("Spos")
            self.longest[kind] = max(self.longest[kind], time.monotonic() - start)
            if kind == "compiled":
                torch._dynamo.reset()
            gc.collect()
            if self.options.device == "cuda":
                torch.cuda.empty_cache()
        self.conclude(batches)
        return not failed

    def conclude(self, batches):
        for batch in batches:
            for work in WORKS:
                rates = {r["peer"]: r["images_per_second"] for r in self.results if (r["batch_size"], r["work"]) == (batch, work) and r["images_per_second"]}
                own = next((rate for peer, rate in rates.items() if peer.startswith("Spos")), None)
                others = {peer: rate for peer, rate in rates.items() if not peer.startswith("Spos")}
                if not own or not others:
                    continue
                best = max(others, key=others.get)
                same = {peer: rate for peer, rate in others.items() if " fp32" in peer}
                fp32 = f"{own / max(same.values()):.2f} times PyTorch's best in fp32, " if same else ""
                print(f"= batch {batch}, {work}: {own:,.0f} img/s: {fp32}{own / others[best]:.2f} times its best of all ({best})", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--spos", required=True)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--spos-device")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--batch-sizes", type=lambda text: [int(size) for size in text.split(",")], default=[256, 1024, 32])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=100)
    parser.add_argument("--output")
    if not Race(parser.parse_args()).run():
        sys.exit("Spos could not be timed")


if __name__ == "__main__":
    main()
