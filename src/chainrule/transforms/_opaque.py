"""Functions that only the tape can follow, as emitted programs call them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._trees import leaves_of
from ..source.helpers import set_opaque_jvp, set_opaque_vjp
from ..source.lower.intrinsics import set_transforms
from . import control, first_order, jacobians, programs
from ._calls import Function, is_differentiable


class _OpaqueVjp:
    """``fn, *args -> (result, pullback)``, as emitted programs call it."""

    __name__ = "tape_vjp"

    def __call__(self, fn: Function, *args: Any) -> tuple[Any, Function]:
        active = [i for i, x in enumerate(args) if _is_active(x)]
        out, pulled = first_order.vjp(_of_active(fn, args, active), *(args[i] for i in active))

        def pullback(ct: Any) -> tuple[Any, ...]:
            found = dict(zip(active, pulled(ct), strict=True))
            return tuple(found.get(i) for i in range(len(args)))

        return out, pullback


class _OpaqueJvp:
    """``fn, args, tangents -> (result, tangent)``, as emitted programs call it."""

    __name__ = "tape_jvp"

    def __call__(self, fn: Function, args: Sequence[Any], tangents: Sequence[Any]) -> Any:
        active = [i for i, t in enumerate(tangents) if t is not None]
        primals = tuple(args[i] for i in active)
        given = tuple(tangents[i] for i in active)
        return first_order.jvp(_of_active(fn, args, active), primals, given)


def _is_active(x: Any) -> bool:
    return any(is_differentiable(leaf) for leaf in leaves_of(x))


def _of_active(fn: Function, args: Sequence[Any], active: Sequence[int]) -> Function:
    def call(*given: Any) -> Any:
        whole = list(args)
        for i, x in zip(active, given, strict=True):
            whole[i] = x
        return fn(*whole)

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
