"""Numbers too small for full precision count as zero while a sweep goes back.

Cotangents that fade away over many steps become such *denormal* numbers in the end, with which
many processors compute up to a hundred times slower. What is set is a mode of the processor, for
the thread alone; it is always set back to what it was.
"""

# mypy: ignore-errors
from __future__ import annotations

import platform

from llvmlite import ir as llvm
from numba import types
from numba.extending import intrinsic

_WHOLE = llvm.IntType(64)
_X86 = platform.machine().lower() in ("x86_64", "amd64")
_ARM = platform.machine().lower() in ("aarch64", "arm64")
_TO_ZERO = 0x8040 if _X86 else 1 << 24
"""Operands and results that are denormal are zero: bits of MXCSR, or of FPCR."""


def modes(builder):
    """Return where, from a function's start on, its mode is kept, and that with zeros."""
    with builder.goto_entry_block():
        usual, flushing = builder.alloca(_WHOLE), builder.alloca(_WHOLE)
        mode = llvm.Constant(_WHOLE, 0)
        builder.store(mode, usual)
        if _X86:
            _call(builder, "stmxcsr", usual)
            mode = builder.load(usual)
        elif _ARM:
            mode = builder.asm(llvm.FunctionType(_WHOLE, []), "mrs $0, fpcr", "=r", [], True)
            builder.store(mode, usual)
        builder.store(builder.or_(mode, llvm.Constant(_WHOLE, _TO_ZERO)), flushing)
    return usual, flushing


def set_mode(builder, place):
    """Write that a mode is set; none is where the processor is not known here."""
    if _X86:
        _call(builder, "ldmxcsr", place)
    elif _ARM:
        type_ = llvm.FunctionType(llvm.VoidType(), [_WHOLE])
        builder.asm(type_, "msr fpcr, $0", "r", [builder.load(place)], True)


def _call(builder, name, place):
    pointer = llvm.IntType(8).as_pointer()
    type_ = llvm.FunctionType(llvm.VoidType(), [pointer])
    function = builder.module.declare_intrinsic(f"llvm.x86.sse.{name}", (), type_)
    builder.call(function, [builder.bitcast(place, pointer)])


def _setting(which):
    def typed(typingctx):
        def code(context, builder, signature, args):
            set_mode(builder, modes(builder)[which])
            return context.get_dummy_value()

        return types.none(), code

    return typed


end_flushing, begin_flushing = map(intrinsic, map(_setting, (0, 1)))
