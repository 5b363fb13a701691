"""Attributes of arrays, containers, objects of the user, modules and other known things."""

from __future__ import annotations

import dataclasses
import types
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ir import Access, Call, Dim, Expr, Lit, Slice, Var
from ..readers import Attribute, Itself
from ..results import call as ir_call
from ..types import INT, Type
from ..values import Function, Items, Known, Leaf, Mapping, Method, Record, Value
from . import functions, memory
from .containers import attribute_of, describe
from .operators import binary, operand, simple
from .state import State, in_rule


@dataclass(slots=True)
class Parents(Value):
    """What ``super()`` returns: an object whose attributes are looked up in some classes only."""

    receiver: Value
    mro: tuple[type, ...]


def attribute(state: State, base: Value, name: str) -> Value:
    """Evaluate ``base.name``."""
    found = _attribute(state, base, name)
    if found is None:
        raise state.error(
            f"A {describe(base)} has no attribute {name!r} that the source engine knows",
            "use NumPy's functions and attributes of arrays",
        )
    return found


def _attribute(state: State, base: Value, name: str) -> Value | None:
    if name == "__class__" and (cls := type_value(base)) is not None:
        return Known(cls)
    match base:
        case Leaf():
            return _of_leaf(state, base, name)
        case Record():
            return _of_record(state, base, name)
        case Items(cls=cls):
            field = attribute_of(state, base, name)
            if field is not None:
                return field
            if name in ("_replace", "_asdict", "index", "count"):
                return Method(base, name)
            if cls is not None and hasattr(cls, name):
                return _of_class(state, base, cls.__mro__, name)
            return Method(base, name)
        case Mapping():
            return Method(base, name)
        case Parents(receiver=receiver, mro=mro):
            return _of_class(state, receiver, mro, name)
        case Function(object=made) if made is not None and hasattr(made, name):
            return Known(getattr(made, name))
        case Known(value=value):
            return _of_known(state, value, name)
    return None


def type_value(value: Value) -> Any:
    """Return ``type(value)``, None where it is not known."""
    match value:
        case Known(value=found):
            return type(found)
        case Items(kind=kind, cls=cls):
            return cls or _KINDS[kind]
        case Mapping():
            return dict
        case Record(cls=cls):
            return cls
        case Leaf(expr=Slice()):
            return slice
        case Leaf(expr=expr):
            return _class_of(expr.type)
    return types.FunctionType


_KINDS = {"tuple": tuple, "list": list, "slice": slice, "iterator": type(iter(()))}


def _class_of(found: Type) -> Any:
    if found.dtype is None:
        return type(None) if found.kind == "none" else None
    if found.is_array:
        return np.ndarray
    if found.kind == "scalar":
        return found.dtype.type
    return {"b": bool, "i": int, "f": float, "c": complex}[found.dtype.kind]


# ------------------------------------------------------------------------------------ arrays


def shape_of(state: State, value: Value) -> list[Value]:
    """Return the sizes of an array: known, or integers that equal a symbol."""
    if isinstance(value, Known):
        return [Known(n) for n in np.shape(value.value)]
    if isinstance(value, Items):
        if not value.items:
            return [Known(0)]
        return [Known(len(value.items)), *shape_of(state, value.items[0])]
    if not isinstance(value, Leaf):
        raise state.error(f"A {describe(value)} has no shape", "use an array")
    return [size_value(state, value, k) for k in range(value.type.ndim)]


def size_value(state: State, value: Leaf, axis: int) -> Value:
    """Return the size of an axis: known, or an integer that equals a symbol."""
    size = value.type.sizes[axis]
    if isinstance(size, int):
        return Known(size)
    base = _named_base(state, value)
    return Leaf(Dim(INT, base, axis), None, size)


def _named_base(state: State, value: Leaf) -> Expr:
    """Return what to ask for its shape: an elementwise result is as good as its operands."""
    expr = value.expr
    return expr if isinstance(expr, (Var, Access, Lit)) else simple(state, value)


def _of_leaf(state: State, base: Leaf, name: str) -> Value | None:
    found = base.type
    if found.dtype is None:
        return Method(base, name)
    has_shape = found.kind != "python" or in_rule(state)  # rules see NumPy's numbers
    match name:
        case "dtype" if has_shape:
            return Known(found.dtype)
        case "ndim" if has_shape:
            return Known(found.ndim)
        case "shape" if has_shape:
            return Items(shape_of(state, base))
        case "size" if has_shape:
            return count(state, base)
        case "itemsize":
            return Known(found.dtype.itemsize)
        case "nbytes":
            return binary(state, np.multiply, count(state, base), Known(found.dtype.itemsize))
        case "T":
            return transposed(state, base)
        case "flat":
            from .calls import call

            return call(state, Known(np.ravel), [base], {})
        case "real" | "imag":
            return _part(state, base, name)
        case "flat" if found.is_array:
            return flat(state, base)
    is_method = hasattr(np.ndarray if found.is_array else _class_of(found), name)
    return Method(base, name) if is_method else None


def count(state: State, base: Value) -> Value:
    """Return the number of elements."""
    total: Value = Known(1)
    for n in shape_of(state, base):
        total = n if total == Known(1) else binary(state, np.multiply, total, n)
    return total


def transposed(state: State, base: Leaf) -> Leaf:
    """``a.T``: a view."""
    if base.type.ndim < 2:
        return base
    expr = operand(state, base)
    kind = Type("array", base.type.dtype, base.type.sizes[::-1])
    return memory.view(state, base, Call(kind, np.transpose, (expr,)))


def flat(state: State, base: Leaf) -> Value:
    """``a.flat``: all elements in their order, in the memory of the array."""
    from .calls import call

    return base if base.type.ndim == 1 else call(state, Known(np.reshape), [base, Known(-1)], {})


