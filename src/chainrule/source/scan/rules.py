"""What is known of functions and methods for the scan: which of them lose a traced value.

A value is described by a few bits: whether it may be, or hold, a traced value, and whether it may
be, or hold, a plain array. What a name *may* be matters, so bits are joined, never taken back.
"""

from __future__ import annotations

import cmath
import functools
import math
import types
from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ..._core import TABLE, PiecewiseConstant
from ...rules import load
from ..checkpointed import checkpointed

TRACED, PLAIN, TRACED_IN, PLAIN_IN, DEEP, PART, GIVEN = 1, 2, 4, 8, 16, 32, 64
"""A traced value; a plain array; a list, tuple or dict of traced values; one of plain arrays; one
of lists of traced values; an element of a plain array, which is a number or a row; an argument by
which no derivative is taken, or a part of it: the caller's own."""


class Value(NamedTuple):
    """What an expression may stand for: bits, and the known objects and functions it may be."""

    bits: int = 0
    refs: frozenset[Any] = frozenset()

    @property
    def traced(self) -> bool:
        """Whether a traced value may be in it."""
        return bool(self.bits & (TRACED | TRACED_IN))


NOTHING = Value()


def join(*values: Value) -> Value:
    """Return what may be any of the values."""
    bits, refs = 0, frozenset[Any]()
    for value in values:
        bits |= value.bits
        refs |= value.refs
    return Value(bits, refs)


def untraced(value: Value) -> Value:
    """Return a value as a derivative by others sees it."""
    return Value(value.bits & ~(TRACED | TRACED_IN | DEEP), value.refs)


def boxed(*values: Value) -> Value:
    """Return a container with the values."""
    all_of_them = join(*values)
    return Value(_inside(all_of_them.bits), all_of_them.refs)


def _inside(bits: int) -> int:
    traced = TRACED_IN if bits & (TRACED | TRACED_IN) else 0
    plain = PLAIN_IN if bits & (PLAIN | PLAIN_IN | PART) else 0
    return traced | plain | (DEEP if bits & TRACED_IN else 0) | bits & GIVEN


def element(value: Value) -> Value:
    """Return an element: of a container, which may be a container again, or of an array."""
    bits = value.bits & (TRACED | PLAIN_IN | GIVEN)
    if value.bits & TRACED_IN:
        bits |= TRACED
    if value.bits & DEEP:
        bits |= TRACED_IN | DEEP
    if value.bits & PLAIN_IN:
        bits |= PLAIN
    if value.bits & (PLAIN | PART):
        bits |= PART
    return Value(bits, value.refs)


def arithmetic(*values: Value) -> Value:
    """Return the result of an operator or an elementwise function: traced if an operand is."""
    bits = join(*values).bits & ~(PART | GIVEN)
    return Value(TRACED if bits & TRACED else bits)


def is_list_of_traced(value: Value) -> bool:
    """Tell whether it is a list or tuple of traced values, and never a traced array."""
    return bool(value.bits & TRACED_IN) and not value.bits & TRACED


class Outcome(NamedTuple):
    """What a call gives, and what it does to traced values.

    ``alarm``: why the tape cannot follow; ``refused``: why the source engine cannot. ``written``:
    what is stored into arguments, by position, by name, or ``self``.
    """

    value: Value
    alarm: str = ""
    written: Mapping[int | str, Value] = MappingProxyType({})
    refused: str = ""


CONVERTERS = (
    np.array,
    np.asarray,
    np.asanyarray,
    np.ascontiguousarray,
    np.asfortranarray,
    np.asarray_chkfinite,
    np.fromiter,
    np.ndenumerate,  # its elements are plain numbers
)
FILLED = (np.full, np.arange)
CONSTRUCTORS = (
    *(np.zeros, np.empty, np.ones, np.ndarray, np.eye, np.identity, np.linspace, np.logspace),
    *(np.geomspace, np.indices, np.tri, np.fromfunction, np.loadtxt, np.load, *FILLED),
)
SEVERAL = (
    *(np.meshgrid, np.broadcast_arrays, np.split, np.array_split, np.hsplit, np.vsplit),
    *(np.gradient, np.histogram, np.modf, np.linalg.qr, np.linalg.eigh, np.linalg.svd),
)
"""They return a list or a tuple of arrays."""
WRITERS = (np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis)
JOINING = (np.stack, np.concatenate, np.hstack, np.vstack, np.dstack, np.column_stack)
OF_SEQUENCES = (
    *(
        *JOINING,
        np.block,
        np.select,
        np.choose,
        np.atleast_1d,
        np.atleast_2d,
        np.einsum,
        np.meshgrid,
        np.ix_,
    ),
    *(np.broadcast_arrays, np.piecewise, np.lexsort, np.shape, np.ndim, np.size),
)
REDUCTIONS = frozenset({"sum", "prod", "min", "max", "mean", "std", "var", "dot", "vdot", "trace"})
FACTS = frozenset({"shape", "ndim", "size", "dtype", "nbytes", "itemsize", "strides", "flags"})
"""Attributes that are plain."""
DECISIONS = (
    *(len, isinstance, issubclass, range, print, type, id, hasattr, callable, repr, str, format),
    *(hash, any, all, bool, slice, super),
)
SELECTIONS = (sum, min, max, next, round, abs, pow, divmod, math.prod)
COLLECTIONS = (
    *(list, tuple, set, frozenset, dict, sorted, reversed, enumerate, zip, iter, filter),
)


