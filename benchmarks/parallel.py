"""Programs compiled with `parallel=True` on several threads, beside the same on one.

    python -m benchmarks.parallel
    python -m benchmarks.parallel --threads 4
    python -m benchmarks.parallel --busy
    python -m benchmarks.parallel --quick

Times are in those of the program without `parallel=True`, medians of some calls of each, taken in
turns: of the program, and of its gradient by all arrays of floats. On a machine that is busy with
other things, `--busy` shows the processor time of the thread that calls, in place of time that
passes: what the other threads have left it to do. The last column says how many of
the loops over array places and over the program's own ranges run in parallel. The exit status is 1
if results depend on the number of threads.
"""

import argparse
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ["NUMBA_NUM_THREADS"] = str(max(os.cpu_count() or 1, 2))  # before anything loads Numba

import numpy as np

import chainrule as cr
from benchmarks._compiled_models import bundle, cameras
from benchmarks._report import _time, table


def jacobi(A, B, steps):
    A, B = A.copy(), B.copy()
    for _ in range(steps):
        B[1:-1, 1:-1] = 0.2 * (
            A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] + A[:-2, 1:-1]
        )
        A[1:-1, 1:-1] = 0.2 * (
            B[1:-1, 1:-1] + B[1:-1, :-2] + B[1:-1, 2:] + B[2:, 1:-1] + B[:-2, 1:-1]
        )
    return np.sum(A)


def reaction(u, steps):
    u = u.copy()
    for _ in range(steps):
        u[1:-1, 1:-1] = 0.2 * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] + np.sin(u[1:-1, 1:-1])
        )
    return np.sum(u**2)


def forces(q, m):
    n = len(m)
    acc = np.zeros((n, 3))
    for i in range(n):
        for j in range(n):
            if i != j:
                dx, dy, dz = q[j, 0] - q[i, 0], q[j, 1] - q[i, 1], q[j, 2] - q[i, 2]
                r2 = dx * dx + dy * dy + dz * dz + 0.01
                f = m[j] / (r2 * math.sqrt(r2))
                acc[i, 0] += dx * f
                acc[i, 1] += dy * f
                acc[i, 2] += dz * f
    return np.sum(acc**2)


def losses(x, y, w):
    total = 0.0
    for i in range(len(x)):
        r = w[0] + w[1] * x[i] + w[2] * np.sin(w[3] * x[i]) - y[i]
        total += 0.5 * r * r if abs(r) < 1.0 else abs(r) - 0.5
    return total


def networks(X, Y, W):
    total = 0.0
    for i in range(len(X)):
        r = np.tanh(W @ X[i]) - Y[i]
        total += np.sum(r * r)
    return total


def inputs(quick: bool) -> dict[Callable[..., Any], tuple[Any, ...]]:
    rng = np.random.default_rng(0)
    n = 20 if quick else 1_000
    return {
        jacobi: (rng.normal(size=(n, n)), rng.normal(size=(n, n)), 20),
        reaction: (rng.normal(size=(n, n)), 5),
        forces: (rng.normal(size=(n, 3)), rng.uniform(size=n)),
        bundle: cameras(quick),
        losses: (rng.normal(size=300 * n), rng.normal(size=300 * n), rng.normal(size=4)),
        networks: (
            rng.normal(size=(20 * n, 24)),
            rng.normal(size=(20 * n, 16)),
            rng.normal(size=(16, 24)),
        ),
    }


def main() -> int:
    """Measure, print the table, and return 1 if results depend on the number of threads."""
    arguments = _parser().parse_args()
    rows = [["Program", "", "sequential", "one thread", f"{arguments.threads} threads", "loops"]]
    same = True
    for function, args in inputs(arguments.quick).items():
        print(function.__name__, file=sys.stderr)
        wrt = tuple(k for k, x in enumerate(args) if isinstance(x, np.ndarray) and x.dtype == float)
        sequential = cr.compile(function, backend="numba")
        parallel = cr.compile(function, backend="numba", parallel=True)
        for what, before, after in (
            ("program", sequential, parallel),
            ("gradient", cr.grad(sequential, argnums=wrt), cr.grad(parallel, argnums=wrt)),
        ):
            clock = time.thread_time if arguments.busy else time.perf_counter
            base, *times = least((before, after, after), (1, 1, arguments.threads), args, clock)
            same = same and bits(after, 1, args) == bits(after, arguments.threads, args)
            ratios = [f"{found / base:.2f}" for found in times]
            rows.append([function.__name__, what, _time(base), *ratios, loops(after)])
    print(table(rows), "" if same else "FAILED: results depend on the threads", sep="\n")
    return int(not same)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.parallel", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--busy", action="store_true", help="time of the calling thread alone")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs")
    return parser


def called(program: Callable[..., Any], threads: int, args: tuple[Any, ...]) -> Any:
    import numba

    numba.set_num_threads(threads)
    return program(*args)


def least(
    programs: tuple[Any, ...],
    threads: tuple[int, ...],
    args: tuple[Any, ...],
    clock: Callable[[], float],
) -> list[float]:
    """The middle time of some calls of each program, in turns."""
    times: list[list[float]] = [[] for _ in programs]
    for _ in range(15):
        for program, count, found in zip(programs, threads, times, strict=True):
            start = clock()
            called(program, count, args)
            found.append(clock() - start)
    return [statistics.median(found) for found in times]


def bits(program: Callable[..., Any], threads: int, args: tuple[Any, ...]) -> list[bytes]:
    found = called(program, threads, args)
    return [np.asarray(x).tobytes() for x in (found if isinstance(found, tuple) else [found])]


def loops(program: Any) -> str:
    """How many of the loops that were looked at run in parallel."""
    heads = [line for line in program.explain().splitlines() if line.startswith("# for ")]
    return f"{sum(': in parallel' in line for line in heads)} of {len(heads)}"


if __name__ == "__main__":
    sys.exit(main())
