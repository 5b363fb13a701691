"""The first call of a compiled gradient in a process of its own: `python -m benchmarks.compiled`.

The clock starts when NumPy, Numba, chainrule and the program have been imported, and counts the
processor's seconds, those of the gradient itself included.
"""

import os
import subprocess
import sys
import time
from importlib import import_module

import numba  # noqa: F401 - what is loaded before the clock starts

import chainrule as cr
from benchmarks._compiled_cases import CASES

TOPICS = ("grids", "algebra", "models", "networks")


def in_new_process(name: str, quick: bool) -> float:
    """Return the seconds of the first call; machine code is taken from the folder in use."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # modules are compiled once, as for users
    command = [sys.executable, "-m", "benchmarks._compiled_start", name, *["--quick"] * quick]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(run.stdout)


def from_disk(name: str, quick: bool, rounds: int = 3) -> float:
    """Return the least seconds of several processes that find the machine code on disk."""
    return min(in_new_process(name, quick) for _ in range(rounds))


def _first_call(name: str, quick: bool) -> float:
    for topic in TOPICS:
        import_module(f"benchmarks._compiled_{topic}")
    kernel = CASES[name]
    args = kernel.inputs(quick)
    gradient = cr.grad(cr.compile(kernel.function, backend="numba"), argnums=kernel.argnums)
    start = time.process_time()
    gradient(*args)
    return time.process_time() - start


if __name__ == "__main__":
    print(_first_call(sys.argv[1], "--quick" in sys.argv))
