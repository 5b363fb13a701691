"""What derivatives are measured against: differences of functions of containers.

A function's arguments and result may be any nesting of dicts, lists, tuples, namedtuples and
dataclasses. Their float and complex parts, in order, make one real vector; the rest (integers,
strings, functions, generators) is handed on unchanged. Every call gets its own copy of all
arguments, so that a function may change them.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.source.derived import Pullback
from chainrule.source.products import pull, pullback_of, push, spread, tangent_of
from chainrule.source.program import compile_

Function = Callable[..., Any]

RTOL = 1e-8
"""Of a first derivative. Differences of a function of size 1 with a smallest step of 2**-11 lose
eps * 2**11, about 5e-13, to rounding; what is cut off, of order step**6 = 2**-54, is nothing. The
programs amplify both, by factors that stay below 1e4 at their example arguments."""

RTOL_SECOND = 1e-6
"""Of a second derivative: differences of an exact first one, whose rounding is amplified again."""


# -- containers and vectors ------------------------------------------------------------------------


def _is_number(leaf: Any) -> bool:
    return isinstance(leaf, (float, complex)) or (
        isinstance(leaf, (np.ndarray, np.generic)) and leaf.dtype.kind in "fc"
    )


def map_tree(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return a container of the same structure, ``function`` applied to each float leaf."""
    if isinstance(tree, dict):
        return {key: map_tree(function, value) for key, value in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(map_tree(function, item) for item in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(map_tree(function, item) for item in tree)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        made = copy.copy(tree)
        for field in dataclasses.fields(tree):
            value = map_tree(function, getattr(tree, field.name))
            object.__setattr__(made, field.name, value)  # a frozen one too: the copy is ours
        return made
    return function(tree) if _is_number(tree) else copy.deepcopy(tree)


def numbers_of(tree: Any) -> list[Any]:
    """Return the float and complex leaves of a container, in order."""
    found: list[Any] = []
    map_tree(found.append, tree)
    return found


def copied(tree: Any) -> Any:
    """Return a container with arrays of its own."""
    return map_tree(copy.deepcopy, tree)


def vector(tree: Any) -> Any:
    """Return the float leaves as one real vector; complex ones give real parts, then imaginary."""
    parts = [np.zeros(0)]
    for leaf in numbers_of(tree):
        leaf = np.asarray(leaf)
        parts.append(np.real(leaf).ravel().astype(float))
        if leaf.dtype.kind == "c":
            parts.append(np.imag(leaf).ravel().astype(float))
    return np.concatenate(parts)


def _as_leaf(values: Any, leaf: Any) -> Any:
    """Give a float64 or complex128 array the kind of ``leaf``: number, NumPy scalar or array."""
    if isinstance(leaf, np.ndarray):
        return values
    return values[()] if isinstance(leaf, np.generic) else values.item()


def filled(tree: Any, values: Any) -> Any:
    """Return a container like ``tree`` whose numbers are those of a real vector (as float64)."""
    rest = iter(np.split(values, np.cumsum(_lengths(tree))[:-1])) if _lengths(tree) else iter(())

    def fill(leaf: Any) -> Any:
        part = next(rest)
        if np.iscomplexobj(leaf):
            part = part[: part.size // 2] + 1j * part[part.size // 2 :]
        return _as_leaf(np.array(part).reshape(np.shape(leaf)), leaf)

    return map_tree(fill, tree)


def _lengths(tree: Any) -> list[int]:
    return [np.size(leaf) * (2 if np.iscomplexobj(leaf) else 1) for leaf in numbers_of(tree)]


def inner(a: Any, b: Any) -> float:
    """Real inner product of two containers of the same structure."""
    return float(vector(a) @ vector(b))


def random_like(rng: np.random.Generator, tree: Any) -> Any:
    """Return a container like ``tree`` with random numbers of the same kinds and dtypes."""

    def draw(leaf: Any) -> Any:
        t = np.array(rng.uniform(-1, 1, np.shape(leaf)))
        if np.iscomplexobj(leaf):
            t = t + 1j * rng.uniform(-1, 1, np.shape(leaf))
        return _as_leaf(np.asarray(t, np.asarray(leaf).dtype), leaf)

    return map_tree(draw, tree)


def zeros(tree: Any) -> Any:
    """Return a container like ``tree`` of zeros."""
    return map_tree(lambda leaf: leaf * 0, tree)


# -- derivatives -----------------------------------------------------------------------------------


def restricted(function: Function, args: Sequence[Any], wrt: Sequence[int]) -> Function:
    """Return the map from the vector of the ``wrt`` arguments to the vector of the result."""
    chosen = tuple(args[i] for i in wrt)

    def of_vector(x: Any) -> Any:
        given = list(copied(tuple(args)))
        for i, value in zip(wrt, filled(chosen, x), strict=True):
            given[i] = value
        return vector(function(*given))

    return of_vector


def along(function: Function, args: Sequence[Any], wrt: Sequence[int], t: Any, step: float) -> Any:
    """Derivative of the result's vector along the vector ``t``.

    Central differences at three steps, extrapolated: the errors of order 2 and 4 cancel.
    """
    f = restricted(function, args, wrt)
    x = vector([args[i] for i in wrt])
    d = []
    for h in (step, step / 2, step / 4):
        d.append((f(x + h * t) - f(x - h * t)) / (2 * h))
    d = [(4 * fine - coarse) / 3 for coarse, fine in itertools.pairwise(d)]
    return (16 * d[1] - d[0]) / 15


def bend(function: Function, args: Sequence[Any], wrt: Sequence[int], t: Any, step: float) -> Any:
    """Second difference along ``t``, extrapolated once; it grows with 1/step at a kink."""
    f = restricted(function, args, wrt)
    x = vector([args[i] for i in wrt])
    d = [(f(x + h * t) - 2 * f(x) + f(x - h * t)) / h**2 for h in (step, step / 2)]
    return (4 * d[1] - d[0]) / 3


def complex_step(function: Function, args: Sequence[Any], wrt: Sequence[int], t: Any) -> Any:
    """Derivative along ``t`` of an analytic function of real arguments, without cancellation."""
    moves = filled([args[i] for i in wrt], t)
    given = list(copied(tuple(args)))
    for i, move in zip(wrt, moves, strict=True):
        rest = iter(numbers_of(move))
        given[i] = map_tree(lambda leaf, rest=rest: leaf + 1e-40j * next(rest), given[i])
    leaves = [np.imag(leaf).ravel() for leaf in numbers_of(function(*given))]
    return np.concatenate(leaves) / 1e-40


# -- comparing -------------------------------------------------------------------------------------


def assert_close(found: Any, expected: Any, what: str, rtol: float = RTOL) -> None:
    """Compare two vectors, with a tolerance relative to their largest entry."""
    found, expected = np.atleast_1d(found), np.atleast_1d(expected)
    assert found.shape == expected.shape, f"{what}: {found.shape} is not {expected.shape}"
    error = np.max(np.abs(found - expected), initial=0)
    size = max(1.0, np.max(np.abs(expected), initial=0))
    assert error <= rtol * size, f"{what}: off by {error:.2e}\n{found}\nis not\n{expected}"


def shape_of(tree: Any) -> list[tuple[Any, ...]]:
    """Return shape and dtype of every float leaf."""
    return [(np.shape(leaf), np.asarray(leaf).dtype) for leaf in numbers_of(tree)]


def fingerprint(tree: Any) -> Any:
    """Return what two equal containers have in common, to the last bit, integers included."""
    if isinstance(tree, dict):
        return {key: fingerprint(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [fingerprint(item) for item in tree]
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return [fingerprint(getattr(tree, field.name)) for field in dataclasses.fields(tree)]
    if isinstance(tree, (np.ndarray, np.generic)):
        return tree.shape, tree.dtype, tree.tobytes()
    return repr(tree.bit_generator.state) if isinstance(tree, np.random.Generator) else repr(tree)


def leaves_share_memory(a: Any, b: Any) -> bool:
    """Tell whether an array of one container overlaps an array of another."""
    pairs: Iterator[tuple[Any, Any]] = itertools.product(numbers_of(a), numbers_of(b))
    return any(np.shares_memory(x, y) for x, y in pairs)


# -- the engine under test -------------------------------------------------------------------------


class Compiled:
    """The program of a function and its derivatives by the float parts of some arguments."""

    def __init__(self, function: Function, args: Sequence[Any], wrt: Sequence[int]) -> None:
        self.program = compile_(function)
        self.args = args
        names = [self.program.binder.names[i] for i in wrt]
        leaves = self.program.places(self.values(args))
        self.places = [place for place, x in leaves if place[0] in names and _is_number(x)]
        key = ("pullback", *self.places)
        self.adjoint = self.program.derived(key, lambda: Pullback(self.program, self.places))

    def values(self, args: Sequence[Any]) -> list[Any]:
        """Return a value for each parameter."""
        return list(self.program.binder(tuple(args), {}))

    def push(self, args: Sequence[Any], tangents: Any) -> tuple[Any, Any]:
        """Return the result and its tangent."""
        return push(self.program, self.values(args), self.places, numbers_of(tangents))

    def pull(self, args: Sequence[Any], ct: Any) -> tuple[Any, list[Any]]:
        """Return the result and the cotangents, a flat list."""
        y, cts = pullback_of(self.program, self.places).call([*self.values(args), ct])
        return y, list(cts)

    def push_of_pull(self, args: Sequence[Any], ct: Any, tangents: Any) -> list[Any]:
        """Return the tangents of the cotangents: forward over reverse."""
        values = [*self.values(args), ct]
        _, (_, cts_dot) = push(self.adjoint, values, self.places, numbers_of(tangents))
        return list(cts_dot)

    def pull_of_push(self, args: Sequence[Any], ct: Any, tangents: Any) -> list[Any]:
        """Return the cotangents of the tangent: reverse over forward."""
        values = self.values(args)
        dots = spread(self.program, values, self.places, numbers_of(tangents))
        pushed = tangent_of(self.program, self.places)
        return list(pull(pushed, [*values, *dots], self.places, (zeros(ct), ct)))

    def pull_of_pull(self, args: Sequence[Any], ct: Any, tangents: Any) -> list[Any]:
        """Return the cotangents of the cotangents: reverse over reverse."""
        weights = (zeros(ct), tuple(numbers_of(tangents)))
        return list(pull(self.adjoint, [*self.values(args), ct], self.places, weights))

    def texts(self, ct: Any) -> dict[str, Any]:
        """Return what was made of the function: primal, tangent, adjoint, by name."""
        values = self.values(self.args)
        return {
            "primal": self.program.specialised(values),
            "tangent": tangent_of(self.program, self.places).specialised(values),
            "adjoint": self.adjoint.specialised([*values, ct]),
        }

    def guarded(self, ct: Any) -> Any:
        """Return the adjoint that is run where the other one meets 0 * inf."""
        return self.adjoint.made([*self.values(self.args), ct], True)
