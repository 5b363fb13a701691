"""Write docs/support.md and docs/kinks.md from the rule table: ``make docs``.

What the pages say about a function is read from its entry in the table. The arguments by which a
composite can be differentiated, and the order, are those that its samples in the tests use.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "tests"))

from chainrule._core import TABLE, Composite, PiecewiseConstant  # noqa: E402
from chainrule.rules import indexing, reductions  # noqa: E402
from rules._samples import Sample, collect  # noqa: E402

SAMPLES = collect()  # this also loads the table

NAMESPACES = {
    "np": np,
    "np.linalg": np.linalg,
    "np.fft": np.fft,
    "np.lib.stride_tricks": np.lib.stride_tricks,
}
"""Where users find the functions of the table."""

CLIP_UFUNC = np._core.umath.clip
"""What the method ``clip`` of a plain array calls; it has no public name."""

ALIASES = (
    *("abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "concat", "conj", "mod"),
    *("permute_dims", "pow", "true_divide"),
)
"""Second names that are shown; a fixed list, so that the pages do not depend on NumPy's version."""

SYNTAX = {
    "getitem": "x[index]",
    "setitem": "x[index] = value",
    "astype": "x.astype(dtype)",
}
"""How users write the primitives that are not NumPy functions."""

SINCE = {
    "np.cumulative_prod": "2.1",
    "np.cumulative_sum": "2.1",
    "np.matvec": "2.2",
    "np.unstack": "2.1",
    "np.vecmat": "2.2",
}
"""The NumPy version that brought a function, where the oldest supported one lacks it."""

HIGHER = {"np.multiply": 4, "np.power": 4}
"""Orders that tests/rules/test_orders.py adds to those of the samples."""

MARKER = "<!-- Written by docs/generate.py (`make docs`): do not edit. -->"


def users_name(fn: Any) -> str | None:
    """Return how users write a function of the table; None for a helper of the rules."""
    if not isinstance(fn, np.ufunc) and not fn.__module__.startswith("numpy"):
        return SYNTAX.get(TABLE[fn].name)
    for prefix, namespace in NAMESPACES.items():
        if vars(namespace).get(fn.__name__) is fn:
            return f"{prefix}.{fn.__name__}"
    if fn is CLIP_UFUNC:
        return None
    raise LookupError(f"add the namespace of {fn} to NAMESPACES")


def entries() -> list[tuple[str, Any, Any]]:
    """Return (name, function, entry) of every function of the table, sorted by name."""
    named = [(users_name(fn), fn, entry) for fn, entry in TABLE.items()]
    found = [(name, fn, entry) for name, fn, entry in named if name is not None]
    return sorted(found, key=lambda row: (row[0].count("."), row[0].lower()))


def label(name: str, fn: Any) -> str:
    """Return the name in code style, with its second names and the NumPy version that it needs."""
    others = [f"`np.{alias}`" for alias in ALIASES if vars(np).get(alias) is fn]
    since = f"from NumPy {SINCE[name]}" if name in SINCE else ""
    extra = ", ".join([*others, *([since] if since else [])])
    return f"`{name}`" + (f" ({extra})" if extra else "")


def sampled(parameters: list[inspect.Parameter], sample: Sample) -> Iterator[str]:
    """Yield the names of the parameters that a sample differentiates by."""
    for place in sample.diff:
        if isinstance(place, str):
            yield place
            continue
        p = parameters[min(place, len(parameters) - 1)]
        stars = [q for q in parameters[: place + 1] if q.kind is q.VAR_POSITIONAL]
        yield (stars[0] if stars else p).name


def arguments(fn: Any, entry: Any) -> str:
    """Return the names of the arguments by which an entry can be differentiated."""
    if isinstance(entry, PiecewiseConstant):
        return ""
    if isinstance(entry, Composite):
        parameters = list(inspect.signature(entry.body).parameters.values())
        used = {name for sample in SAMPLES[fn] for name in sampled(parameters, sample)}
        names = [p.name for p in parameters if p.name in used]
        if len(names) != len(used):
            names += sorted(used - set(names))  # taken by the body's **keywords
    else:
        names = list(entry.args)
    return ", ".join(f"`{name}`" for name in names)


def order(name: str, fn: Any, entry: Any) -> str:
    """Return the highest order that the tests take."""
    if isinstance(entry, PiecewiseConstant):
        return ""
    tested = max(sample.order if sample.expect is None else 1 for sample in SAMPLES[fn])
    return str(max(tested, HIGHER.get(name, 0)))


def modes(entry: Any) -> str:
    """Return the modes in which an entry can be differentiated."""
    return "derivative zero" if isinstance(entry, PiecewiseConstant) else "forward, reverse"


def condition(text: str) -> str:
    """Put a condition that is an expression in code style."""
    return f"`{text}`" if any(sign in text for sign in ("==", "~", "<", ">")) else text


