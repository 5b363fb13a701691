"""The way back through a call of one of the program's own functions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .accumulate import OWNED
from .build import zeros_like
from .fitting import restore
from .ir import AFTER, Assign, Expr, Invoke, Var
from .types import SAVED, Type

if TYPE_CHECKING:
    from .reverse import Reversal


def reverse_call(reversal: Reversal, s: Invoke) -> None:
    """``y, saved = f_forward(x)``: the cotangent of ``x`` is ``f_reverse(*saved, y_ct)``."""
    *results, saved = s.names
    if s.half != "forward" or not any(map(reversal.cts.present, results)):
        return
    assert reversal.callees is not None
    function, wanted = reversal.callees.sources[s.function]
    cts = [
        _taken(reversal, name)
        for name, expr in zip(results, function.result, strict=True)
        if expr.type.is_differentiable
    ]
    args = [reversal.expand(arg) for arg in s.args]
    pulled = [args[k] for k in wanted]
    parameters = {k: function.parameters[k].name for k in wanted}
    types = {k: function.types[name] for k, name in parameters.items()}
    first = {
        k
        for k in wanted
        if args[k].type.dtype == types[k].dtype and _is_first(reversal, args[k], pulled)
    }
    found = [
        _target(reversal, args[k], types[k], name, k in first) for k, name in parameters.items()
    ]
    names = tuple(var.name for var in found)
    reversal.emit(Invoke(names, s.function, (Var(SAVED, saved + AFTER), *cts), "reverse"))
    for k in first:
        reversal.cts.state[args[k].name] = OWNED  # type: ignore[attr-defined]
    for k, ct in zip(wanted, found, strict=True):
        if k not in first and reversal.is_varied(args[k]):
            reversal.pull(args[k], restore(ct, args[k]))


def _is_first(reversal: Reversal, arg: Expr, args: list[Expr]) -> bool:
    """Tell whether the cotangent of an argument is all that its variable has so far."""
    if not isinstance(arg, Var) or not reversal.is_varied(arg):
        return False
    is_plain = arg.name not in reversal.cts.buffers and arg.name != reversal.cts.deferred[0]
    return is_plain and not reversal.cts.present(arg.name) and args.count(arg) == 1


def _target(reversal: Reversal, arg: Expr, type_: Type, parameter: str, is_first: bool) -> Var:
    """Return the variable that gets the cotangent of an argument."""
    hint = parameter
    if isinstance(arg, Var):
        hint, own = arg.name, reversal.cts.variable(arg.name)
        if is_first:
            return own
    return reversal.fresh(f"{hint}_ct", replace(arg.type, dtype=type_.dtype))


def _taken(reversal: Reversal, name: str) -> Expr:
    """Return the cotangent of a result, which is absent from now on; zeros where it was so."""
    var = Var(reversal.program.types[name], name + AFTER)
    if reversal.cts.present(name):
        return reversal.cts.take(name)
    ct = reversal.cts.variable(name)
    reversal.emit(Assign(ct.name, zeros_like(var)))
    return ct
