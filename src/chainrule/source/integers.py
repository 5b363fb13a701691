"""The integers of a program as sizes: what the bounds of its slices are called.

A variable that is assigned once stands for one number in every iteration of the loops around it,
so its name may stand for that number in the sizes of what the iteration makes.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from . import ir, sizes
from .types import Size, Type

Numbers = dict[str, Size]
"""Integer variables and the sizes that they equal; masks and how many places they choose."""


def integers_of(program: ir.Program) -> Numbers:
    """Return the sizes that the integer variables of a program equal, where they have one value."""
    written = Counter(name for s in ir.statements(program.body) for name in ir.written(s))
    given = {parameter.name for parameter in program.parameters} | program.hidden.keys()
    written.update(given)
    numbers: Numbers = {
        name: sizes.integer(name)
        for name in given
        if written[name] == 1 and name in program.types and _is_integer(program.types[name])
    }
    for s in ir.statements(program.body):
        match s:
            case ir.For(var=var) if written[var.name] == 1:
                numbers[var.name] = sizes.integer(var.name)
            case ir.Assign(name=name, value=value) if written[name] == 1 and _is_integer(
                value.type
            ):
                found = size_of(value, numbers)
                numbers[name] = sizes.integer(name) if found is None else found
            case ir.Assign(name=name, value=value) if written[name] == 1 and _is_mask(value.type):
                if name not in program.buffers:
                    numbers[name] = sizes.integer(name)
    return numbers


def size_of(expr: ir.Expr, numbers: Numbers) -> Any:
    """Return the size that an integer expression equals, None where that is not known."""
    match expr:
        case ir.Lit(value=int(value)) if type(value) is int:
            return value
        case ir.Var(name=name):
            return numbers.get(name)
        case ir.Dim(base=base, axis=axis):
            return base.type.sizes[axis]
        case ir.Call(fn=fn, args=args) if fn in _ARITHMETIC and _is_integer(expr.type):
            operands = [size_of(arg, numbers) for arg in args]
            return None if None in operands else _ARITHMETIC[fn](*operands)
    return None


def _floor_divide(a: Size, b: Size) -> Any:
    return sizes.floor_divide(a, b) if isinstance(b, int) and b > 0 else None


_ARITHMETIC: dict[Any, Any] = {
    np.add: sizes.add,
    np.subtract: lambda a, b: sizes.add(a, b, -1),
    np.multiply: sizes.multiply,
    np.floor_divide: _floor_divide,
    np.negative: lambda a: sizes.multiply(-1, a),
}


def _is_mask(found: Type) -> bool:
    return found.is_array and found.dtype == np.dtype(bool)


def _is_integer(found: Type) -> bool:
    return found.is_number and found.dtype is not None and found.dtype.kind in "iu"