def kinks(entry: Any) -> str:
    """Return the kinks of an entry in one cell."""
    return "; ".join(f"{condition(where)}: {value}" for where, value in entry.kinks.items())


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Return the lines of a Markdown table."""
    if any("|" in cell for row in rows for cell in row):
        raise ValueError("a cell with | in it would break the table")
    lines = [header, ("---",) * len(header), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def ufunc_methods() -> list[str]:
    """Return the names of the ufunc methods that have rules of their own."""
    return sorted(f"np.{ufunc.__name__}.{method}" for ufunc, method in reductions.UFUNC_METHODS)


def support() -> str:
    """Return the text of docs/support.md."""
    rows = [
        (
            label(name, fn),
            entry.form,
            modes(entry),
            order(name, fn, entry),
            arguments(fn, entry),
            kinks(entry),
        )
        for name, fn, entry in entries()
    ]
    stores = sorted(f"`np.{fn.__name__}`" for fn in indexing.MUTATORS)
    return "\n".join(
        [
            "# What can be differentiated",
            "",
            MARKER,
            "",
            "One row for each function of the rule table. A function that is not here, or a",
            "keyword that a rule does not know, is an error that names it;",
            "[the guide](guide.md#a-primitive-of-your-own) says how to declare a derivative.",
            "",
            "- **form**: how the rule is written; [CONTRIBUTING](../CONTRIBUTING.md) explains the",
            "  forms. A *composite* is expressed by other functions of the table. The results of a",
            "  *piecewise constant* function are plain arrays, numbers and booleans.",
            "- **order**: the highest that is tested. Rules are NumPy code that is traced again,",
            "  so that higher orders and all mixes of modes follow.",
            "- **by**: the arguments that can be differentiated by. Others may not be traced, a",
            "  condition apart.",
            "- **kinks**: where there is no derivative, and what is returned there; [all of",
            "  them](kinks.md).",
            "",
            *table(("function", "form", "modes", "order", "by", "kinks"), rows),
            "",
            "## Methods of ufuncs",
            "",
            *[f"- `{name}`" for name in ufunc_methods()],
            "- `np.add.at` and `np.subtract.at`, into a traced array",
            "- `.outer` of every ufunc in the table",
            "",
            "## Functions that change an array",
            "",
            "The array must be a traced one; a plain one is an error.",
            "",
            *[f"- {name}" for name in stores],
            "- `out=` and `where=` of the functions above",
            "",
        ]
    )


CONTRACT = """
A derivative at a kink is a convention. These are chainrule's; each row is tested. At 0,
`np.maximum(x, 0)` is a tie and has slope 1/2; `relu` of `chainrule.dp` has slope 0.

## Zero beats infinity

A cotangent of zero gives zero, whatever the slope that it meets: infinite or NaN. So a branch that
`np.where` did not take cannot spoil the gradient of the one that it took:

```python
>>> import numpy as np
>>> import chainrule as cr
>>> def safe_root(x):
...     return np.sum(np.where(x > 0, np.sqrt(x), 0))
>>> cr.grad(safe_root)(np.array([0.0, 4.0]))
array([0.  , 0.25])

```

Where the cotangent is not zero, an infinite slope stays infinite:

```python
>>> with np.errstate(divide="ignore"):
...     cr.grad(np.sqrt)(0.0)
np.float64(inf)

```

This holds for the functions whose form is *elementwise* or *reduction*, in both modes and at every
order. What stays NaN:

- contractions (`np.matmul`, `np.dot`, `np.einsum` and their like): a zero times an infinite or NaN
  element inside the sum is NaN, as in NumPy;
- products of many factors (`np.prod`, `np.cumprod`) with an infinite or NaN factor, beyond the
  first order;
- an infinite cotangent that meets a slope of zero;
- a NaN that is in the values.

`cr.explain_nan(f)(x)` names the line where one first appears.
"""


def kink_page() -> str:
    """Return the text of docs/kinks.md."""
    rows = [
        (label(name, fn), condition(where), value)
        for name, fn, entry in entries()
        for where, value in entry.kinks.items()
    ]
    lines = [
        "# Where there is no derivative",
        "",
        MARKER,
        *CONTRACT.splitlines(),
        "",
        "## The kinks",
        "",
        *table(("function", "where", "the derivative that is returned"), rows),
        "",
    ]
    return "\n".join(lines)


PAGES = {"support.md": support, "kinks.md": kink_page}


def main() -> None:
    """Write the pages."""
    missing = [name for name in SINCE if not hasattr(np, name.removeprefix("np."))]
    if missing:
        sys.exit(f"This NumPy ({np.__version__}) lacks {', '.join(missing)}: use a newer one.")
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
        print(f"wrote docs/{name}")


if __name__ == "__main__":
    main()
