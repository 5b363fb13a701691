"""What happens when NumPy hands one of its functions over because an argument is traced."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._core import (
    CUTS,
    STRICT,
    TABLE,
    Composite,
    Primitive,
    Tracer,
    note_cut,
    plain,
    top_trace,
)
from ..errors import MutationError, UnsupportedError
from ..rules import indexing, load
from .composed import as_numpys, in_order

Entry = Callable[..., Any]


class _Entries(dict[Any, Entry]):
    """NumPy function -> what to call instead; made at first use, from the table."""

    def __missing__(self, function: Any) -> Entry:
        load()
        rule = TABLE.get(function)
        if rule is None:
            raise unsupported(function)
        entry = self[function] = _entry(rule)
        return entry


ENTRIES = _Entries()


def unsupported(function: Any) -> UnsupportedError:
    """Make the error for a function without a rule."""
    name = getattr(function, "__name__", str(function))
    module = getattr(function, "__module__", None) or _home_of_ufunc(function, name)
    return UnsupportedError(
        f"{'.'.join(filter(None, (module, name)))} of a traced value: there is no derivative rule "
        "for it",
        f"express it by functions that have one (see docs/support.md), declare its derivative with "
        f"@cr.primitive, or call {name}(cr.stop_gradient(x)) if no derivative is wanted",
    )


def _home_of_ufunc(function: Any, name: str) -> str:
    """Return the module of a ufunc, which does not know it itself."""
    homes = ("numpy", "scipy.special")
    found = (home for home in homes if getattr(sys.modules.get(home), name, None) is function)
    return next(found, "")


def _entry(rule: Any) -> Entry:
    from .generate import generable, generate

    if rule.fn is np.where:
        return _where(generate(rule))
    if isinstance(rule, Primitive):
        return checked(generate(rule), rule.name) if generable(rule) else rule
    if isinstance(rule, Composite):
        return checked(_laid_out(rule, _watched(rule) if rule.kinks else rule.body), rule.name)
    entry: Entry = rule
    return entry


def _where(select: Entry) -> Entry:
    """Return ``np.where``, which with one argument is ``np.nonzero``."""

    @functools.wraps(select)
    def where(*args: Any) -> Any:
        return np.nonzero(plain(args[0])) if len(args) == 1 else select(*args)

    return where


def _watched(rule: Composite) -> Entry:
    """Return the body of a composite with kinks, watched by ``strict_kinks`` and ``why_zero``."""

    @functools.wraps(rule.body)
    def body(*args: Any, **kwargs: Any) -> Any:
        if STRICT.notify is not None:
            STRICT.notify(rule, args, kwargs)
        result = rule.body(*args, **kwargs)
        if CUTS.notify is not None and not _has_tracer(result):
            note_cut(rule.name, args)
        return result

    return body


def _laid_out(rule: Composite, body: Entry) -> Entry:
    """Return the body with results that lie in memory as NumPy's own do."""

    @functools.wraps(body)
    def call(*args: Any, **kwargs: Any) -> Any:
        return as_numpys(rule.fn, body(*args, **kwargs), args, kwargs)

    return call


def checked(function: Entry, name: str) -> Entry:
    """Return the function with its calls explained when their arguments do not fit."""
    signature = inspect.signature(function)
    if all(p.default is p.empty for p in signature.parameters.values()):
        return function  # a ufunc: NumPy has checked the call

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError:
            explain_call(signature, name, args, kwargs)
            raise

    return call


def explain_call(signature: Any, name: str, args: Any, kwargs: Any) -> None:
    """Raise the clear error if it was the call that did not fit the rule."""
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise UnsupportedError(
            f"The derivative rule of {name} does not cover this call: {error}",
            f"call it as {name}{signature}",
        ) from None


