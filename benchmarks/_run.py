"""One workload from start to result: start the contenders, check their gradients, time them."""

import statistics
import sys
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks._contenders import REFERENCE, SUBJECT, Available
from benchmarks._report import Result
from benchmarks._timing import measure, ratio
from benchmarks._worker import ContenderError, First, Worker
from benchmarks._workload import Workload, WrongGradientError, check_gradient

QUICK_ROUNDS = 3


@dataclass(frozen=True)
class Options:
    """What the command line says about all workloads."""

    quick: bool
    repeats: int | None


def run(workload: Workload, found: Available, options: Options) -> Result:
    """Check and time every contender that is here."""
    rounds = options.repeats or (QUICK_ROUNDS if options.quick else workload.rounds)
    with ExitStack() as stack:
        workers, firsts, failed = _start(workload, found, options.quick, stack)
        print(f"{workload.name}: timing {', '.join(workers)}", file=sys.stderr)
        times = measure(workers, rounds)
    hand = times[REFERENCE]
    result = Result(workload.name, workload.title, statistics.median(hand.values()), failed=failed)
    result.cannot = {n: why for n, why in workload.cannot.items() if n in found.versions}
    result.to_hand = {name: ratio(times[name], hand) for name in times}
    if SUBJECT in times:
        others = (n for n in times if n not in (REFERENCE, SUBJECT))
        result.to_subject = {name: ratio(times[name], times[SUBJECT]) for name in others}
    if workload.bytes_per and not options.quick:  # small sizes vanish in the allocator's reserve
        result.unit, count = workload.bytes_per
        units = count(*workload.inputs(False))
        result.bytes_per_unit = {name: firsts[name].grown_bytes / units for name in times}
    return result


def _start(
    workload: Workload, found: Available, quick: bool, stack: ExitStack
) -> tuple[dict[str, Worker], dict[str, First], dict[str, str]]:
    """The contenders whose gradient is the hand-written one; the others with what is wrong.

    One after the other, so that none is measured while another still loads.
    """
    workers: dict[str, Worker] = {}
    firsts: dict[str, First] = {}
    failed: dict[str, str] = {}
    for name in workload.contenders:
        if name != REFERENCE and name not in found.versions:
            continue
        worker = stack.enter_context(Worker(workload.name, name, quick))
        try:
            first = worker.first()
            expected = firsts.get(REFERENCE, first).gradients
            check_gradient(first.gradients, expected, workload.rtol)
        except (ContenderError, WrongGradientError) as error:
            if name == REFERENCE:
                raise  # without a yardstick there is no table
            failed[name] = str(error)
            print(f"{workload.name}: {name} FAILED: {error}", file=sys.stderr)
            continue
        workers[name], firsts[name] = worker, first
    return workers, firsts, failed
