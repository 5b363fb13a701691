"""Generate the forward-mode code of an elementwise primitive from the same pieces of its rule.

Value and tangent of plain real operands are computed in one function; everything else (outer
derivatives, complex numbers, a NaN that wants the guard) goes the general way, ``Primitive.jvp``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..rules._split import Piece
from .dual import Dual, separate


def is_settled(t: Any, y: Any) -> bool:
    """Tell whether a tangent can stay as it was computed: right kind, right layout, no NaN."""
    if type(t) is np.float64:
        return type(y) is np.float64 and t == t
    if type(t) is not np.ndarray or t.dtype is not y.dtype or t.strides != y.strides:
        return False
    squares = np.vdot(t, t)
    return t.shape == y.shape and bool(squares == squares)


def general_tangent(primitive: Any, duals: dict[int, Dual], y: Any, args: tuple[Any, ...]) -> Any:
    """Compute the tangent by the primitive's own jvp."""
    tangents = {i: x.tangent for i, x in duals.items()}
    with np.errstate(all="ignore"):
        y_dot = primitive.jvp(tangents, y, args)
    return separate(y, y_dot, list(duals.values()))


PLAIN = frozenset((np.ndarray, np.float64))

SPACE: dict[str, Any] = {
    "_Dual": Dual,
    "_PLAIN": PLAIN,
    "_errstate": np.errstate,
    "_general_tangent": general_tangent,
    "_is_settled": is_settled,
}


def except_zero(lines: list[str], instead: list[str]) -> list[str]:
    """Let the general way divide by a zero of Python's: costs nothing where there is none."""
    body, rest = (["    " + line for line in part] for part in (lines, instead))
    return ["try:", *body, "except ZeroDivisionError:", *rest]


def forward_lines(primitive: Any, pieces: list[Piece], value: str, lead: str) -> list[str]:
    """Write the body of the function that computes value and tangent."""
    arrays = primitive.args
    lines = [f"_d_{name} = type({name}) is _Dual" for name in arrays]
    if len(arrays) == 1:
        branches: list[tuple[str, tuple[int, ...]]] = [(f"_d_{arrays[0]}", (0,))]
    else:
        p, q = arrays
        branches = [
            (f"_d_{p} and _d_{q} and {p}.scope is {q}.scope", (0, 1)),
            (f"_d_{p} and type({q}) in _CONSTANTS", (0,)),
            (f"_d_{q} and type({p}) in _CONSTANTS", (1,)),
        ]
    for k, (condition, mask) in enumerate(branches):
        lines.append(f"{'elif' if k else 'if'} {condition}:")
        lines += ["    " + line for line in _branch(primitive, pieces, value, lead, mask)]
    return [*lines, f"return _apply(_primitive, ({', '.join(arrays)},))"]


def _branch(
    primitive: Any, pieces: list[Piece], value: str, lead: str, mask: tuple[int, ...]
) -> list[str]:
    arrays = primitive.args
    active = [arrays[k] for k in mask]
    lines = []
    for name in active:
        lines += [
            f"_x_{name} = {name} if {name}.owner is None else {name}.current()",
            f"{name} = _x_{name}.value",
        ]
    duals = ", ".join(f"{k}: _x_{arrays[k]}" for k in mask)
    plain = " and ".join(f"type({n}) in _PLAIN and type(_x_{n}.tangent) in _PLAIN" for n in active)
    statements = [s for k in mask for s in pieces[k].statements]
    general = f"_general_tangent(_primitive, {{{duals}}}, {lead}, ({', '.join(arrays)},))"
    terms = " + ".join(_term(f"_x_{arrays[k]}.tangent", pieces[k].expression) for k in mask)
    if len(mask) == 1 and pieces[mask[0]].expression in ("1", "1.0"):
        terms = "+" + terms  # a copy: value and tangent are stored into independently
    tangent = [*statements, f"_t = {terms}"]
    if any(pieces[k].divisors & set(arrays) - set(active) for k in mask):
        tangent = except_zero(tangent, ["_t = None"])
    return [
        *lines,
        f"{lead} = {value}",
        f"if {plain} and {lead}.dtype.kind == 'f':",
        "    with _errstate(all='ignore'):",
        *("        " + s for s in tangent),
        f"    if not _is_settled(_t, {lead}):",
        f"        _t = {general}",
        "else:",
        f"    _t = {general}",
        f"return _Dual(_x_{active[0]}.scope, {lead}, _t)",
    ]


def _term(tangent: str, expression: str) -> str:
    if expression in ("1", "1.0"):
        return tangent
    if expression in ("-1", "-1.0"):
        return f"(-{tangent})"
    return f"{tangent} * ({expression})"
