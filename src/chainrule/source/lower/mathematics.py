"""Functions of ``math``, ``cmath`` and ``operator`` on abstract numbers.

A function of ``math`` becomes the NumPy function that has a rule; its result is a Python number.
"""

from __future__ import annotations

import cmath
import functools
import math
import operator
from functools import partial
from typing import Any

import numpy as np

from ..ir import Call
from ..types import BOOL, COMPLEX, FLOAT, INT, Type
from ..values import Items, Known, Leaf, Value
from . import calls
from .attributes import attribute
from .containers import ONE, describe, items_of, known, lift
from .indexing import subscript
from .intrinsics import intrinsic
from .numbers import elements, total
from .operators import PYTHON, arithmetic, binary, negation, operand, unary
from .state import State

_MATH_NAMES = {
    **{name: name for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "expm1")},
    **{name: name for name in ("sqrt", "cbrt", "exp2", "log1p", "log2", "log10", "fabs")},
    **{name: name for name in ("copysign", "fmod", "degrees", "radians", "nextafter")},
    **{f"a{name}": f"arc{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "tan2")},
}


def _of_math(module: Any, name: str, ufunc: Any, found: Type) -> None:
    fn = getattr(module, name, None)
    if fn is None:
        return

    def compute(state: State, *args: Value) -> Value:
        if all(known(a)[0] for a in args):
            return calls.fold(state, fn, list(args), {})
        exprs = tuple(operand(state, _number(state, a, found)) for a in args)
        return Leaf(Call(found, ufunc, exprs))

    intrinsic(fn)(compute)


def _number(state: State, x: Value, found: Type) -> Value:
    """What ``math`` makes of its argument: a Python float."""
    if isinstance(x, Known):
        return Known(float(x.value)) if isinstance(x.value, int) else x
    is_double = isinstance(x, Leaf) and x.type.is_number and x.type.dtype == np.float64
    if is_double or (isinstance(x, Leaf) and x.type.kind == "python"):
        return x
    if isinstance(x, Leaf) and x.type.dtype is not None:
        return calls.call(state, Known(float if found == FLOAT else complex), [x], {})
    raise state.error(f"A function of math is applied to a {describe(x)}", "pass a number")


for _name, _numpy_name in _MATH_NAMES.items():
    _of_math(math, _name, getattr(np, _numpy_name), FLOAT)
    _of_math(cmath, _name, getattr(np, _numpy_name), COMPLEX)


def _log_of(fn: Any, found: Type) -> None:
    def log(state: State, x: Value, *base: Value) -> Value:
        if all(known(a)[0] for a in (x, *base)):
            return calls.fold(state, fn, [x, *base], {})
        exprs = [operand(state, _number(state, a, found)) for a in (x, *base)]
        logs = [Leaf(Call(found, np.log, (expr,))) for expr in exprs]
        return logs[0] if not base else binary(state, np.divide, logs[0], logs[1])

    intrinsic(fn)(log)


_log_of(math.log, FLOAT)
_log_of(cmath.log, COMPLEX)


@intrinsic(math.pow)
def _math_pow(state: State, a: Value, b: Value) -> Value:
    if known(a)[0] and known(b)[0]:
        return calls.fold(state, math.pow, [a, b], {})
    return arithmetic(state, np.power, [_number(state, a, FLOAT), _number(state, b, FLOAT)])


@intrinsic(math.hypot)
def _hypot(state: State, *args: Value) -> Value:
    if all(known(a)[0] for a in args):
        return calls.fold(state, math.hypot, list(args), {})
    found = _number(state, args[0], FLOAT)
    for a in args[1:]:
        exprs = operand(state, found), operand(state, _number(state, a, FLOAT))
        found = Leaf(Call(FLOAT, np.hypot, exprs))
    return found if args[1:] else calls.call(state, Known(math.fabs), [found], {})


def _constant_function(fn: Any, found: Type) -> None:
    def compute(state: State, *args: Value) -> Value:
        if all(known(a)[0] for a in args):
            return calls.fold(state, fn, list(args), {})
        return Leaf(Call(found, fn, tuple(operand(state, a) for a in args)))

    intrinsic(fn)(compute)


for _fn in (math.floor, math.ceil, math.trunc, math.isqrt, math.gcd, math.comb, math.factorial):
    _constant_function(_fn, INT)
for _fn in (math.isnan, math.isinf, math.isfinite, math.isclose):
    _constant_function(_fn, BOOL)


@intrinsic(math.fsum)
def _fsum(state: State, values: Value) -> Value:
    found = total(state, elements(state, values), Known(0.0))
    return calls.call(state, Known(float), [found], {})


@intrinsic(math.dist)
def _dist(state: State, p: Value, q: Value) -> Value:
    pairs = zip(items_of(state, p), items_of(state, q), strict=True)
    return _hypot(state, *(binary(state, np.subtract, a, b) for a, b in pairs))


# ------------------------------------------------------------------ the module operator


def _of_operator() -> None:
    for ufunc, fn in PYTHON.items():
        if fn is abs:
            continue

        def apply(state: State, *args: Value, _ufunc: Any = ufunc) -> Value:
            if len(args) == 1:
                return unary(state, _ufunc, args[0])
            return binary(state, _ufunc, args[0], args[1])

        intrinsic(fn)(apply)


_of_operator()


@intrinsic(operator.not_)
def _not(state: State, x: Value) -> Value:
    return negation(state, x)


@intrinsic(operator.getitem)
def _item(state: State, x: Value, index: Value) -> Value:
    return subscript(state, x, index)


def _maker(cls: Any) -> None:
    def make(state: State, *args: Value, **kwargs: Value) -> Value:
        return calls.fold(state, cls, list(args), kwargs)

    intrinsic(cls)(make)


for _cls in (operator.itemgetter, operator.attrgetter, operator.methodcaller):
    _maker(_cls)


def got(state: State, getter: Any, x: Value) -> Value:
    """Call what ``itemgetter``, ``attrgetter`` or ``methodcaller`` has made."""
    made, given = getter.__reduce__()[:2]
    if isinstance(getter, operator.methodcaller):
        bound = partial(made, *given)  # one with keywords is made by a partial, too
        name, *args = bound.args
        kwargs = {key: lift(value) for key, value in bound.keywords.items()}
        return calls.call_attribute(state, x, name, [lift(a) for a in args], kwargs)
    if isinstance(getter, operator.itemgetter):
        found = [subscript(state, x, lift(key)) for key in given]
    else:
        found = [functools.reduce(partial(attribute, state), k.split("."), x) for k in given]
    return found[0] if len(found) == 1 else Items(found)


@intrinsic(math.prod)
def _prod(state: State, values: Value, *, start: Value = ONE) -> Value:
    found = start
    for value in elements(state, values):
        found = value if known(found) == (True, 1) else binary(state, np.multiply, found, value)
    return found
