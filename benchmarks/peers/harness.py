"""What the comparisons share: rounds of peers in turn, and tables of medians, quartiles and ratios."""
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORES = len(os.sched_getaffinity(0))


def spos(*arguments):
    """Runs a benchmark of Spos; returns what it has measured."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder, "result.json")
        command = [ROOT / "spos", "bench", *map(str, arguments), "--output", output]
        outcome = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if outcome.returncode != 0:
            sys.exit(outcome.stderr)
        return json.loads(output.read_text())


def compare(title, peers, rounds, base):
    """
    Runs each of `peers` (name: function that returns lists of rates by work) once a round, and prints, for each work, the
    median of all rates, their quartiles, and how many times as fast as the best of the peers that `base` accepts it is.
    """
    rates = {}
    for _ in range(rounds):
        for peer, run in peers.items():
            for work, values in run().items():
                rates.setdefault(work, {}).setdefault(peer, []).extend(values)
    results = []
    print(f"{title}, {CORES} cores; images a second")
    for work, by_peer in rates.items():
        medians = {peer: statistics.median(values) for peer, values in by_peer.items()}
        best = max(rate for peer, rate in medians.items() if base(peer))
        for peer, values in by_peer.items():
            low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
            print(f"  {work:14} {peer:42} {medians[peer]:8.1f}  ({low:.1f} to {high:.1f})  {medians[peer] / best:5.2f}", flush=True)
            results.append({"work": work, "peer": peer, "images_per_second": medians[peer], "quartiles": [low, high], "ratio": medians[peer] / best})
    return results


def record(**fields):
    """A result with its date and machine."""
    with open("/proc/cpuinfo") as lines:
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return {"date": time.strftime("%Y-%m-%d"), "cpu": model, "cores": CORES, **fields}


def save(path, result):
    if path:
        pathlib.Path(path).write_text(json.dumps(result, indent=2) + "\n")
