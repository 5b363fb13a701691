"""Result types of calls, found by calling the function on small samples of its argument types.

So NumPy itself says what dtype, what number of dimensions and whether a scalar comes out. Sizes
follow from calling it with different sizes and mapping what comes out back to the symbols;
elementwise functions and products of matrices have rules of their own.
"""

from __future__ import annotations

import contextlib
import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..rules.indexing import scatter_add, setitem
from . import sizes
from .ir import Call, Dim, Expr, Lit, Seq, Slice
from .samples import ANY_INTEGER, Sized, array_of, array_of_list, sample
from .types import INT, Size, Type, broadcast_sizes, is_several, of_any_size, type_of, unknown_size

Spec = Any
"""Of an argument: a ``Type``, ``Sized``, a literal, or a tuple, list or slice of specs."""

_cache: dict[Any, Any] = {}
_LIMIT = 20_000

# Assignments of numbers to atoms: a size is what fits them all. The third is for sizes that depend
# on integer variables, of which a product may be the same twice.
_NUMBERS = (
    (7, 11, 13, 5, 3, 17, 2, 19),
    (10, 9, 8, 6, 5, 12, 14, 15),
    (12, 14, 9, 11, 16, 8, 21, 18),
)
_FURTHER = ((2, 8, 25, 60, 3, 5), (60, 25, 8, 2, 5, 3), (2,))
"""Further numbers, to confirm what fits: the first are smallest, or largest, or all are small."""
_LARGE = 64
_MANY = 100_000
"""From so many elements on a call takes its time."""

DATA_SIZED = frozenset(
    {
        *(np.nonzero, np.flatnonzero, np.argwhere, np.extract, np.compress, np.delete),
        *(np.unique, np.unique_counts, np.unique_values, np.unique_inverse, np.unique_all),
        *(np.union1d, np.intersect1d),
        *(np.setdiff1d, np.setxor1d, np.trim_zeros, np.bincount, np.arange),
    }
)
"""Functions whose sizes depend on the numbers in their arguments."""


def spec_of(expr: Expr) -> Spec:
    """Return what an expression is known to be."""
    if isinstance(expr, Lit):
        return expr.value
    if isinstance(expr, Dim):
        return Sized(expr.base.type.sizes[expr.axis])
    if isinstance(expr, Seq):
        items = [spec_of(item) for item in expr.items]
        return tuple(items) if expr.kind == "tuple" else items
    if isinstance(expr, Slice):
        parts = (expr.start, expr.stop, expr.step)
        return slice(*(None if part is None else spec_of(part) for part in parts))
    if isinstance(expr, Call) and expr.type == INT and expr.fn in _INTEGER:
        operands = [spec_of(arg) for arg in expr.args]
        if all(isinstance(x, int | Sized) for x in operands):
            return Sized(_INTEGER[expr.fn](*(x.size if type(x) is Sized else x for x in operands)))
    return expr.type


_INTEGER: dict[Any, Callable[..., Size]] = {
    np.add: sizes.add,
    np.subtract: lambda a, b: sizes.add(a, b, -1),
    np.multiply: sizes.multiply,
}


def call(fn: Callable[..., Any], *args: Expr, **kwargs: Expr) -> Call:
    """Make a call of one result, its type found from its arguments."""
    found = result_type(fn, [spec_of(a) for a in args], {k: spec_of(v) for k, v in kwargs.items()})
    return Call(found, fn, args, tuple(kwargs.items()))


def result_type(
    fn: Callable[..., Any], args: Sequence[Spec], kwargs: dict[str, Spec] | None = None
) -> Any:
    """Return the ``Type`` of a result, or a tuple (list, namedtuple) of them.

    Raises whatever the function raises when it is called on samples of these types.
    """
    kwargs = kwargs or {}
    key = _key((fn, args, kwargs))
    found = None if key is None else _cache.get(key)
    if found is None:
        made = _find(fn, args, kwargs)
        found = made, _own_sizes(fn, made, [args, [*kwargs.values()]])
        if len(_cache) > _LIMIT:
            _cache.clear()
        if key is not None:
            _cache[key] = found
    return _forget_sizes(*found) if found[1] else found[0]


