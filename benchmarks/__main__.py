"""The command: `python -m benchmarks [--only NAME] [--repeats N] [--quick] [--markdown FILE]`."""

import argparse
import statistics
import sys
from pathlib import Path

from benchmarks._catalogue import WORKLOADS
from benchmarks._contenders import REFERENCE, SUBJECT, Available, find
from benchmarks._footprint import import_seconds, installed_bytes
from benchmarks._memory import bytes_per_unit
from benchmarks._report import Footprint, Result, render
from benchmarks._timing import measure, ratio
from benchmarks._workload import Gradient, Workload, check_gradient

FOOTPRINT = "import"
QUICK_ROUNDS = 3


def main() -> int:
    """Run, print, and return 1 if a gradient was wrong or a contender failed."""
    options = _options()
    found = find()
    for name, reason in found.missing.items():
        print(f"skipped: {name} ({reason})", file=sys.stderr)
    results = []
    for workload in WORKLOADS:
        if not options.only or workload.name in options.only:
            results.append(_run(workload, found, options))
    footprint = None
    if not options.only or FOOTPRINT in options.only:
        footprint = _footprint(found, options)
    page = render(results, footprint, found)
    print(page)
    if options.markdown:
        options.markdown.write_text(page, encoding="utf-8")
    return int(any(result.failed for result in results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [*(workload.name for workload in WORKLOADS), FOOTPRINT]
    parser.add_argument(
        "--only",
        action="append",
        choices=names,
        metavar="NAME",
        help="run this alone; may be repeated; one of " + ", ".join(names),
    )
    parser.add_argument("--repeats", type=_positive, help="rounds, instead of each workload's own")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="small sizes, few rounds: shows that everything runs, not how fast",
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there too")
    return parser.parse_args()


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1 round is needed")
    return value


def _run(workload: Workload, found: Available, options: argparse.Namespace) -> Result:
    gradients, failed = _checked(workload, found, options.quick)
    rounds = options.repeats or (QUICK_ROUNDS if options.quick else workload.rounds)
    print(f"{workload.name}: timing {', '.join(gradients)}", file=sys.stderr)
    times = measure(gradients, rounds)
    hand = times[REFERENCE]
    result = Result(workload.name, workload.title, statistics.median(hand.values()), failed=failed)
    result.cannot = {n: why for n, why in workload.cannot.items() if n in found.versions}
    result.to_hand = {name: ratio(times[name], hand) for name in times}
    if SUBJECT in times:
        others = (n for n in times if n not in (REFERENCE, SUBJECT))
        result.to_subject = {name: ratio(times[name], times[SUBJECT]) for name in others}
    if workload.bytes_per and not options.quick:  # small sizes disappear in the allocator's reserve
        result.unit = workload.bytes_per[0]
        result.bytes_per_unit = {name: bytes_per_unit(workload, name) for name in times}
    return result


def _checked(
    workload: Workload, found: Available, quick: bool
) -> tuple[dict[str, Gradient], dict[str, str]]:
    """The contenders whose gradient is the hand-written one; the others with what is wrong.

    Inputs are made anew for each, so that no contender sees what another did to them.
    """
    expected = workload.contenders[REFERENCE](*workload.inputs(quick))()
    gradients, failed = {}, {}
    for name, factory in workload.contenders.items():
        if name != REFERENCE and name not in found.versions:
            continue
        try:
            gradient = factory(*workload.inputs(quick))
            check_gradient(gradient(), expected, workload.rtol)
        except Exception as error:  # whatever it is, it is shown, and the run ends with status 1
            failed[name] = f"{type(error).__name__}: {error}"
            print(f"{workload.name}: {name} FAILED: {failed[name]}", file=sys.stderr)
            continue
        gradients[name] = gradient
    return gradients, failed


def _footprint(found: Available, options: argparse.Namespace) -> Footprint:
    print(f"{FOOTPRINT}: timing fresh interpreters", file=sys.stderr)
    names = list(found.versions)
    rounds = options.repeats or (QUICK_ROUNDS if options.quick else 11)
    seconds = import_seconds(["numpy", *names], rounds)
    return Footprint(seconds, {name: installed_bytes(name) for name in names})


if __name__ == "__main__":
    sys.exit(main())
