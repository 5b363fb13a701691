"""How machine code has the interpreter run a statement.

Numba's ``objmode`` compiles a function for each such statement, which takes a sixth of a second,
and its machine code cannot be kept. Here machine code is given what to call, and calls it with a
number that says which statement is meant.
"""

# mypy: disable-error-code="no-untyped-call, misc"
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..types import Type

OBJECTS = "stack_of_objects"
"""The list of saved objects, which is one itself."""


class Asked:
    """What machine code calls during one call of a kernel."""

    __slots__ = ("functions", "objects")

    def __init__(self, functions: Sequence[Any], objects: dict[str, Any]) -> None:
        self.functions = functions
        self.objects = objects

    def __call__(self, number: int, *args: Any) -> Any:
        """Run a statement."""
        return self.functions[number](self.objects, *args)


def intrinsic_of(number: int, count: int, results: Sequence[Type], unique: str) -> Any:
    """Return the function that Numba calls for a statement, which takes so many values.

    Before them it takes the address of what is ``Asked``. The interpreter's lock is held: kernels
    with such statements do not let go of it.
    """
    from numba.core import types
    from numba.np.numpy_support import from_dtype

    from .runtime.intrinsics import with_parameters

    def kind(type_: Type) -> Any:
        dtype = from_dtype(np.dtype(type_.dtype))
        return types.Array(dtype, type_.ndim, "C") if type_.is_array and type_.ndim else dtype

    kinds = [kind(type_) for type_ in results]
    returned = types.none if not kinds else kinds[0] if len(kinds) == 1 else types.Tuple(kinds)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _asked(context, builder, signature, args, number)

    def typing(typingctx: Any, *args: Any) -> Any:
        return returned(*map(types.unliteral, args)), code

    names = ["asked", *(f"a{k}" for k in range(count))]
    return with_parameters(f"{unique}_{number}", names, typing)


def _asked(context: Any, builder: Any, signature: Any, args: Any, number: int) -> Any:
    """Write a call of the interpreter."""
    from numba.core import cgutils, types

    api = context.get_python_api(builder)
    asked = builder.inttoptr(args[0], api.pyobj)
    environment = context.get_env_manager(builder)
    given = [api.long_from_longlong(context.get_constant(types.longlong, number))]
    for type_, value in zip(signature.args[1:], args[1:], strict=True):
        context.nrt.incref(builder, type_, value)  # which what follows takes back
        given.append(api.from_native_value(type_, value, environment))
    result = api.call_function_objargs(asked, given)
    for made in given:
        api.decref(made)
    with builder.if_then(cgutils.is_null(builder, result), likely=False):
        context.call_conv.return_exc(builder)
    if signature.return_type == types.none:
        api.decref(result)
        return context.get_dummy_value()
    native = api.to_native_value(signature.return_type, result)
    if native.cleanup is not None:
        native.cleanup()
    api.decref(result)
    with builder.if_then(native.is_error, likely=False):
        context.call_conv.return_exc(builder)
    return native.value