def _key(x: Any) -> Any:
    """Return a hashable stand-in, None if there is none (a generator, an array)."""
    if isinstance(x, list | tuple):
        keys = tuple(_key(item) for item in x)
        return None if None in keys else (type(x), keys)
    if isinstance(x, dict):
        return _key([*x, *x.values()])
    if isinstance(x, slice):
        return _key((slice, x.start, x.stop, x.step))
    if isinstance(x, np.ndarray):
        return None
    try:
        hash(x)
    except TypeError:
        return None
    return (type(x), repr(x) if isinstance(x, float | complex) else x)


def _own_sizes(fn: Any, found: Any, given: Any) -> set[Size]:
    """Return the sizes that each call has anew: of the same types it may be given other numbers."""
    unknown = {n for n in _types_in(found) if isinstance(n, str) and not is_several(n)}
    return {*_types_in(found)} if fn in DATA_SIZED else unknown.difference(_types_in(given))


def _forget_sizes(found: Any, own: set[Size]) -> Any:
    if isinstance(found, Type):
        return replace(found, sizes=tuple(unknown_size() if n in own else n for n in found.sizes))
    items = [_forget_sizes(item, own) for item in found]
    return type(found)(*items) if hasattr(found, "_fields") else type(found)(items)


def _find(fn: Any, args: Sequence[Spec], kwargs: dict[str, Spec]) -> Any:
    args = [array_of_list(a) for a in args] if fn in _BROADCAST else args
    types = [a if type(a) is Type else INT if type(a) is Sized else type_of(a) for a in args]
    plain = all(type(a) in (Type, Sized, int, float, complex, bool, np.ndarray) for a in args)
    is_ufunc = isinstance(fn, np.ufunc) and fn.nout == 1
    if (is_ufunc or fn in _BROADCAST) and plain and not set(kwargs) - {"dtype"}:
        if not is_ufunc or fn.signature is None:
            return _elementwise(fn, args, types, kwargs)
        if fn is np.matmul:
            return _product(fn, types[0], types[1])
    if fn is np.dot and plain:
        return _product(fn, types[0], types[1])
    if fn in _SAME and types[0].is_array and not kwargs:
        return types[0]
    if fn is scatter_add.fn:
        return Type("array", types[0].dtype, _shape(args[2]))
    if fn in (np.reshape, np.broadcast_to) and types[0].is_array and len(args) == 2:
        return _reshaped(fn, types[0], args[1])
    return _sampled(fn, args, kwargs)


# ------------------------------------------------------------------------- own rules for sizes


def _elementwise(fn: Any, args: Sequence[Any], types: list[Type], kwargs: dict[str, Any]) -> Type:
    small = [
        array_of(t.dtype, (1,) * t.ndim) if t.is_array else sample(t if type(a) is Sized else a, {})
        for a, t in zip(args, types, strict=True)
    ]
    found = type_of(_quietly(fn, small, {k: sample(v, {}) for k, v in kwargs.items()}))
    if not found.is_array:
        return found
    return Type("array", found.dtype, broadcast_sizes(*(t.sizes for t in types)))


def _product(fn: Any, a: Type, b: Type) -> Type:
    """Types of ``a @ b`` and ``np.dot(a, b)``; the summed axes may have different symbols."""
    small = [array_of(t.dtype, (1,) * t.ndim) if t.is_array else sample(t, {}) for t in (a, b)]
    found = type_of(_quietly(fn, small, {}))
    if not found.is_array:
        return found
    if a.ndim == 0 or b.ndim == 0:
        return Type("array", found.dtype, a.sizes or b.sizes)
    left, right = a.sizes[:-1], (*b.sizes[:-2], *b.sizes[max(b.ndim - 1, 1) :])
    if fn is np.matmul:
        stack = broadcast_sizes(a.sizes[:-2], b.sizes[:-2])
        left, right = (*stack, *a.sizes[-2:-1]), b.sizes[max(b.ndim - 1, 1) :]
    return Type("array", found.dtype, (*left, *right))


_BROADCAST = frozenset({np.where, np.clip, np.isclose})
"""Functions that broadcast their arguments as ufuncs do."""

_SAME = frozenset(
    {
        *(setitem.fn, np.copy, np.ndarray.copy, np.flip, np.flipud, np.fliplr, np.roll),
        *(np.tril, np.triu),
        *(np.fft.fftshift, np.fft.ifftshift, np.zeros_like),
    }
)
"""Functions whose result has the type of their first argument, an array."""


