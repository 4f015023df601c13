"""Training steps and inference of one network: Spos against PyTorch in every precision that it has, in the same run.

    race.py --spos PROGRAM [--device cuda] [--image-size 224] [--batch-sizes 256,1024,32] [--runs 7] [--seconds 120] [--output FILE]

Needs PyTorch. Prints a line as soon as a figure is known: the median of the runs in images a second, and on a GPU how much memory
it took. Each run is waited for, on both sides. What matters most comes first, and what no time is left for is left out and named.
"""
import time

# Of the seconds that there are, loading PyTorch takes some.
START = time.monotonic()

import argparse
import gc
import json
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile

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


class TimeIsUp(BaseException):
    """No Exception, since PyTorch's compiler makes others of those."""


def stop(*_):
    raise TimeIsUp


class Race:
    def __init__(self, options):
        self.options, self.results = options, []
        self.end = START + options.seconds
        # Seconds that the last turn of a kind took, whatever its batch and with its batch; guesses until there was one.
        self.took = {"Spos": 2.0, "eager": 4.0, "compiled": 25.0}
        signal.signal(signal.SIGALRM, stop)

    def keep(self, batch, peer, work, rate, memory, note):
        self.results.append({"batch_size": batch, "peer": peer, "work": work, "images_per_second": rate, "bytes": memory, "note": note})
        self.save()

    def tell(self, batch, peer, work, rate, memory=None, note=""):
        self.keep(batch, peer, work, rate, memory, note)
        figure = f"{rate:9,.1f} img/s" if rate else f"{'-':>9}      "
        print(f"  batch {batch:4}  {work:13}  {peer:26} {figure}  {'' if not memory else f'{memory / 1e9:.1f} GB'}{note}", flush=True)

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
            outcome = subprocess.run(list(map(str, command)), capture_output=True, text=True)
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

    def turns(self):
        """(batch, peer, what times it) of each, what matters most first."""
        batches = self.options.batch_sizes
        first, others = batches[0], batches[1:]
        cuda = self.options.device == "cuda"
        precisions = ["bf16", "tf32", "fp32"] if cuda else ["fp32"]
        # PyTorch's fastest and what Spos computes in come first where batches are large; compiling takes longest and comes last.
        order = [(first, precision, "eager") for precision in precisions]
        order += [(batch, precision, "eager") for batch in others if batch > first for precision in precisions if precision != "tf32"]
        if hasattr(torch, "compile"):
            order.append((first, precisions[0], "compiled"))
        order += [(batch, precision, "eager") for batch in others for precision in precisions]
        if hasattr(torch, "compile"):
            order += [(batch, precision, "compiled") for precision in precisions for batch in batches]
        # A GPU is given a step as one graph, unless it is asked not to: that tells most where batches are small.
        ways = [(batch, []) for batch in batches] + ([(min(batches), ["--no-graphs"])] if cuda else [])
        turns = [(batch, " ".join(["Spos", *way]), lambda b=batch, w=way: self.spos(b, w)) for batch, way in ways]
        for turn in dict.fromkeys(order):
            batch, precision, mode = turn
            turns.append((batch, f"PyTorch {precision}, {mode}", lambda t=turn: self.pytorch(*t)))
        return turns

    def run(self):
        failed, left_out = False, []
        for batch, peer, turn in self.turns():
            kind = "Spos" if peer.startswith("Spos") else peer.split()[-1]
            if self.left() < 1.2 * self.took.get((kind, batch), self.took[kind]):
                self.keep(batch, peer, "both", None, None, "left out: no time")
                left_out.append(f"{peer} at {batch}")
                continue
            start = time.monotonic()
            signal.setitimer(signal.ITIMER_REAL, self.left())
            try:
                turn()
            except (Exception, TimeIsUp) as error:  # What one of them cannot do must not hide the others.
                words = str(error).strip().splitlines() or [type(error).__name__]
                note = "stopped: no time" if isinstance(error, TimeIsUp) else f"failed: {words[0][:120]}"
                self.tell(batch, peer, self.missing(batch, peer), None, note=note)
                failed = failed or peer.startswith("Spos")
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            self.took[kind] = self.took[kind, batch] = time.monotonic() - start
            if kind == "compiled":
                torch._dynamo.reset()
            gc.collect()
            if self.options.device == "cuda":
                torch.cuda.empty_cache()
        if left_out:
            print(f"  left out, since no time was left: {'; '.join(left_out)}", flush=True)
        self.conclude()
        return not failed

    def missing(self, batch, peer):
        """The work of a turn that ended early which was not timed."""
        timed = [r["work"] for r in self.results if (r["batch_size"], r["peer"]) == (batch, peer)]
        return next((work for work in WORKS if timed and work not in timed), "both")

    def conclude(self):
        for batch in self.options.batch_sizes:
            for work in WORKS:
                rates = {r["peer"]: r["images_per_second"] for r in self.results if (r["batch_size"], r["work"]) == (batch, work) and r["images_per_second"]}
                own = next((rate for peer, rate in rates.items() if peer.startswith("Spos")), None)
                others = {peer: rate for peer, rate in rates.items() if not peer.startswith("Spos")}
                if not own or not others:
                    continue
                best = max(others, key=others.get)
                against = [
                    f"{own / max(same):.2f} in {precision}"
                    for precision in ("fp32", "tf32", "bf16")
                    if (same := [rate for peer, rate in others.items() if f" {precision}," in peer])
                ]
                against.append(f"{own / others[best]:.2f} of all ({best})")
                print(f"= batch {batch}, {work}: {own:,.0f} img/s; times PyTorch's best: {', '.join(against)}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--spos", required=True)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--spos-device")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--batch-sizes", type=lambda text: [int(size) for size in text.split(",")], default=[256, 1024, 32])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--output")
    if not Race(parser.parse_args()).run():
        sys.exit("Spos could not be timed")


if __name__ == "__main__":
    main()
