"""Quotients by a number that stays the same while a loop runs, without a division in the loop.

``x / s`` is found as ``q = x * r`` with ``r = 1 / s``, and corrected by ``(x - q * s) * r``. What
is left, ``x - q * s``, is exact in a fused operation, and the sum is the quotient rounded once, as
a division has it (Markstein, Computation of elementary functions on the IBM RISC System/6000
processor, 1990); for dividends below 1e-290 it may be the number next to that. A division takes
a processor as long as some ten such operations.
"""

# mypy: disable-error-code="no-untyped-call, no-any-return"
from __future__ import annotations

import functools
import math
from collections.abc import Set
from typing import TYPE_CHECKING, Any

from llvmlite import ir as llvm

from .. import ir
from ..ir import Call, Expr, Index, Lit, Var
from .accesses import touched
from .code import Loop

if TYPE_CHECKING:
    from .machine import Machine

_FEW = 8
"""Iterations that are too few for a reciprocal to pay."""
_BIAS, _FRACTION = 1023, 52
"""Of the exponent in a double's bits: what is added to it, and how many bits are below it."""


def changing_in(loop: Loop, shared: Set[str]) -> Set[str] | None:
    """Return the names that change while an innermost loop runs; None for other loops.

    ``shared``: arrays whose memory another name may stand for.
    """
    is_short = isinstance(loop.extent, Lit) and loop.extent.value < _FEW
    if is_short or any(s.blocks and not isinstance(s, ir.If) for s in loop.body):
        return None
    own = touched(loop.body)
    written = own.arrays("write", "add")
    return {loop.var.name, *own.bound, *own.gathered, *written, *(shared if written else ())}


def stays(e: Expr, changing: Set[str] | None) -> bool:
    """Tell whether a divisor is the same in all iterations, and LLVM does not know better."""
    if changing is None or (isinstance(e, Lit) and abs(math.frexp(e.value)[0]) == 0.5):
        return False
    return all(
        isinstance(x, (Lit, Index, Call)) or (isinstance(x, Var) and x.name not in changing)
        for x in ir.walk(e)
    )


def quotient(m: Machine, x: Any, by: Any) -> Any:
    """Write ``x / by`` for doubles; all that is about ``by`` alone LLVM moves out of the loop."""
    b, kind = m.b, by.type
    first, second = _powers(b, by)
    scaled = b.fmul(b.fmul(by, first), second)  # from 1 to 2, unless it is very small or large
    inverse = b.fdiv(llvm.Constant(kind, 1.0), scaled)
    fused = b.module.declare_intrinsic("llvm.fma", [kind], llvm.FunctionType(kind, [kind] * 3))
    x = b.fmul(x, first)
    q = b.fmul(x, inverse)
    left = b.call(fused, [b.fneg(q), scaled, x])
    better = b.call(fused, [left, inverse, q])
    # not where q is infinite, or NaN; nor is the sign of a zero lost
    q = b.select(b.fcmp_ordered("!=", better, q), better, q)
    return b.fmul(q, second)


def _powers(b: Any, by: Any) -> tuple[Any, Any]:
    """Write the power of two that takes a number to between 1 and 2, as a product of two.

    The dividend takes the first before and the second after. What makes larger comes first, so
    that no digit of a small number is lost, but for one doubling: what overflows is infinite then.
    """
    whole = llvm.IntType(64)
    low, high, bias = (llvm.Constant(whole, n) for n in (-_BIAS + 1, _BIAS - 1, _BIAS))
    place, mask = (llvm.Constant(whole, n) for n in (_FRACTION, 2 * _BIAS + 1))
    zero, one = (llvm.Constant(whole, n) for n in (0, 1))
    exponent = b.sub(bias, b.and_(b.lshr(b.bitcast(by, whole), place), mask))
    exponent = b.select(b.icmp_signed("<", exponent, low), low, exponent)
    exponent = b.select(b.icmp_signed(">", exponent, high), high, exponent)
    up = b.select(b.icmp_signed(">", exponent, one), b.sub(exponent, one), zero)
    parts = (up, b.sub(exponent, up))
    first, second = (b.bitcast(b.shl(b.add(e, bias), place), by.type) for e in parts)
    return first, second


@functools.cache
def is_fused() -> bool:
    """Tell whether the processor multiplies and adds in one operation."""
    from numba.core.registry import cpu_target

    triple, _, features = cpu_target.target_context.codegen().magic_tuple()
    return "+fma" in features.split(",") or triple.startswith(("aarch64", "arm64"))