def _shape(shape: Any) -> tuple[Size, ...]:
    return tuple(_size(n) for n in (shape if isinstance(shape, list | tuple) else (shape,)))


def _reshaped(fn: Any, a: Type, shape: Any) -> Type:
    parts = list(_shape(shape))
    if -1 in parts and fn is np.reshape:
        rest = sizes.product(tuple(n for n in parts if n != -1))
        quotient = sizes.divide(sizes.product(a.sizes), rest)
        parts[parts.index(-1)] = unknown_size() if quotient is None else quotient
    return Type("array", a.dtype, tuple(parts))


def _size(n: Any) -> Size:
    """Return the size that an integer argument stands for."""
    if isinstance(n, Sized):
        return sizes.clip(n.size)
    return unknown_size() if isinstance(n, Type) else int(n)


# ------------------------------------------------------------------------------------ sampling


def _sampled(fn: Any, args: Sequence[Spec], kwargs: dict[str, Spec]) -> Any:
    everything = [*_types_in(args), *_types_in(list(kwargs.values()))]
    variable = [size for size in dict.fromkeys(everything) if sizes.integers(size)]
    constant = [size for size in dict.fromkeys(everything) if size not in variable]
    found_atoms = list(dict.fromkeys(a for size in constant for a in _atoms(size)))
    results: list[tuple[dict[Any, int], Any]] = []
    for values in _assignments(found_atoms, variable, _has_integer([*args, *kwargs.values()])):
        try:
            results.append((values, _call_sample(fn, args, kwargs, values)))
        except Exception as error:  # sizes that do not fit: try again with equal ones
            atoms = [*found_atoms, *variable]
            return _with_equal_sizes(fn, args, kwargs, atoms, everything, error)
    arrays = list(_array_types([*args, *kwargs.values()]))
    for values in _further_assignments(found_atoms, variable):
        with contextlib.suppress(Exception):  # they need not fit
            if all(sizes.evaluate(sizes.product(t.sizes), values) < _MANY for t in arrays):
                results.append((values, _call_sample(fn, args, kwargs, values)))
    candidates = [s for s in dict.fromkeys(everything) if not isinstance(s, int)]
    whole = [sizes.product(t.sizes) for t in _array_types(args) if t.ndim > 1]
    candidates += [size for size in whole if sizes.is_numbered(size, results[0][0])]
    return _combine([values for values, _ in results], [x for _, x in results], candidates)


def _assignments(atoms: list[Any], variable: list[Size], integers: bool) -> list[dict[Any, int]]:
    """Return the numbers for all sizes in each sample.

    ``integers``: there are others, of which nothing is known. The last sample differs from the
    first one in these alone, so that a size which comes from them fits nothing: it is unknown.
    """
    made = []
    for turn, numbers in enumerate(_NUMBERS if variable else _NUMBERS[:2], start=1):
        row = itertools.chain(numbers, itertools.count(43 + len(numbers)))
        values = dict(zip(atoms, row, strict=False)) | _numbered(variable, turn)
        made.append(values | {ANY_INTEGER: turn, "varied": turn - 1})
    return [*made, made[0] | {ANY_INTEGER: 2}] if integers else made


def _further_assignments(atoms: list[Any], variable: list[Size]) -> Iterator[dict[Any, int]]:
    """Yield more numbers: here those of integer variables are what other sizes follow from."""
    everything = dict.fromkeys([*atoms, *(a for size in variable for a in sizes.atoms(size))])
    for turn, numbers in enumerate(_FURTHER):
        yield dict(zip(everything, itertools.cycle(numbers), strict=False)) | {
            ANY_INTEGER: 3 - turn,
            "varied": turn,
        }


def _has_integer(specs: Any) -> bool:
    """Tell whether there is an integer of which nothing is known among specs."""
    if isinstance(specs, Type):
        return specs.is_number and specs.dtype is not None and specs.dtype.kind in "iu"
    if isinstance(specs, slice):
        specs = [specs.start, specs.stop, specs.step]
    return isinstance(specs, list | tuple) and any(map(_has_integer, specs))


_SMALL = ((1, 2, 2), (2, 1, 3), (1, 3, 1), (3, 1, 2), (2, 4, 3), (4, 2, 1))