def _part(state: State, base: Leaf, name: str) -> Value:
    from .calls import call

    assert base.type.dtype is not None
    if base.type.dtype.kind == "c":
        if base.type.is_array and memory.root_of(state, base.expr) is not None:
            fn = np.real if name == "real" else np.imag
            part = ir_call(fn, operand(state, base))
            return memory.view(state, base, part)
        found = call(state, Known(np.real if name == "real" else np.imag), [base], {})
        if base.type.kind == "python" and isinstance(found, Leaf):
            return Leaf(_retyped(found.expr, Type("python", np.dtype(float))))
        return found
    if name == "real":
        return base
    if base.type.is_number:
        return Known(0 if base.type.dtype.kind in "iub" else 0.0)
    return Leaf(ir_call(np.zeros_like, operand(state, base)))


def _retyped(expr: Expr, found: Type) -> Expr:
    from dataclasses import replace

    return replace(expr, type=found)


# --------------------------------------------------------------------- objects and known things


def _of_record(state: State, base: Record, name: str) -> Value | None:
    if isinstance(getattr(base.cls, "__getattribute__", None), types.FunctionType):
        raise _own_access(state, base.cls, "__getattribute__")
    if name in base.attributes:
        return base.attributes[name]
    return _of_class(state, base, base.cls.__mro__, name) if hasattr(base.cls, name) else None


def _of_class(state: State, base: Value, mro: tuple[type, ...], name: str) -> Value | None:
    """Look ``name`` up in classes, as Python does for an instance: methods, properties, values."""
    cls = next((cls for cls in mro if name in vars(cls)), object)
    found: Any = vars(cls).get(name)
    if isinstance(found, property) or (hasattr(found, "func") and hasattr(found, "attrname")):
        getter = found.fget if isinstance(found, property) else found.func
        method = functions.function_value(state, getter)
        value = None if method is None else functions.inline(state, method, [base], {})
        if value is not None and not isinstance(found, property):
            _keep(state, base, name, value)
        return value
    if isinstance(found, staticmethod):
        return Known(found.__func__)
    if isinstance(found, classmethod):
        return _bound(state, found.__func__, Known(mro[0]))
    if isinstance(found, types.FunctionType):
        return _bound(state, found, base)
    if found is object.__init__:
        return Known(_nothing)
    if _is_descriptor(found):
        raise _own_access(state, cls, f"{name}, a {type(found).__name__}")
    if found is not None and not callable(found):
        return functions.from_outside(
            state, getattr(cls, name), lambda: getattr(cls, name), f"{cls.__name__}_{name}"
        )
    return Method(base, name)


def _keep(state: State, base: Value, name: str, value: Value) -> None:
    """Let an object of the program have the value of a cached property from now on."""
    if isinstance(base, Record) and id(base) not in state.foreign:
        base.attributes[name] = memory.held(state, value)


def assigned_by_class(state: State, base: Record, name: str, value: Value) -> bool:
    """Assign an attribute as the class of an object says, if it does: by a property's setter."""
    cls = base.cls
    if isinstance(cls.__setattr__, types.FunctionType) and not dataclasses.is_dataclass(cls):
        raise _own_access(state, cls, "__setattr__")
    found = next((vars(c)[name] for c in cls.__mro__ if name in vars(c)), None)
    setter = found.fset if isinstance(found, property) else None
    method = functions.function_value(state, setter) if setter is not None else None
    if method is not None:
        functions.inline(state, method, [base, value], {})
        return True
    if isinstance(found, property) or (_is_descriptor(found) and hasattr(found, "__set__")):
        raise _own_access(
            state, cls, f"{name}, a {type(found).__name__} without a setter in Python"
        )
    return False


def _is_descriptor(found: Any) -> bool:
    """Tell whether a class of the user says what reading or writing an attribute does."""
    cls = type(found)
    return any(hasattr(cls, name) for name in ("__get__", "__set__")) and not isinstance(
        found, _USUAL
    )


_USUAL = (
    types.FunctionType, types.BuiltinFunctionType, types.MemberDescriptorType,
    types.GetSetDescriptorType, types.WrapperDescriptorType, types.MethodDescriptorType,
    types.ClassMethodDescriptorType, type,
)  # fmt: skip


def _own_access(state: State, cls: type, what: str) -> Exception:
    return state.error(
        f"The class {cls.__name__} decides itself what its attributes are ({what})",
        "plain attributes, or properties written in Python",
    )


def _nothing() -> None:
    """Do what ``object.__init__`` does."""


def _bound(state: State, function: Any, receiver: Value) -> Value | None:
    made = functions.function_value(state, function)
    if made is None:
        return None
    made.first = (receiver, *made.first)
    return made


_LIBRARIES = ("numpy", "math", "cmath", "scipy", "builtins", "sys", "itertools", "functools")


def _of_known(state: State, value: Any, name: str) -> Value | None:
    if isinstance(value, (str, bytes, set, frozenset)) and callable(getattr(value, name, None)):
        return Method(Known(value), name)
    if isinstance(value, frozenset) and hasattr(set, name):
        raise state.error(
            f"A set from outside of the function is changed in it ({name})",
            "make a new one in the function and return it",
        )
    try:
        found = getattr(value, name)
    except AttributeError:
        return None
    is_library = (getattr(value, "__name__", "") or "").partition(".")[0] in _LIBRARIES
    if isinstance(value, (types.ModuleType, type)) and not is_library:
        label = f"{value.__name__.rpartition('.')[2]}_{name}"
        return functions.from_outside(state, found, Attribute(Itself(value), name), label)
    from .containers import lift

    return lift(found)
