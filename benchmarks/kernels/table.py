#!/usr/bin/env python3
"""Fills the table of kernels in a document anew: table.py FP32.json BF16.json DOCUMENT.

The files are those of `spos bench kernels`. Of each row the first cell stays, which is a group's name, and the last one, which says why
it is not more.
"""
import json
import re
import sys

# In the order in which a kernel is looked for.
GROUPS = {
    "fused pointwise": "pointwise_fused_",
    "pointwise at the end of a branch": "stage_pointwise_",
    "fused depthwise": "depthwise_fused_",
    "whole branches, in inference": "branch_normalised_",
    "other pointwise": "pointwise_",
    "stem": "stem_",
    "batch norm by itself": "batch_norm_",
    "all others": "",
}

# The loader's, which are no part of a step.
LOADER = ("jpeg_", "image_")


def cells(path, precision):
    """Share of the time, and share of the roofline, of each group."""
    try:
        with open(path) as file:
            result = json.load(file)
        if (result["precision"], result["batch_size"]) != (precision, 32):
            sys.exit(f"{path} is not of {precision} at batch 32.")
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"{path} is no result of spos bench kernels ({error}).")
    kernels = [k for k in result["kernels"] if not k["kernel"].startswith(LOADER)]
    time = {name: 0.0 for name in GROUPS}
    least = dict(time)
    for kernel in kernels:
        group = next(name for name, start in GROUPS.items() if kernel["kernel"].startswith(start))
        seconds = kernel["microseconds"] * kernel["launches"]
        time[group] += seconds
        least[group] += seconds * kernel["of_roofline"]
    whole = sum(time.values())
    print(
        f"{path}: {result['peak_gflops']:.0f} GFLOP/s in fp32, {result['peak_gflops_bf16']:.0f} of products of bf16, "
        f"{result['peak_gbytes']:.0f} GB/s; all kernels {sum(least.values()) / whole:.0%} of their roofline")
    return {name: [f"{time[name] / whole:.0%}", f"{least[name] / time[name]:.0%}" if time[name] else ""] for name in GROUPS}


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    fp32, bf16 = cells(sys.argv[1], "fp32"), cells(sys.argv[2], "bf16")
    with open(sys.argv[3]) as file:
        text = file.read()
    for name in GROUPS:
        row = re.compile(rf"^\| {re.escape(name)} \|(?:[^|\n]*\|){{4}}", re.MULTILINE)
        if len(row.findall(text)) != 1:
            sys.exit(f"{sys.argv[3]} has no row '{name}', or several.")
        text = row.sub(f"| {name} | {' | '.join(fp32[name] + bf16[name])} |", text)
    with open(sys.argv[3], "w") as file:
        file.write(text)


main()