MAKING_DERIVATIVES = frozenset(
    {"grad", "value_and_grad", "jacfwd", "jacrev", "jacobian", "hessian", "checkpoint"}
)
_TAKING_DERIVATIVES = frozenset({"jvp", "vjp", "hvp", "linearize"})


def is_transform(fn: Any) -> bool:
    """Tell whether a function differentiates the one that it is given first."""
    if not isinstance(fn, types.FunctionType) or not (fn.__module__ or "").startswith("chainrule."):
        return False
    return fn.__name__ in MAKING_DERIVATIVES | _TAKING_DERIVATIVES


def call_of(fn: Any, args: Sequence[Value], kwargs: Mapping[str, Value]) -> Outcome:
    """Say what a call of a library's function does to traced values."""
    everything = join(*args, *kwargs.values())
    name = _spoken(fn)
    if fn is checkpointed:
        return Outcome(NOTHING, "a checkpointed loop, of which it would keep every iteration")
    if isinstance(fn, types.FunctionType) and fn.__module__.startswith("chainrule."):
        return Outcome(NOTHING if fn.__name__ == "stop_gradient" else Value(everything.bits))
    if fn in (exec, eval, compile, globals, locals, setattr, delattr):
        return Outcome(everything, refused=f"a call of {fn.__name__}")
    if fn in DECISIONS:
        return Outcome(NOTHING)
    if fn in SELECTIONS:
        return Outcome(arithmetic(*map(element, args), element(everything)))
    if fn in COLLECTIONS:
        return Outcome(boxed(*map(element, args), *kwargs.values()))
    if _is_number(fn):
        value = NOTHING if _is_integer(fn) or not everything.traced else Value(TRACED)
        return Outcome(value, f"{name} of a traced value" if everything.traced else "")
    if _is_module_function(fn, math) or _is_module_function(fn, cmath):
        return Outcome(arithmetic(*map(element, args)), _if(everything.traced, name))
    if _is_numpy(fn):
        return _numpy_call(fn, name, args, kwargs, everything)
    given = everything.bits & (TRACED | TRACED_IN)
    if type(fn).__module__.startswith("chainrule."):  # a compiled function, whatever it is given
        return Outcome(Value(TRACED if given else 0))
    return Outcome(Value(given))


def _if(traced: bool, name: str) -> str:
    return f"{name} of a traced value" if traced else ""


def _numpy_call(
    fn: Any, name: str, args: Sequence[Value], kwargs: Mapping[str, Value], everything: Value
) -> Outcome:
    like = kwargs.get("like", NOTHING)
    if fn in CONVERTERS or fn in FILLED:
        lost = everything.traced and not (fn is np.full and like.traced)
        return Outcome(Value(TRACED if everything.traced else PLAIN), _if(lost, name))
    if fn is np.full_like and everything.traced:
        lost = bool(args) and not args[0].traced
        return Outcome(Value(TRACED), _if(lost, name))
    if fn in WRITERS or _is_ufunc_at(fn):
        return _write(args, join(*args[1:], *kwargs.values()), name)
    out = kwargs.get("out", NOTHING)
    if isinstance(fn, np.ufunc) and len(args) > fn.nin:
        args, out = args[: fn.nin], join(*args[fn.nin :])
    if out.bits & (PLAIN | PLAIN_IN | PART) and join(*args).traced:
        return Outcome(Value(TRACED), f"{name} writes a traced value into a plain array (out=)")
    if out.bits & GIVEN and not out.traced:
        return Outcome(out, f"{name} changes an argument (out=), {CALLERS}")
    if _is_constant(fn) or _is_random(fn):
        return Outcome(Value(PLAIN))
    several = fn in SEVERAL
    if everything.traced:
        return Outcome(Value(TRACED_IN if several else TRACED), _list_alarm(fn, name, args))
    if several:
        return Outcome(Value(PLAIN_IN))
    scalar = name.rpartition(".")[2] in REDUCTIONS and len(args) < 2 and "axis" not in kwargs
    plain = fn in CONSTRUCTORS or everything.bits & (PLAIN | PLAIN_IN)
    return Outcome(Value(PLAIN if plain and not scalar else 0))


