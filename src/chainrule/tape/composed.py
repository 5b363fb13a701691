"""Results of compositions lie in memory as those of the functions that they stand for.

``np.sort`` of an array by columns is one by columns, and so its ``ravel`` is a copy; the expression
that the rule table has for it may leave its result by rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .._core import Tracer, array_behind, plain


def as_numpys(function: Any, result: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Return the result of a composition as it would lie in memory if ``function`` had made it.

    Of arguments that lie by rows the compositions themselves take care.
    """
    if not any(map(_is_matrix, _items(result))) or not _lie_otherwise((*args, *kwargs.values())):
        return result
    model = _model(function, plain(args), plain(kwargs))
    if isinstance(result, (tuple, list)):
        if not isinstance(model, (tuple, list)) or len(model) != len(result):
            return result
        laid = [_as(y, x) for y, x in zip(result, model, strict=True)]
        return type(result)(*laid) if hasattr(result, "_fields") else type(result)(laid)
    return _as(result, model)


def in_order(y: Any, order: str) -> Any:
    """Return an array as ``order=`` has it: by rows, by columns, or as it lies in memory."""
    if order not in ("C", "F", "A") or not _is_matrix(y):
        return y
    flags = array_behind(y).flags
    wanted: Any = order if order != "A" else "F" if flags.fnc else "C"
    return y if flags[f"{wanted}_CONTIGUOUS"] else np.copy(y, order=wanted)


def _model(function: Any, args: Any, kwargs: Any) -> Any:
    """Return an array that lies as NumPy's result does, or None."""
    if function is np.piecewise:
        return np.zeros_like(args[0])
    if any(callable(x) and not isinstance(x, type) for x in _items([*args, *kwargs.values()])):
        return None  # nothing of the user's is called twice
    kwargs.pop("overwrite_input", None)
    try:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)
    except (ArithmeticError, LookupError, TypeError, ValueError, Warning):
        return None


def _items(x: Any) -> Iterator[Any]:
    """Yield what is in nested tuples and lists."""
    if isinstance(x, (tuple, list)):
        for item in x:
            yield from _items(item)
    else:
        yield x


def _is_matrix(y: Any) -> bool:
    return isinstance(y, (Tracer, np.ndarray)) and y.ndim > 1


def _lie_otherwise(values: Any) -> bool:
    """Tell whether one of these arrays does not lie by rows, gaps aside."""
    arrays = map(array_behind, _items(values))
    return any(
        type(x) is np.ndarray and x.ndim > 1 and not x.flags.c_contiguous and not _is_by_rows(x)
        for x in arrays
    )


def _is_by_rows(x: np.ndarray[Any, Any]) -> bool:
    steps = [step for step, n in zip(x.strides, x.shape, strict=True) if n > 1]
    return all(step > 0 for step in steps) and steps == sorted(steps, reverse=True)


def _as(y: Any, model: Any) -> Any:
    """Return ``y`` as it is, or a copy that lies as the model does, axis by axis."""
    if not _is_matrix(y) or not isinstance(model, np.ndarray) or model.size == 0:
        return y
    axes = _axes_of(model)
    if axes == _axes_of(array_behind(y)) or y.shape != model.shape:
        return y
    copy = np.copy(np.transpose(y, axes), order="C")
    return np.transpose(copy, np.argsort(axes))


def _axes_of(x: np.ndarray[Any, Any]) -> list[int]:
    """Return the axes as they follow each other in memory; those of one place stay as they are."""
    long = [k for k in range(x.ndim) if x.shape[k] > 1]
    order = iter(sorted(long, key=lambda k: -abs(x.strides[k])))
    return [next(order) if k in long else k for k in range(x.ndim)]
