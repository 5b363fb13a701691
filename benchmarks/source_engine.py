"""Adjoint programs against the programs that they are the derivatives of.

    python -m benchmarks.source_engine
    python -m benchmarks.source_engine --only jacobi --repeats 31
    python -m benchmarks.source_engine --quick

How many times as long as the plain NumPy program does its gradient take, by the source engine, by
hand, and by the peers that can express it? And how long does the transformation itself take?
"""

import argparse
import gc
import inspect
import math
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import _source_programs as programs
from benchmarks._contenders import find
from benchmarks._report import _short, _time, table
from benchmarks._source_peers import HAND, PEERS
from benchmarks._source_programs import KERNELS, Kernel
from benchmarks._timing import BATCH_SECONDS, Ratio, ratio
from benchmarks._workload import check_gradient, leaves

Run = Callable[[], Any]


def main() -> int:
    """Measure, print the table, and return 1 if a gradient was wrong."""
    arguments = _parser().parse_args()
    rounds = arguments.repeats or (3 if arguments.quick else 15)
    made = _transformation(rounds)  # before the peers are here: what they load slows collections
    found = find(("jax", "autograd"))
    columns = ["chainrule", "hand", *found.versions]
    rows, notes, failed = [["Gradient / program", *columns]], [], False
    for name in arguments.only or [*KERNELS]:
        kernel = KERNELS[name]
        print(f"{name}: checking and timing", file=sys.stderr)
        runs, wrong = _contenders(kernel, [*found.versions], arguments.quick)
        ratios, seconds = _measure(runs, rounds)
        cells = [_cell(column, ratios, wrong) for column in columns]
        rows.append([name, *cells])
        notes.append(f"- {name}: {kernel.title}; the program takes {_time(seconds)}")
        notes += [f"  - {column} FAILED: {why}" for column, why in wrong.items()]
        failed = failed or bool(wrong)
    print(table(rows), "", *notes, "", made, sep="\n")
    return int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.source_engine", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--only", action="append", choices=[*KERNELS], help="this one alone")
    parser.add_argument("--repeats", type=int, help="rounds")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs")
    return parser


def _cell(column: str, ratios: dict[str, Ratio], wrong: dict[str, str]) -> str:
    if column in wrong:
        return "FAILED"
    return _short(ratios[column].median) if column in ratios else "-"


def _contenders(
    kernel: Kernel, peers: list[str], quick: bool
) -> tuple[dict[str, Run], dict[str, str]]:
    """The program and every gradient that is right; the others with what is wrong."""
    args = kernel.inputs(quick)
    runs: dict[str, Run] = {"program": lambda: kernel.function(*args)}
    wrong: dict[str, str] = {}
    factories = {"chainrule": with_chainrule}
    factories |= {"hand": HAND[kernel.name]} if kernel.name in HAND else {}
    factories |= {peer: PEERS[peer][kernel.name] for peer in peers if kernel.name in PEERS[peer]}
    expected = None
    for name, factory in factories.items():
        try:
            run = factory(kernel, args)
            got = leaves(run())
            check_slope(kernel, args, got)
            check_gradient(got, expected or got, 1e-8)
        except Exception as error:  # shown in the table, and the exit status is 1
            wrong[name] = f"{type(error).__name__}: {error}"
            continue
        expected = expected or got
        runs[name] = run
    return runs, wrong


def with_chainrule(kernel: Kernel, args: tuple[Any, ...]) -> Run:
    """The emitted adjoint of the function as it stands."""
    import chainrule as cr

    gradient = cr.grad(cr.compile(kernel.function), argnums=kernel.argnums)
    return lambda: gradient(*args)


def check_slope(kernel: Kernel, args: tuple[Any, ...], gradient: list[np.ndarray]) -> None:
    """Compare with a central difference of the program along a random direction."""
    rng = np.random.default_rng(1)
    directions = [rng.normal(size=np.shape(args[i])) for i in kernel.argnums]
    slope = sum(np.sum(g * d) for g, d in zip(gradient, directions, strict=True))
    scale = max(np.sqrt(np.sum(d * d)) for d in directions)
    h = 1e-5 / scale * max(1.0, *(np.max(np.abs(args[i])) for i in kernel.argnums))

    def at(step: float) -> float:
        moved = list(args)
        for i, direction in zip(kernel.argnums, directions, strict=True):
            moved[i] = args[i] + step * direction
        return float(kernel.function(*moved))

    # of fourth order: some programs bend strongly
    expected = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    noise = 1e-15 * abs(at(0.0)) / h
    if not abs(slope - expected) <= 1e-4 * abs(expected) + 100 * noise:
        raise AssertionError(f"the slope is {slope:.8g}, by differences {expected:.8g}")


def _measure(runs: dict[str, Run], rounds: int) -> tuple[dict[str, Ratio], float]:
    """Time all contenders in turn; give their ratios to the program and its seconds."""
    times = times_in_turn(runs, rounds)
    base = times["program"]
    return {n: ratio(times[n], base) for n in runs}, statistics.median(base.values())


def times_in_turn(runs: dict[str, Run], rounds: int) -> dict[str, dict[int, float]]:
    """Seconds a call, by contender and round, as batches in an order that changes."""
    calls = {
        name: max(1, math.ceil(BATCH_SECONDS / _seconds(run, 1))) for name, run in runs.items()
    }
    times: dict[str, dict[int, float]] = {name: {} for name in runs}
    order, names = random.Random(0), [*runs]
    for turn in range(rounds):
        order.shuffle(names)
        for name in names:
            times[name][turn] = _seconds(runs[name], calls[name])
    return times


def _seconds(run: Run, calls: int) -> float:
    gc.collect()
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls


def _transformation(rounds: int) -> str:
    """Time the way from a function to the text of its gradient, in seconds of the processor."""
    import chainrule as cr

    function, args = programs.shallow_water, programs.water(True)
    times = []
    for _ in range(min(rounds, 7) + 1):
        start = time.process_time()
        gradient = cr.grad(cr.compile(function, backend="numpy"), argnums=(0, 1, 2, 3))
        gradient(*args)
        made = time.process_time()
        gradient(*args)
        times.append(2 * made - start - time.process_time())  # the first call less the second
    lines = len(inspect.getsource(function).splitlines())
    emitted = len(gradient.source.splitlines())
    return (
        f"From a function of {lines} lines to its gradient, a text of {emitted} lines: "
        f"{_time(statistics.median(times[1:]))}; the first in a process {_time(times[0])}"
    )


if __name__ == "__main__":
    sys.exit(main())
