"""What a Node refuses, and what to write instead.

A Node looks like an array, so students try on it what they do with arrays. NumPy's functions,
``float``, ``<``, ``**`` and the like would lose the gradient, or are not part of the teaching API;
each of them raises an error that names the way out.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ..errors import ConversionError, MutationError, UnsupportedError

METHODS = "the methods of the Node (x.exp(), x.sum(), ...), or x.value for its numbers alone"
NUMBER = "x.value.item() is the number in a (1, 1) Node; for math.exp(x) write x.exp()"
POWER = (
    "x.square() or x * x; x.sqrt() for the power 1/2, 1 / x for -1, x.exp() for e to the x; "
    "(p * x.log()).exp() for any power p of positive numbers"
)
ABSOLUTE = "x.relu() + (-x).relu()"
COMPARED = "compare the numbers: x.value < 1; 'a is b' tells whether two are the same Node"
MEAN = "x.sum() / n, where n is the number of elements"
EXTREME = "x.value for its numbers; for max(0, x) x.relu(), for min(0, x) -(-x).relu()"
JOIN = "a.concatenate(b, axis=0) puts b below a, axis=1 to its right"
SHAPE = "x.shape; an array of that shape is made by np.zeros(x.shape)"

# The names of NumPy's functions and of attributes that a Node does not have -> the way out.
INSTEAD = {
    **{
        name: f"x.{name}()"
        for name in ("exp", "log", "square", "sqrt", "tanh", "sum", "transpose", "softmax")
    },
    **dict.fromkeys(("power", "float_power", "pow"), POWER),
    **dict.fromkeys(("absolute", "abs", "fabs"), ABSOLUTE),
    **dict.fromkeys(("less", "less_equal", "greater", "greater_equal"), COMPARED),
    **dict.fromkeys(("equal", "not_equal", "allclose", "isclose", "array_equal"), COMPARED),
    **dict.fromkeys(("mean", "average"), MEAN),
    **dict.fromkeys(("max", "min", "maximum", "minimum", "clip", "amax", "amin"), EXTREME),
    **dict.fromkeys(("concatenate", "vstack", "hstack", "stack", "append", "column_stack"), JOIN),
    **dict.fromkeys(("shape", "ndim", "size", "zeros_like", "ones_like", "full_like"), SHAPE),
    **dict.fromkeys(("dot", "inner", "matmul"), "a.dot(b) or a @ b"),
    **dict.fromkeys(("item", "tolist", "numpy", "data"), "x.value; x.value.item() for one number"),
    **dict.fromkeys(("backward", "gradient"), "x.grad(1), on a scalar: x.sum().grad(1)"),
    **dict.fromkeys(("reshape", "ravel", "flatten"), "x.reshape(rows, columns)"),
    **dict.fromkeys(("log2", "log10"), "x.log() / np.log(2), with 10 in place of 2 for log10"),
    "norm": "x.square().sum().sqrt()",
    "expit": "x.sigmoid()",
    "negative": "-x",
    "reciprocal": "1 / x",
    "where": "mask * a + (1 - mask) * b, with an array of ones and zeros as the mask",
    "var": "(x - mean).square().sum() / n, where mean = x.sum() / n and n counts the elements",
}

# What NumPy calls for `array + node`: (the method of a Node on the left, on the right).
OPERATORS = {
    np.add: ("__add__", "__radd__"),
    np.subtract: ("__sub__", "__rsub__"),
    np.multiply: ("__mul__", "__rmul__"),
    np.divide: ("__truediv__", "__rtruediv__"),
    np.matmul: ("__matmul__", "__rmatmul__"),
}


class ReadOnlyError(MutationError, AttributeError):
    """An attempt to change the value of a Node."""


class Refused:
    """The part of Node that says no."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Let ``array + node`` through to the Node's own operators; refuse all else."""
        if "out" in kwargs:
            raise ConversionError(
                "A Node cannot be stored into an array: its gradient would be lost.",
                "make a new one: array = array + node, not array += node",
            )
        if ufunc in OPERATORS and method == "__call__" and len(inputs) == 2 and not kwargs:
            left, right = OPERATORS[ufunc]
            a, b = inputs
            return getattr(a, left)(b) if isinstance(a, Refused) else getattr(b, right)(a)
        name = "sum" if (ufunc, method) == (np.add, "reduce") else ufunc.__name__
        raise _no_function(name)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> NoReturn:
        raise _no_function(func.__name__)

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ConversionError(
            "A Node does not turn into an array by itself: its gradient would be lost.",
            f"{METHODS}; Node(array).dot(x) for array.dot(x)",
        )

    def __float__(self) -> NoReturn:
        raise ConversionError(
            "A Node does not turn into a number by itself: its gradient would be lost.", NUMBER
        )

    __int__ = __complex__ = __float__

    def __bool__(self) -> NoReturn:
        raise ConversionError(
            "A Node is neither true nor false.", "ask its numbers, x.value > 0, or 'x is not None'"
        )

    def __lt__(self, other: object) -> NoReturn:
        raise UnsupportedError("A Node is not compared: that has no gradient.", COMPARED)

    __le__ = __gt__ = __ge__ = __lt__

    def __eq__(self, other: object) -> bool:
        """Only a Node itself is equal to it; comparing it with numbers is a mistake."""
        if isinstance(other, (int, float, complex, np.generic, np.ndarray, list, tuple)):
            self.__lt__(other)
        return self is other

    __hash__ = object.__hash__

    def __pow__(self, other: object) -> NoReturn:
        raise UnsupportedError("A Node has no power operator.", POWER)

    __rpow__ = __pow__

    def __abs__(self) -> NoReturn:
        raise UnsupportedError("A Node has no absolute value.", ABSOLUTE)

    def __setitem__(self, key: object, value: object) -> NoReturn:
        raise ReadOnlyError(
            "An element of a Node cannot be changed: what was computed from it would not follow.",
            "change the array before Node(array); join parts with a.concatenate(b, axis)",
        )

    def __getattr__(self, name: str) -> NoReturn:
        """Answer what arrays have and a Node has not; Python calls this for missing names only."""
        advice = "" if name.startswith("_") else INSTEAD.get(name, METHODS)
        problem = f"A Node has no attribute {name!r}."
        raise AttributeError(f"{problem}\n  Instead: {advice}" if advice else problem)


def _no_function(name: str) -> UnsupportedError:
    return UnsupportedError(
        f"NumPy's function {name} does not take a Node: the gradient would be lost.",
        INSTEAD.get(name, f"{METHODS}: np.{name}(x.value)"),
    )
