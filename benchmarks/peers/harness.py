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


def is_ours(peer):
    return peer.split()[0] == "spos"


class Slow:
    """Which peers are run in the first round only: those that at no work reach this share of the best of their family."""

    SHARE = 0.6

    def __init__(self, family):
        self.family = family

    def of(self, rates):
        fast = set()
        for by_peer in rates.values():
            medians = {peer: statistics.median(values) for peer, values in by_peer.items()}
            for peer, rate in medians.items():
                if rate >= self.SHARE * max(r for other, r in medians.items() if self.family(other) == self.family(peer)):
                    fast.add(peer)
        return {peer for by_peer in rates.values() for peer in by_peer} - fast


def compare(title, peers, rounds, base, slow=None):
    """
    Runs each of `peers` (name: function that returns lists of rates by work) once a round, and prints, for each work, the
    median of all rates, their quartiles, and how many times as fast as the best of the peers that `base` accepts it is.
    With `slow` peers that have no chance are not run again after the first round.
    """
    rates, left_out = {}, set()
    for index in range(rounds):
        if index == 1 and slow:
            left_out = slow.of(rates)
        for peer, run in peers.items():
            if peer in left_out:
                continue
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


def summarise(results, families):
    """
    Prints, for each work, the best of each family of peers (a function of a peer's name), and how many times as fast Spos is, in
    each precision, as the best of all and as the best in single precision.
    """
    summary = []
    for work in dict.fromkeys(r["work"] for r in results):
        rates = {r["peer"]: r["images_per_second"] for r in results if r["work"] == work}
        ours = {peer: rates.pop(peer) for peer in list(rates) if is_ours(peer)}
        best = {}
        for peer, rate in sorted(rates.items(), key=lambda item: -item[1]):
            best.setdefault(families(peer), (peer, rate))
        print(f"  {work}: " + ", ".join(f"{peer} {rate:.1f}" for peer, rate in ours.items()))
        for peer, rate in best.values():
            print(f"    best of its kind: {peer:42} {rate:8.1f}")
        of_all = max(rate for _, rate in best.values())
        of_fp32 = max(rate for peer, rate in best.values() if " fp32" in peer)
        ratios = {peer: {"to_best": rate / of_all, "to_best_fp32": rate / of_fp32} for peer, rate in ours.items()}
        for peer, ratio in ratios.items():
            print(
                f"    {peer} against the best of all precisions {ratio['to_best']:.2f}, "
                f"against the best in fp32 {ratio['to_best_fp32']:.2f}",
                flush=True,
            )
        summary.append({"work": work, "best": dict(best.values()), "ratios": ratios})
    return summary


def record(**fields):
    """A result with its date and machine."""
    with open("/proc/cpuinfo") as lines:
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return {"date": time.strftime("%Y-%m-%d"), "cpu": model, "cores": CORES, **fields}


def save(path, result):
    if path:
        pathlib.Path(path).write_text(json.dumps(result, indent=2) + "\n")
