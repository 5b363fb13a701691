"""Functions that only the tape can follow, as emitted programs call them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .._core import plain
from .._trees import leaves_of, matched_leaves, rebuild
from ..source.helpers import set_opaque_jvp, set_opaque_vjp
from ..source.lower.intrinsics import set_transforms
from . import control, first_order, jacobians, programs
from ._calls import Function, is_differentiable


class _OpaqueVjp:
    """``fn, *args -> (result, pullback)``, as emitted programs call it."""

    __name__ = "tape_vjp"

    def __call__(self, fn: Function, *args: Any) -> tuple[Any, Function]:
        leaves = list(leaves_of(args))
        active = [i for i, leaf in enumerate(leaves) if _is_active(leaf)]
        of_active = _of_active(fn, args, leaves, active)
        out, pulled = first_order.vjp(of_active, *(leaves[i] for i in active))

        def pullback(ct: Any) -> tuple[Any, ...]:
            found = dict(zip(active, pulled(ct), strict=True))
            cts = (found.get(i) for i in range(len(leaves)))
            return tuple(_shaped(arg, cts) for arg in args)

        return out, pullback


class _OpaqueJvp:
    """``fn, args, tangents -> (result, tangent)``, as emitted programs call it."""

    __name__ = "tape_jvp"

    def __call__(self, fn: Function, args: Sequence[Any], tangents: Sequence[Any]) -> Any:
        leaves = list(leaves_of(args))
        given = [t for pair in zip(args, tangents, strict=True) for t in matched_leaves(*pair)]
        active = [i for i, t in enumerate(given) if t is not None and _is_active(leaves[i])]
        of_active = _of_active(fn, args, leaves, active)
        primals = tuple(leaves[i] for i in active)
        return first_order.jvp(of_active, primals, tuple(given[i] for i in active))


def _is_active(leaf: Any) -> bool:
    """Tell what has a derivative; an integer stays one, which the function may ask for."""
    return is_differentiable(leaf) and np.result_type(plain(leaf)).kind in "fc"


def _shaped(arg: Any, cts: Iterator[Any]) -> Any:
    """Return the cotangents of an argument in its structure, None if it has none."""
    found = [next(cts) for _ in leaves_of(arg)]
    return None if all(ct is None for ct in found) else rebuild(arg, iter(found))


def _of_active(
    fn: Function, args: Sequence[Any], leaves: Sequence[Any], active: Sequence[int]
) -> Function:
    def call(*given: Any) -> Any:
        whole = list(leaves)
        for i, x in zip(active, given, strict=True):
            whole[i] = x
        return fn(*rebuild(tuple(args), iter(whole)))

    return call


def register() -> None:
    """Let emitted programs call the tape, and take derivatives themselves."""
    set_opaque_vjp(_OpaqueVjp())
    set_opaque_jvp(_OpaqueJvp())
    modules = {
        first_order: ("grad", "value_and_grad", "vjp", "jvp", "linearize"),
        jacobians: ("jacfwd", "jacrev", "jacobian", "hessian", "hvp"),
        control: ("stop_gradient",),
        programs: ("compile",),
    }
    named = {name: getattr(module, name) for module, names in modules.items() for name in names}
    set_transforms(**named)
