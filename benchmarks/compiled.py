"""Compiled programs and their gradients against JAX, hand-written Numba loops and C.

    python -m benchmarks.compiled
    python -m benchmarks.compiled --only jacobi_2d --repeats 31
    python -m benchmarks.compiled --quick
    python -m benchmarks.compiled --start

Three questions: how many times as long as the compiled gradient does JAX's take, and C's? How close
is the compiled program to loops written by hand? How many times as long as the program does its
gradient take? The compiled programs run on one thread, JAX on all. With `--start` it is the first
call alone that is timed, in a new process: without and with machine code on disk.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks import _compiled_algebra, _compiled_grids, _compiled_models, _compiled_networks
from benchmarks._compiled_c import in_c
from benchmarks._compiled_cases import CASES
from benchmarks._compiled_start import from_disk, in_new_process
from benchmarks._contenders import find
from benchmarks._report import _short, _time, table
from benchmarks._source_peers import compiled as by_jax
from benchmarks._source_programs import Kernel
from benchmarks._timing import ratio
from benchmarks._workload import check_gradient, leaves
from benchmarks.source_engine import check_slope, times_in_turn

TOPICS = [_compiled_grids, _compiled_algebra, _compiled_models, _compiled_networks]

Run = Callable[[], Any]

AT_LEAST = {
    **dict.fromkeys(["seidel_2d", "lu", "gramschmidt"], 100.0),
    **dict.fromkeys(["vadv", "burgers", "lstm", "lstm_batch"], 4.0),
    **dict.fromkeys(["bundle", "n_body"], 2.0),
    "jacobi_2d": 6.0,
}
"""JAX / gradient; 1 for the others. Primal / hand at most 1.2, gradient / primal 4, / C 1."""


def main() -> int:
    """Measure, print the table, and return 1 if a result was wrong."""
    arguments = _parser().parse_args()
    rounds = arguments.repeats or (3 if arguments.quick else 11)
    for setting in ("NPROC", "XLA_FLAGS"):  # the other benchmarks keep JAX on one thread
        os.environ.pop(setting, None)
    found = find(() if arguments.start else ("jax",))
    columns = ["JAX / gradient", "aim", "primal / hand", "gradient / primal", "gradient / C"]
    columns += ["gradient", "first call", "from disk"]
    if arguments.start:
        columns = ["first call", "from disk"]
    rows, notes = [["", *columns]], []
    for name in arguments.only or [*CASES]:
        print(f"{name}: checking and timing", file=sys.stderr)
        try:
            if arguments.start:
                cells = _start(name, arguments.quick)
            else:
                cells = _row(CASES[name], "jax" in found.versions, arguments.quick, rounds)
        except Exception as error:  # shown in the table, and the exit status is 1
            cells = ["FAILED", *["-"] * (len(columns) - 1)]
            notes.append(f"- {name} FAILED: {type(error).__name__}: {error}")
        rows.append([name, *cells])
        print(table(rows[:1] + rows[-1:]), *notes[-1:], sep="\n", file=sys.stderr)
    titles = [f"- {name}: {CASES[name].title}" for name in arguments.only or CASES]
    print(table(rows), "", *titles, *notes, sep="\n")
    return int(bool(notes))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compiled", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--only", action="append", choices=[*CASES], help="this one alone")
    parser.add_argument("--repeats", type=int, help="rounds")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs")
    parser.add_argument("--start", action="store_true", help="time first calls alone")
    return parser


def _start(name: str, quick: bool) -> list[str]:
    """Seconds of the first call in a process that has to compile, and in one that has not."""
    return [_time(in_new_process(name, quick)), _time(from_disk(name, quick))]


def _row(kernel: Kernel, jax: bool, quick: bool, rounds: int) -> list[str]:
    """Check all contenders of a case, time them in turn, and compare."""
    args = kernel.inputs(quick)
    others = _others(kernel, args, jax)
    others["hand"]()  # Numba itself is loaded before the clock starts
    runs, first = _ours(kernel, args)
    check_small(kernel)
    runs |= others
    check_large(kernel, args, runs)
    times = times_in_turn(runs, rounds)

    def over(name: str, base: str) -> str:
        both = name in times and base in times
        return _short(ratio(times[name], times[base]).median) if both else "-"

    seconds = float(np.median([*times["gradient"].values()]))
    return [
        over("jax", "gradient"),
        _short(AT_LEAST.get(kernel.name, 1.0)),
        over("primal", "hand"),
        over("gradient", "primal"),
        over("gradient", "c"),
        _time(seconds),
        _time(first),
        _time(from_disk(kernel.name, quick)),
    ]


def _ours(kernel: Kernel, args: tuple[Any, ...]) -> tuple[dict[str, Run], float]:
    """The compiled program and its gradient, and the processor's seconds of the first call."""
    program = cr.compile(kernel.function, backend="numba")
    gradient = cr.grad(program, argnums=kernel.argnums)
    start = time.process_time()
    gradient(*args)
    first = time.process_time() - start
    return {"gradient": lambda: gradient(*args), "primal": lambda: program(*args)}, first


def _others(kernel: Kernel, args: tuple[Any, ...], jax: bool) -> dict[str, Run]:
    """Loops by hand, JAX and C, as far as they are there."""
    topic = kernel.function.__module__
    hand = getattr(import_module(f"{topic}_hand"), kernel.name)
    runs: dict[str, Run] = {"hand": lambda: hand(*args)}
    if jax:
        loss = getattr(import_module(f"{topic}_jax"), kernel.name)
        runs["jax"] = by_jax(loss, kernel, args)
    c = in_c(kernel.name, args)
    return runs | ({"c": c} if c else {})


def check_small(kernel: Kernel) -> None:
    """Compare with the program that NumPy runs, and that with differences, on small arguments."""
    args = kernel.inputs(True)
    by_numpy = cr.grad(cr.compile(kernel.function, backend="numpy"), argnums=kernel.argnums)
    expected = leaves(by_numpy(*args))
    check_slope(kernel, args, expected)
    check_gradient(leaves(_ours(kernel, args)[0]["gradient"]()), expected, 1e-10)


def check_large(kernel: Kernel, args: tuple[Any, ...], runs: dict[str, Run]) -> None:
    """Compare all results with each other, as they will be timed."""
    check_gradient(runs["primal"](), runs["hand"](), 1e-10)
    gradient = leaves(runs["gradient"]())
    for name in {"jax", "c"} & {*runs}:
        check_gradient(gradient, runs[name](), 1e-7)
    if "jax" not in runs:
        hand = getattr(import_module(f"{kernel.function.__module__}_hand"), kernel.name)
        check_slope(Kernel(hand, kernel.title, kernel.inputs, kernel.argnums), args, gradient)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as empty:  # so that first calls compile
        os.environ["CHAINRULE_CACHE_DIR"] = empty
        sys.exit(main())