def _numbered(variable: list[Size], turn: int) -> dict[Any, int]:
    """Number the sizes that depend on integer variables, each one for itself.

    Small numbers stand for the variables themselves, which may be indices.
    """
    small = iter(_SMALL)
    numbers: dict[Any, int] = {}
    for k, size in enumerate(variable):
        given = next(small, None) if sizes.is_integer(size) else None
        numbers[size] = given[turn - 1] if given is not None else 16 + 7 * k + 2 * turn
    return numbers


def _with_equal_sizes(
    fn: Any, args: Any, kwargs: Any, found: list[Any], everything: list[Size], error: Exception
) -> Any:
    """Call the function with one number for all atoms: divisible, that of another axis, large."""
    if not found:
        return _unsized(_call_sample(fn, args, kwargs, {}))
    others = [s for s in dict.fromkeys(everything) if isinstance(s, int) and 1 < s <= _LARGE]
    small = [size for size in found if sizes.is_integer(size)]
    whole = [size for size in everything if not isinstance(size, int)]
    tries = itertools.product((found, [*found, *whole]), (12, *others, _LARGE, 3, 2), (1, None))
    for atoms, number, integer in tries:
        values = dict.fromkeys(atoms, number) | dict.fromkeys(small, integer or number)
        try:
            return _unsized(_call_sample(fn, args, kwargs, values))
        except Exception as problem:
            error = problem
    raise error


def _atoms(size: Size) -> Iterator[Any]:
    if isinstance(size, int):
        if size > _LARGE:
            yield size
    else:
        yield from sizes.atoms(size)


def _call_sample(fn: Any, args: Sequence[Spec], kwargs: dict[str, Spec], values: Any) -> Any:
    sampled = [sample(a, values) for a in args]
    return _quietly(fn, sampled, {k: sample(v, values) for k, v in kwargs.items()})


def _quietly(fn: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return fn(*args, **kwargs)


def _types_in(specs: Any) -> Iterator[Size]:
    """Yield all sizes that occur in specs."""
    if isinstance(specs, Type):
        yield from specs.sizes
    elif isinstance(specs, Sized):
        yield specs.size
    elif isinstance(specs, list | tuple):
        yield len(specs)
        for spec in specs:
            yield from _types_in(spec)
    elif isinstance(specs, slice):
        yield from _types_in([specs.start, specs.stop, specs.step])


def _array_types(specs: Any) -> Iterator[Type]:
    if isinstance(specs, Type):
        yield specs
    elif isinstance(specs, list | tuple):
        for spec in specs:
            yield from _array_types(spec)


# --------------------------------------------------------------------- from samples to symbols


def _combine(values: list[Any], results: list[Any], candidates: list[Size]) -> Any:
    """Return the type that fits all sampled results."""
    first = results[0]
    if isinstance(first, tuple | list):
        items = [_combine(values, list(x), candidates) for x in zip(*results, strict=False)]
        return type(first)(*items) if hasattr(first, "_fields") else type(first)(items)
    found = type_of(first)
    if not found.is_array:
        return found
    shapes = zip(*(x.shape for x in results), strict=True)
    return Type("array", found.dtype, tuple(_symbol(ns, values, candidates) for ns in shapes))


def _symbol(ns: tuple[int, ...], values: list[Any], candidates: list[Size]) -> Size:
    """Return the size that was each of these numbers for the sizes of its sample."""

    def evaluated(size: Size) -> tuple[int, ...]:
        return tuple(sizes.evaluate(size, given) for given in values)

    for size in candidates:
        if evaluated(size) == ns:
            return sizes.clip(size)
    for size in (s for s in values[0] if isinstance(s, int)):
        if tuple(given[size] for given in values) == ns:
            return size
    if len(set(ns)) == 1:
        return ns[0]
    for size in candidates:
        shifts = {n - m for n, m in zip(ns, evaluated(size), strict=True)}
        shift = min(shifts)
        if len(shifts) == 1 and abs(shift) <= 4:
            return sizes.clip(sizes.add(size, shift))
    return unknown_size()


def _unsized(found: Any) -> Any:
    if isinstance(found, tuple | list):
        items = [_unsized(item) for item in found]
        return type(found)(*items) if hasattr(found, "_fields") else type(found)(items)
    made = type_of(found)
    return of_any_size(made)
