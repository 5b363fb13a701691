"""Ratios of chainrule and its peers to hand-written NumPy gradients."""

import argparse
import sys
from pathlib import Path

from benchmarks._catalogue import WORKLOADS
from benchmarks._contenders import Available, find
from benchmarks._footprint import import_seconds, installed_bytes
from benchmarks._report import Footprint, render
from benchmarks._run import QUICK_ROUNDS, Options, run

FOOTPRINT = "import"
FOOTPRINT_ROUNDS = 11


def main() -> int:
    """Run, print, and return 1 if a gradient was wrong or a contender failed."""
    arguments = _parser().parse_args()
    options = Options(arguments.quick, arguments.repeats)
    only = arguments.only or [*(workload.name for workload in WORKLOADS), FOOTPRINT]
    found = find()
    for name, reason in found.missing.items():
        print(f"skipped: {name} ({reason})", file=sys.stderr)
    chosen = [workload for workload in WORKLOADS if workload.name in only]
    results = [run(workload, found, options) for workload in chosen]
    footprint = _footprint(found, options) if FOOTPRINT in only else None
    page = render(results, footprint, found)
    print(page)
    if arguments.markdown:
        arguments.markdown.write_text(page, encoding="utf-8")
    return int(any(result.failed for result in results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [*(workload.name for workload in WORKLOADS), FOOTPRINT]
    parser.add_argument(
        "--only",
        action="append",
        choices=names,
        metavar="NAME",
        help="run this alone; may be repeated; one of " + ", ".join(names),
    )
    parser.add_argument(
        "--repeats",
        type=_positive,
        metavar="N",
        help="rounds, instead of each workload's own number",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="small sizes, few rounds: shows that everything runs, not how fast",
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there too")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1 round is needed")
    return value


def _footprint(found: Available, options: Options) -> Footprint:
    print(f"{FOOTPRINT}: timing fresh interpreters", file=sys.stderr)
    names = list(found.versions)
    rounds = options.repeats or (QUICK_ROUNDS if options.quick else FOOTPRINT_ROUNDS)
    seconds = import_seconds(["numpy", *names], rounds)
    return Footprint(seconds, {name: installed_bytes(name) for name in names})


if __name__ == "__main__":
    sys.exit(main())
