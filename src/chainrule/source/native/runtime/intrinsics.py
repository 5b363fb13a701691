"""How the functions that are a few instructions each are made."""

# mypy: ignore-errors
from __future__ import annotations

from llvmlite import ir as llvm
from numba import types
from numba.extending import intrinsic

from ..leaving import Leave


def leave_if(context, builder, bad, how=Leave):
    """Leave the compiled program where a condition holds."""
    with builder.if_then(bad, likely=False):
        context.call_conv.return_user_exc(builder, how, ())


def of_integers(result=types.intp):
    """Make an intrinsic of 64-bit integers from what builds its code.

    A function that Numba compiled would cost a tenth of a second, anew for each known number.
    """

    def decorate(build):
        def typed(typingctx, *args):
            if not all(isinstance(arg, (types.Integer, types.Boolean)) for arg in args):
                return None

            def code(context, builder, signature, values):
                pairs = zip(values, signature.args, strict=True)
                wide = [context.cast(builder, v, t, types.intp) for v, t in pairs]
                return build(context, builder, *wide)

            return result(*args), code

        return _made(build, typed)

    return decorate


def _made(build, typed):
    """Return an intrinsic with the parameters of ``build`` that follow context and builder."""
    names = ", ".join(build.__code__.co_varnames[2 : build.__code__.co_argcount])
    space = {"typed": typed}
    exec(f"def made(typingctx, {names}): return typed(typingctx, {names})", space)
    made = space["made"]
    made.__name__, made.__doc__ = build.__name__, build.__doc__
    made.__module__ = build.__module__
    return intrinsic(made)


def integer(value):
    """Return a known 64-bit integer, as LLVM writes it."""
    return llvm.Constant(llvm.IntType(types.intp.bitwidth), value)
