"""The results as Markdown tables of ratios; absolute times stand only in the notes."""

import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks._contenders import NAMES, PEERS, REFERENCE, SUBJECT, Available
from benchmarks._timing import Ratio


@dataclass
class Result:
    """One workload's outcome: a ratio or, where there is none, the reason."""

    name: str
    title: str
    hand_seconds: float
    to_hand: dict[str, Ratio] = field(default_factory=dict)
    to_subject: dict[str, Ratio] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    cannot: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    bytes_per_unit: dict[str, float] = field(default_factory=dict)


@dataclass
class Footprint:
    """Import times in seconds (NumPy's among them) and installed bytes."""

    import_seconds: dict[str, float]
    installed_bytes: dict[str, int]


def render(results: Sequence[Result], footprint: Footprint | None, found: Available) -> str:
    """The whole page."""
    parts = [_environment(found)]
    if results:
        names = [n for n in NAMES if n == REFERENCE or n in found.versions]
        parts.append(_ratios("Time / hand-written NumPy (hand = 1)", results, names, "to_hand"))
        if SUBJECT in found.versions:
            peers = [n for n in PEERS if n in found.versions]
            parts.append(_ratios("peer / chainrule", results, peers, "to_subject"))
        parts.append("\n".join(_notes(results)))
    if footprint:
        parts.append(_footprint(footprint))
    return "\n\n".join(parts) + "\n"


def _environment(found: Available) -> str:
    versions = {"Python": platform.python_version(), "numpy": np.__version__, **found.versions}
    lines = ["Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items())]
    lines += [f"Skipped: {name} ({reason})" for name, reason in found.missing.items()]
    lines.append(f"Machine: {_processor()}, {sys.platform}, one thread")
    return "\n\n".join(lines)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _ratios(title: str, results: Sequence[Result], names: list[str], which: str) -> str:
    rows = [[title, *names]]
    for result in results:
        cells = [_cell(result, name, getattr(result, which)) for name in names]
        rows.append([result.name, *cells])
    return table(rows)


def _cell(result: Result, name: str, ratios: Mapping[str, Ratio]) -> str:
    if name in result.failed:
        return "FAILED"
    if name not in ratios:
        return "-"
    return _short(ratios[name].median)


def _short(value: float) -> str:
    digits = 3 if value < 0.1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"


def _notes(results: Sequence[Result]) -> list[str]:
    lines = []
    for result in results:
        line = f"- {result.name}: {result.title}; hand {_time(result.hand_seconds)}"
        spreads = {n: r.spread for n, r in result.to_hand.items() if r.rounds > 1}
        if spreads:
            worst = max(spreads, key=lambda n: spreads[n])
            line += f"; quartiles within {spreads[worst]:.0%} ({worst}) of the median"
        few = {n: r.rounds for n, r in result.to_hand.items()}
        most = max(few.values(), default=0)
        slow = [f"{n} in {k}" for n, k in few.items() if k < most]
        line += f"; {most} rounds" + (f" ({', '.join(slow)})" if slow else "")
        lines.append(line)
        for name, reason in result.cannot.items():
            lines.append(f"  - {name}: {reason}")
        for name, reason in result.failed.items():
            lines.append(f"  - {name} FAILED: {reason}")
        if result.bytes_per_unit:
            sizes = ", ".join(f"{n} {b:,.0f}" for n, b in result.bytes_per_unit.items())
            lines.append(f"  - bytes a {result.unit} (peak memory of a process): {sizes}")
    return lines


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} us"


def _footprint(footprint: Footprint) -> str:
    numpy_seconds = footprint.import_seconds["numpy"]
    rows = [["Import and size", "import / NumPy's import", "added to NumPy's", "MB beyond NumPy"]]
    for name, size in footprint.installed_bytes.items():
        seconds = footprint.import_seconds[name]
        added = f"{(seconds - numpy_seconds) * 1e3:+.0f} ms"
        rows.append([name, _short(seconds / numpy_seconds), added, f"{size / 1e6:.1f}"])
    return table(rows) + f"\n\n- NumPy's own import: {_time(numpy_seconds)}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table that is also aligned for reading as text."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]

    def line(row: Sequence[str]) -> str:
        first, *rest = (c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in _cells(row, widths))
        return "| " + " | ".join([first, *rest]) + " |"

    rule = "|" + "|".join("-" * (w + 1) + (":" if i else "-") for i, w in enumerate(widths)) + "|"
    return "\n".join([line(rows[0]), rule, *(line(row) for row in rows[1:])])


def _cells(row: Sequence[str], widths: Sequence[int]) -> list[tuple[int, tuple[str, int]]]:
    return list(enumerate(zip(row, widths, strict=True)))