def call_function(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call a NumPy function of which an argument is traced."""
    mutator = indexing.MUTATORS.get(function)
    if mutator is not None:
        return _mutate(function, mutator, args, kwargs)
    maker = _MAKERS.get(function)
    if maker is not None:
        return maker(function, args, kwargs)
    if function is np.astype and kwargs:
        return args[0].astype(*args[1:], **kwargs)
    out = kwargs.get("out")
    if out is not None:
        kwargs = {key: value for key, value in kwargs.items() if key != "out"}
        return _assign_out(out, ENTRIES[function](*args, **kwargs), function)
    if "out" in kwargs:
        kwargs = {key: value for key, value in kwargs.items() if key != "out"}
    return ENTRIES[function](*args, **kwargs)


def _assign_out(out: Any, result: Any, function: Any) -> Any:
    if not isinstance(out, Tracer):
        if not _has_tracer(result):
            out[...] = result
            return out
        raise plain_destination(function.__name__, "out=")
    return out.assign(result)


def _has_tracer(x: Any) -> bool:
    if isinstance(x, (tuple, list)):
        return any(_has_tracer(item) for item in x)
    return isinstance(x, Tracer)


def plain_destination(name: str, how: str) -> MutationError:
    """Make the error for a traced result that would go into a plain array."""
    return MutationError(
        f"np.{name} would write a traced value into a plain array ({how}), "
        "which would lose its derivative",
        "write into an array that is traced too (np.zeros_like(x) of a traced x), or use the "
        "returned value: y = y + x instead of y += x",
    )


def _mutate(function: Any, mutator: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    """Perform a mutating function as a store."""
    arguments = inspect.signature(mutator).bind(*args, **kwargs)
    target = next(iter(arguments.arguments.values()))
    if not isinstance(target, Tracer):
        raise plain_destination(function.__name__, "its first argument")
    index, value = mutator(*args, **kwargs)
    target[index] = value


def call_ufunc(ufunc: Any, method: str, inputs: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call a ufunc with keywords, or one of its methods."""
    kwargs = dict(kwargs)
    out = kwargs.pop("out", None)
    out = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    where = kwargs.pop("where", True)
    if method == "at":
        return _at(ufunc, *inputs)
    if method != "__call__":
        return _reduce(ufunc, method, inputs, kwargs, out, where)
    destination = out is not None and not isinstance(out, Tracer)
    if destination and top_trace(inputs) is not None:
        raise plain_destination(ufunc.__name__, "out=")
    order = kwargs.pop("order", "K")
    for default in ("casting", "subok"):
        kwargs.pop(default, None)
    if kwargs.get("dtype") is None:
        kwargs.pop("dtype", None)
    if kwargs and ufunc.signature is not None:  # axis= and the like of np.vecdot
        result = ENTRIES[ufunc](*inputs, **kwargs)
        return result if out is None else _assign_out(out, result, ufunc)
    if kwargs:
        raise UnsupportedError(
            f"np.{ufunc.__name__} of a traced value does not take {', '.join(kwargs)}",
            "convert the result with .astype(...)",
        )
    if out is None:
        if where is not True:
            raise UnsupportedError(
                f"np.{ufunc.__name__}(..., where=...) without out= leaves elements undefined",
                "give out=, or write np.where(condition, f(x), other)",
            )
        return in_order(ENTRIES[ufunc](*inputs), order)
    if destination:  # only where= is traced
        return ufunc(*inputs, out=out, where=plain(where))
    if where is True:
        result = ENTRIES[ufunc](*inputs)
    else:
        with np.errstate(all="ignore"):  # the elements that are not selected
            result = np.where(plain(where), ENTRIES[ufunc](*inputs), out)
    if np.shape(result) != out.shape:
        result = np.broadcast_to(result, out.shape)
    return _assign_out(out, result, ufunc)


def _reduce(ufunc: Any, method: str, inputs: Any, kwargs: Any, out: Any, where: Any) -> Any:
    from ..rules import reductions

    if method == "outer":
        a, b = inputs
        kwargs |= {} if out is None else {"out": out}
        return call_ufunc(
            ufunc,
            "__call__",
            (np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b),
            kwargs if where is True else {**kwargs, "where": where},
        )
    function = reductions.UFUNC_METHODS.get((ufunc, method))
    if function is None:
        raise UnsupportedError(
            f"np.{ufunc.__name__}.{method} of a traced value has no derivative rule",
            "use the NumPy function (np.sum for np.add.reduce), or a loop",
        )
    if where is not True:
        kwargs["where"] = where
    if kwargs.get("dtype", 0) is None:
        del kwargs["dtype"]
    result = as_numpys(getattr(ufunc, method), function(*inputs, **kwargs), inputs, kwargs)
    return result if out is None else _assign_out(out, result, ufunc)


def _at(ufunc: Any, target: Any, index: Any, value: Any = None) -> None:
    """Perform ``np.add.at`` and ``np.subtract.at``, which accumulate."""
    if not isinstance(target, Tracer):
        raise plain_destination(f"{ufunc.__name__}.at", "its first argument")
    if ufunc not in (np.add, np.subtract):
        raise UnsupportedError(
            f"np.{ufunc.__name__}.at of a traced value has no derivative rule",
            "use np.add.at, or a loop",
        )
    shape = np.broadcast_to(np.False_, target.shape)[index].shape
    if not isinstance(value, Tracer):
        value = np.asarray(value, dtype=target.dtype)
    spread = np.broadcast_to(value, shape)
    added = indexing.scatter_add(spread, index, target.shape)
    target.assign(ufunc(target, added))


# -- functions that make arrays --------------------------------------------------------------------


def _make(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Make an array like a traced one (``np.zeros_like(x)``), to be stored into."""
    top = top_trace([*args, *kwargs.values()])

    def inner(x: Any) -> Any:
        return x.current().value if isinstance(x, Tracer) and x.scope is top else x

    value = function(*map(inner, args), **{key: inner(x) for key, x in kwargs.items()})
    return _traced_if_inexact(top, value)


def make_like(tracer: Any, function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Perform ``function(*args, like=tracer)``."""
    if function is np.full:
        shape, fill, *rest = args
        dtype = kwargs.get("dtype", rest[0] if rest else None)
        empty = tracer.scope.constant(np.zeros(shape, dtype or fill.dtype))
        empty[...] = fill
        return empty
    return _traced_if_inexact(tracer.scope, function(*args, **kwargs))


def _traced_if_inexact(trace: Any, value: Any) -> Any:
    return trace.constant(value) if value.dtype.kind in "fc" else value


_MAKERS: dict[Any, Any] = dict.fromkeys((np.zeros_like, np.ones_like, np.empty_like), _make)
LIKE: frozenset[Any] = frozenset(
    (np.zeros, np.ones, np.empty, np.full, np.eye, np.identity, np.arange, np.tri)
)
"""Functions that NumPy hands over because of their ``like=`` argument."""
