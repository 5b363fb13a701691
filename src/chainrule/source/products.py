"""The two products of a Program: with a tangent, and of a cotangent with it; of derivatives too."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from ..errors import UnsupportedError
from .derived import Adjoint, Derived, Gradient, Pullback, Tangent
from .primitive import as_before
from .program import Program
from .signature import Place, leaves, parts


def push(
    program: Program, values: Sequence[Any], places: Sequence[Place], dots: Sequence[Any]
) -> tuple[Any, Any]:
    """Return the result of a Program and its tangent, for tangents at some places."""
    made = tangent_of(program, places)
    return made.call([*values, *spread(program, values, places, dots)])  # type: ignore[no-any-return]


def tangent_of(program: Program, places: Sequence[Place]) -> Program:
    """Return the tangent of a Program, made once."""
    return program.derived(("tangent", *places), lambda: Tangent(program, places))


def spread(
    program: Program, values: Sequence[Any], places: Sequence[Place], given: Sequence[Any]
) -> list[Any]:
    """Put tangents of leaves into containers like the parameters, None elsewhere."""
    found = dict(zip(places, given, strict=True))
    names = dict.fromkeys(name for name, _ in places)
    by_name = dict(zip(program.binder.names, values, strict=True))
    return [_spread(by_name[name], name, (), found) for name in names]


def _spread(x: Any, name: str, path: tuple[Any, ...], found: dict[Place, Any]) -> Any:
    inside = None if (name, path) in found else parts(x)
    if inside is None:
        return found.get((name, path))
    members = [
        (key, _spread(value, name, (*path, (kind, key)), found)) for (kind, key), value in inside
    ]
    if isinstance(x, dict):
        return dict(members)
    if isinstance(x, (list, tuple)):
        return [value for _, value in members]
    return SimpleNamespace(**dict(members))


def pull(
    program: Program, values: Sequence[Any], places: Sequence[Place], ct: Any
) -> Sequence[Any]:
    """Return the cotangents at some places for a cotangent of the result of a Program.

    ``ct`` has the containers of the result. Of an adjoint program this is the reverse of a reverse
    sweep; second derivatives being symmetric, it comes down to tangents of adjoints. Generators
    among the values stay as they are: whatever runs draws the same numbers.
    """
    if isinstance(program, Gradient):
        return _pull_gradient(program, values, places, ct)
    if isinstance(program, Pullback):
        return _pull_pullback(program, values, places, ct)
    if isinstance(program, Tangent) and is_adjoint(program.base):
        return _pull_tangent(program, values, places, ct)
    cts: Sequence[Any] = pullback_of(program, places).call([*as_before(values), ct])[1]
    return cts


def pullback_of(program: Program, places: Sequence[Place]) -> Program:
    """Return the pullback of a Program, made once; of an adjoint, the tangent that stands for it.

    Second derivatives are symmetric: what pulls back through a gradient is a tangent of it.
    """
    if is_adjoint(program):
        return tangent_of(program, places)
    return program.derived(("pullback", *places), lambda: Pullback(program, places))


def is_adjoint(program: Program) -> bool:
    """Tell whether a program has a reverse sweep, which is not reversed once more."""
    while isinstance(program, Derived):
        if isinstance(program, Adjoint):
            return True
        program = program.base
    return False


def _pull_gradient(
    program: Gradient, values: Sequence[Any], places: Sequence[Place], ct: Any
) -> Sequence[Any]:
    _, has_aux, with_value = program.options
    given = program.gradients(ct) if program.derivatives_in(ct) is not None else []
    given = given or [None] * len(program.places_of)
    leaf_places, dots = [], []
    for (name, path), weights in zip(program.places_of, given, strict=True):
        for inner, weight in leaves(weights):
            if weight is not None:
                leaf_places.append((name, (*path, *inner)))
                dots.append(weight)
    other = with_value_by(program, places)
    cts: Sequence[Any]
    (_, gradients), (_, cts) = push(other, as_before(values), leaf_places, dots)
    if with_value:
        c = ct[0][0] if has_aux else ct[0]
        cts = [t + c * g for t, g in zip(cts, gradients, strict=True)]
    return cts


def with_value_by(program: Gradient, places: Sequence[Place]) -> Gradient:
    """Return value and gradient by other places, of the function behind a gradient."""
    base, has_aux = program.base, program.options[1]
    made = base.derived(
        ("gradient", *places, "all", has_aux),
        lambda: Gradient(base, places, has_aux=has_aux, with_value=True),
    )
    assert isinstance(made, Gradient)
    return made


def _pull_tangent(
    program: Tangent, values: Sequence[Any], places: Sequence[Place], ct: Any
) -> Sequence[Any]:
    """Transpose the linear map from tangents to tangents: that is the pullback of the base."""
    base = program.base
    roles = dict(
        zip(program.binder.names[len(base.binder.names) :], program.parameters, strict=True)
    )
    if any(name not in roles for name, _ in places):
        raise UnsupportedError(
            f"A third derivative of {program.__name__} by reverse mode over second derivatives",
            "take the third derivative by cr.jvp",
        )
    return pull(base, program.below(values), [(roles[name], path) for name, path in places], ct[1])


def _pull_pullback(
    program: Pullback, values: Sequence[Any], places: Sequence[Place], ct: Any
) -> Sequence[Any]:
    base, inner, role = program.base, program.below(values), program.binder.names[-1]
    y_ct, weights = ct
    by_inputs = [p for p in places if p[0] != role]
    pairs = [(p, w) for p, w in zip(program.places_of, weights, strict=True) if w is not None]
    leaf_places, dots = [p for p, _ in pairs], [w for _, w in pairs]
    found: dict[Place, Any] = {}
    if by_inputs:
        other = pullback_of(base, by_inputs)
        _, (_, cts) = push(other, as_before(values), leaf_places, dots)
        more = pull(base, inner, by_inputs, y_ct)
        found |= {p: a + b for p, a, b in zip(by_inputs, cts, more, strict=True)}
    if len(by_inputs) < len(places):
        _, y_dots = push(base, as_before(inner), leaf_places, dots)
        by_path = {(role, path): dot for path, dot in leaves(y_dots)}
        found |= {p: by_path[p] for p in places if p[0] == role}
    return [found[p] for p in places]
