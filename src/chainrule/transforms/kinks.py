"""strict_kinks: an error where a function is not differentiable, not the value of the contract."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any

import numpy as np

from .._core import STRICT, Composite, plain
from ..errors import KinkError, user_location
from ..tape.node import Node, operation_of, parents_of
from ..tape.sweep import Graph
from ._lines import Lines

_NAMES = {"inf": np.inf, "isfinite": np.isfinite, "rint": np.rint}


def _tie(y: Any, a: Any, axis: Any = None) -> bool:
    """Tell whether more than one element is the result of a reduction."""
    kept = np.reshape(y, np.sum(np.ones_like(a), axis=axis, keepdims=True).shape)
    return bool(np.any(np.sum(np.equal(a, kept), axis=axis) > 1))


def _equal_elements(a: Any, axis: Any = -1) -> bool:
    """Tell whether elements that are put in order are equal."""
    flat = np.ravel(a) if axis is None or np.ndim(a) == 0 else np.moveaxis(a, axis, -1)
    ordered = np.sort(flat, axis=-1)
    return bool(np.any(ordered[..., 1:] == ordered[..., :-1]))


def _singular_values_tie(a: Any, order: Any) -> bool:
    """Tell whether the singular values that make up a norm tie, or vanish."""
    values = np.linalg.svd(a, compute_uv=False)
    if order == "nuc":
        return bool(np.any(values == 0))
    first, second = (0, 1) if order == 2 else (-1, -2)
    ties = values.shape[-1] > 1 and np.any(values[..., first] == values[..., second])
    return bool(ties or np.any(values[..., first] == 0))


def _with_axis(check: Callable[..., bool], default: Any) -> Callable[[dict[str, Any]], bool]:
    return lambda names: check(next(iter(names.values())), names.get("axis", default))


PREDICATES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "std(a) == 0": lambda names: bool(np.any(names["y"] == 0)),
    "norm(a) == 0": lambda names: bool(np.any(names["y"] == 0)),
    "n elements tie": lambda names: "y" in names and _tie(names["y"], names["a"], names["axis"]),
    "elements tie": _with_axis(_equal_elements, None),
    "elements are equal": _with_axis(_equal_elements, None),
    "singular values tie, or are 0": lambda names: (
        "y" in names and _singular_values_tie(names["a"], names["ord"])
    ),
    "x == xp[j]": lambda names: bool(np.any(np.isin(names["x"], names["xp"]))),
}
"""Kinks whose condition is no expression of the arguments alone."""


@functools.cache
def _compiled(condition: str) -> CodeType | None:
    try:
        return compile(condition, "<chainrule kink>", "eval")
    except SyntaxError:
        return None


def hit(
    kinks: dict[str, str], names: dict[str, Any], active: set[str] | None = None
) -> tuple[str, str] | None:
    """Return the first kink (condition and value there) that these arguments are at.

    A kink whose value is told "by a" and "by b" matters only where such an argument is active.
    """
    for condition, value in kinks.items():
        concerned = set(re.findall(r"by (\w+)", value))
        if active is not None and concerned and not concerned & active:
            continue
        predicate, code = PREDICATES.get(condition), _compiled(condition)
        if predicate is not None:
            found = predicate(names)
        elif code is not None and names.keys() | _NAMES.keys() >= set(code.co_names):
            found = bool(np.any(eval(code, {**_NAMES, **names})))
        else:  # told in words: the functions that it is made of have the kink
            continue
        if found:
            return condition, value
    return None


def _error(name: str, kink: tuple[str, str], place: str) -> KinkError:
    return KinkError(
        f"{name} is not differentiable here: {kink[0]}; outside strict_kinks its slope there: "
        f"{kink[1]}",
        "move the point, or write the function so that it avoids the kink",
        place,
    )


def check_graph(outs: list[Node], lines: Lines) -> None:
    """Raise if any record that the outputs depend on is at a kink."""
    if not outs:
        return
    with Graph(outs) as graph, np.errstate(all="ignore"):
        for node in reversed(graph.nodes):
            primitive, name, args = operation_of(node)
            if primitive is None or not primitive.kinks:
                continue
            names = dict(zip(primitive.names, map(plain, args), strict=True))
            values = [parent.value for parent in parents_of(node)]
            pairs = zip(primitive.names, args, strict=True)
            active = {key for key, arg in pairs if any(arg is value for value in values)}
            kink = hit(primitive.kinks, {**names, "y": plain(node.value)}, active)
            if kink is not None:
                raise _error(name, kink, lines.of(node.order))


def _check_composite(rule: Composite, args: Any, kwargs: Any) -> None:
    bound = inspect.signature(rule.body).bind(*args, **kwargs)
    bound.apply_defaults()
    with np.errstate(all="ignore"):
        kink = hit(rule.kinks, plain(dict(bound.arguments)))
    if kink is not None:
        raise _error(rule.name, kink, user_location())


@contextmanager
def strict_kinks() -> Iterator[None]:
    """Raise where a derivative is taken at a kink, instead of giving the value of the contract.

    Inside the ``with`` block, in this thread, every derivative looks at the points that it passes:
    abs at 0, a tie of maximum, a norm at 0 and all else that docs/kinks.md lists as a condition. It
    is slow, meant for finding out. Forward mode runs as the transpose of reverse mode there.

    Raises:
        KinkError: at the first kink; it names the function, the condition and the user's line.

    >>> import numpy as np
    >>> import chainrule as cr
    >>> with cr.strict_kinks():
    ...     cr.grad(lambda x: np.sum(np.abs(x)))(np.array([1.0, 0.0]))
    Traceback (most recent call last):
        ...
    chainrule.errors.KinkError: absolute is not differentiable here: a == 0; ...
    """
    before, STRICT.notify = STRICT.notify, _check_composite
    try:
        yield
    finally:
        STRICT.notify = before
