"""A process for each contender: what one library loads or leaves behind is no other's burden.

It runs the gradient once, sends it to be checked, and then times batches when it is asked to.
"""

import gc
import multiprocessing
import resource
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks._catalogue import WORKLOADS
from benchmarks._contenders import REFERENCE, find
from benchmarks._workload import Gradient, leaves

T = TypeVar("T")


class ContenderError(Exception):
    """A contender's process reported an error, or ended."""


@dataclass(frozen=True)
class First:
    """What the first run at full size gives: gradients, and by how much the peak memory grew."""

    gradients: list[np.ndarray]
    grown_bytes: int


class Worker:
    """One contender of one workload in a process of its own; a context that ends the process."""

    def __init__(self, workload: str, contender: str, quick: bool) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would inherit what is loaded here
        self._connection, theirs = context.Pipe()
        arguments = theirs, workload, contender, quick
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()  # the process sees the end of its orders
        self._process.join(timeout=10)
        self._process.terminate()

    def first(self) -> First:
        """Wait for the first run.

        Raises:
            ContenderError: with what the process reported.
        """
        return self._receive(First)

    def seconds(self, calls: int) -> float:
        """Time one batch: the seconds a call."""
        self._connection.send(calls)
        return self._receive(float)

    def _receive(self, kind: type[T]) -> T:
        try:
            answer = self._connection.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            raise ContenderError(f"its process ended with status {code}") from None
        if not isinstance(answer, kind):
            raise ContenderError(str(answer))
        return answer


def _serve(connection: Connection, workload: str, contender: str, quick: bool) -> None:
    """What the process does."""
    try:
        gradient, first = _prepare(workload, contender, quick)
    except Exception as error:  # sent, shown in the table, and the run ends with status 1
        connection.send(f"{type(error).__name__}: {error}")
        return
    connection.send(first)
    while True:
        try:
            calls = connection.recv()
        except EOFError:
            return
        connection.send(_batch(gradient, calls))


def _prepare(name: str, contender: str, quick: bool) -> tuple[Gradient, First]:
    workload = next(w for w in WORKLOADS if w.name == name)
    if contender != REFERENCE:
        find((contender,))
    factory = workload.contenders[contender]
    factory(*workload.inputs(True))()  # imports and first-use work come before the measured peak
    gradient = factory(*workload.inputs(quick))
    before = _peak()
    gradients = leaves(gradient())
    return gradient, First(gradients, _peak() - before)


def _batch(gradient: Gradient, calls: int) -> float:
    gc.collect()
    start = time.perf_counter()
    for _ in range(calls):
        gradient()
    return (time.perf_counter() - start) / calls


def _peak() -> int:
    """Peak resident bytes of this process: half of the contenders allocate outside Python."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux ru_maxrss includes the peak of the process that started this one
        line = next(ln for ln in status.read_text().splitlines() if ln.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
