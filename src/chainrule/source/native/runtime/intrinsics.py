"""How the functions that are a few instructions each are made."""

# mypy: ignore-errors
from __future__ import annotations

from llvmlite import ir as llvm
from numba import types
from numba.extending import intrinsic

from ..leaving import Leave


def leave_if(context, builder, bad, how=Leave, text=()):
    """Leave the compiled program where a condition holds."""
    on = builder.append_basic_block("on")
    branch = builder.cbranch(bad, _leaving(context, builder, how, text), on)
    branch.set_weights([1, 99])
    builder.position_at_end(on)


def _leaving(context, builder, how, text):
    """Return the block of a function that leaves in a way; there is one for all that do."""
    name = f"leave.{how.__name__}"
    for block in builder.function.blocks:
        if block.name == name:
            return block
    made = builder.append_basic_block(name)
    with builder.goto_block(made):
        context.call_conv.return_user_exc(builder, how, text)
    return made


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
    names = build.__code__.co_varnames[2 : build.__code__.co_argcount]
    return with_parameters(build.__name__, names, typed, build)


def with_parameters(name, names, typing, like=None):
    """Return an intrinsic that takes so many values, which have these names.

    ``typing`` takes Numba's context and their types; ``like`` says where it belongs.
    """
    space = {"typing": typing}
    listed = ", ".join(["typingctx", *names])
    exec(f"def made({listed}): return typing({listed})", space)
    made = space["made"]
    made.__name__ = name
    if like is not None:
        made.__doc__, made.__module__ = like.__doc__, like.__module__
    return intrinsic(made)


def integer(value):
    """Return a known 64-bit integer, as LLVM writes it."""
    return llvm.Constant(llvm.IntType(types.intp.bitwidth), value)


def function_of(module, name, type_, body):
    """Return a module's own function of a name; ``body`` writes it where it is not there yet.

    What stands in a function of its own is compiled once, however often it is called.
    """
    if name in module.globals:
        return module.globals[name]
    made = llvm.Function(module, type_, name)
    made.linkage = "internal"
    for attribute in ("noinline", "nounwind"):
        made.attributes.add(attribute)
    body(llvm.IRBuilder(made.append_basic_block("entry")), *made.args)
    return made