def _list_alarm(fn: Any, name: str, args: Sequence[Value]) -> str:
    if fn in JOINING and any(arg.bits & DEEP for arg in args):
        return f"{name} of lists of traced values"
    lost = fn not in OF_SEQUENCES and any(map(is_list_of_traced, args))
    return f"{name} of a list of traced values" if lost else ""


def _write(args: Sequence[Value], value: Value, name: str) -> Outcome:
    array = bool(args) and args[0].bits & (PLAIN | PART)
    alarm = f"{name} writes a traced value into a plain array" if array and value.traced else ""
    if array and not alarm and args[0].bits & GIVEN:
        alarm = f"{name} changes an argument, {CALLERS}"
    return Outcome(NOTHING, alarm, {0: Value(TRACED)} if value.traced else {})


GROWING = frozenset({"append", "add", "insert", "extend", "update", "appendleft", "setdefault"})
GETTING = frozenset({"get", "pop", "popleft", "popitem", "values", "items", "__getitem__"})
PLAIN_ANSWERS = frozenset(
    {
        "keys",
        "index",
        "count",
        "any",
        "all",
        "argmax",
        "argmin",
        "argsort",
        "nonzero",
        "searchsorted",
    }
)


CALLERS = "which is the caller's own array"
_VIEWS = {"reshape", "ravel", "transpose", "swapaxes", "squeeze", "diagonal", "view"}


def method_of(
    base: Value, name: str, args: Sequence[Value], kwargs: Mapping[str, Value]
) -> Outcome:
    """Say what a method of an array, a list or a dict does to traced values."""
    given = join(*args, *kwargs.values())
    if name == "dot" and given.traced and not base.traced:
        return Outcome(Value(TRACED), "the method dot of a plain array is given a traced value")
    if name in ("sort", "partition") and base.bits & PLAIN and base.bits & GIVEN:
        return Outcome(NOTHING, f"the method {name} changes an argument, {CALLERS}")
    if name in ("fill", "put", "itemset") and base.bits & (PLAIN | PART):
        outcome = _write([base, given], given, f"the method {name}")
        return outcome._replace(written={"self": Value(given.bits & TRACED)})
    if name in GROWING and not base.bits & PLAIN:
        return Outcome(element(join(base, given)), written={"self": boxed(given)})
    if kwargs.get("out", NOTHING).bits & PLAIN and base.traced:
        return Outcome(Value(TRACED), f"the method {name} writes into a plain array (out=)")
    if name in PLAIN_ANSWERS:
        return Outcome(NOTHING)
    if name in GETTING:
        return Outcome(join(element(base), Value(given.bits & (TRACED | TRACED_IN))))
    if name in REDUCTIONS and not base.traced:
        return Outcome(Value(TRACED if given.traced else base.bits & PLAIN if args else 0))
    if given.traced:
        return Outcome(Value(TRACED))
    return Outcome(Value(base.bits if name in _VIEWS else base.bits & ~GIVEN))


def _spoken(fn: Any) -> str:
    """Return a function's name as its users write it."""
    name = getattr(fn, "__name__", type(fn).__name__)
    owner = getattr(fn, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"np.{owner.__name__}.{name}"
    module = (getattr(fn, "__module__", None) or "").partition(".")[0]
    if module == "numpy" or isinstance(fn, np.ufunc):
        return f"np.{name}"
    return name if module in ("", "builtins") else f"{module}.{name}"


def _is_number(fn: Any) -> bool:
    return fn in (float, int, complex) or (isinstance(fn, type) and issubclass(fn, np.generic))


def _is_integer(fn: Any) -> bool:
    return fn is int or issubclass(fn, np.integer)


def _is_module_function(fn: Any, module: types.ModuleType) -> bool:
    return isinstance(fn, types.BuiltinFunctionType) and fn.__module__ == module.__name__


def _is_numpy(fn: Any) -> bool:
    owner = getattr(fn, "__self__", None)
    module = getattr(fn, "__module__", None) or ""
    known = isinstance(fn, np.ufunc) or isinstance(owner, np.ufunc) or _is_random(fn)
    return known or module.startswith("numpy")


def _is_random(fn: Any) -> bool:
    """Tell whether it makes random numbers or a generator of them."""
    generators = (np.random.Generator, np.random.RandomState)
    return isinstance(getattr(fn, "__self__", None), generators) or fn is np.random.default_rng


def _is_ufunc_at(fn: Any) -> bool:
    return isinstance(getattr(fn, "__self__", None), np.ufunc) and fn.__name__ == "at"


@functools.cache
def _constants() -> frozenset[Any]:
    load()
    return frozenset(fn for fn, entry in TABLE.items() if isinstance(entry, PiecewiseConstant))


def _is_constant(fn: Any) -> bool:
    """Tell whether its derivative is zero: the tape returns a plain value."""
    return isinstance(fn, Hashable) and fn in _constants()
