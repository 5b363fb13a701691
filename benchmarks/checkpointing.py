"""Memory and time of the gradient of a long loop, with and without checkpointing.

    python -m benchmarks.checkpointing
    python -m benchmarks.checkpointing --snapshots 5
    python -m benchmarks.checkpointing --quick

A diffusion of 1,000 cells whose speed depends on the state, so that every step's state is needed.
Memory is the peak of what Python and NumPy allocate in one gradient, as tracemalloc counts it; time
is the best of some calls without it.
"""

import argparse
import math
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks._report import _time, table

CELLS = 1_000
STEPS = (10, 100, 1_000, 10_000)
Gradient = Callable[[np.ndarray, float, int], Any]


def plain(u, c, steps):
    """Diffuse, and measure the energy that is left."""
    u = u.copy()
    for _ in range(steps):
        u[1:-1] += c * u[1:-1] * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u**2)


def checkpointed(snapshots: int | None) -> Callable[..., Any]:
    """The same with a mark on the loop."""

    def diffuse(u, c, steps):
        u = u.copy()
        for _ in cr.checkpointed(range(steps), snapshots):
            u[1:-1] += c * u[1:-1] * (u[2:] - 2 * u[1:-1] + u[:-2])
        return np.sum(u**2)

    return diffuse


def main() -> int:
    """Measure, print the table, and return 1 if two gradients differ."""
    arguments = _parser().parse_args()
    k = arguments.snapshots
    made = {
        "program": plain,
        "plain loop": cr.grad(cr.compile(plain)),
        f"{k} snapshots": cr.grad(cr.compile(checkpointed(k))),
        "about sqrt(2 n) snapshots": cr.grad(cr.compile(checkpointed(None))),
    }
    u = 0.5 + 0.4 * np.sin(np.linspace(0, 20, CELLS))
    rows = [["Steps", "program", *(f"{name}: {what}" for name in [*made][1:] for what in WHAT)]]
    same = True
    for steps in STEPS[:2] if arguments.quick else STEPS:
        print(f"{steps} steps", file=sys.stderr)
        gradients = [f(u, 0.2, steps) for f in [*made.values()][1:]]
        same = same and all(np.array_equal(g, gradients[0]) for g in gradients)
        first, *others = (seconds(f, u, steps) for f in made.values())
        cells = [f"{steps:,}", _time(first)]
        for f, found in zip([*made.values()][1:], others, strict=True):
            cells += [f"{peak(f, u, steps) / 1e6:.2f} MB", f"{found / first:.2f}"]
        rows.append(cells)
    again = least_again(STEPS[-1], k)
    note = f"{STEPS[-1]:,} steps with {k} snapshots: {again:,} of them run again, one by one"
    print(table(rows), "", note, "" if same else "FAILED: the gradients differ", sep="\n")
    return int(not same)


WHAT = ("memory", "time / program")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.checkpointing", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--snapshots", type=int, default=20, help="states kept at a time")
    parser.add_argument("--quick", action="store_true", help="few steps: shows that it runs")
    return parser


def seconds(f: Gradient, u: np.ndarray, steps: int) -> float:
    """The best time of three calls, of one where it takes long."""
    found = []
    while len(found) < 3 and sum(found) < 5:
        start = time.perf_counter()
        f(u, 0.2, steps)
        found.append(time.perf_counter() - start)
    return min(found)


def peak(f: Gradient, u: np.ndarray, steps: int) -> int:
    """The most bytes that a call holds at a time."""
    tracemalloc.start()
    try:
        f(u, 0.2, steps)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def least_again(n: int, k: int) -> int:
    """How many steps must run again at least (Griewank and Walther 2000, theorem 1)."""
    r = next(r for r in range(n) if n <= math.comb(k + r, k))
    return r * n - math.comb(k + r, r - 1)


if __name__ == "__main__":
    sys.exit(main())
