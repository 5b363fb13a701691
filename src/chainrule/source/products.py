"""The two products of a Program: with a tangent, and of a cotangent with it; of derivatives too."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from .derived import Adjoint, Cotangents, Derived, Gradient, Pullback, Tangent
from .helpers import opaque_jvp
from .primitive import as_before
from .program import Program
from .signature import Place, leaf_at, leaves, parts, replaced


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
    cts: Sequence[Any] = cotangents_of(program, places).call([*as_before(values), ct])
    return cts


def pullback_of(program: Program, places: Sequence[Place]) -> Program:
    """Return the pullback of a Program, made once; of an adjoint, the tangent that stands for it.

    Second derivatives are symmetric: what pulls back through a gradient is a tangent of it.
    """
    if is_adjoint(program):
        return tangent_of(program, places)
    return program.derived(("pullback", *places), lambda: Pullback(program, places))


def cotangents_of(program: Program, places: Sequence[Place]) -> Program:
    """Return the pullback of a Program that is no adjoint, without its result; made once."""
    return program.derived(("cotangents", *places), lambda: Cotangents(program, places))


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
    """Pull back through result and tangent of an adjoint.

    The map from tangents to tangents is linear: its transpose is the pullback of the base. By the
    inputs it is the derivative of that pullback along the tangents, derivatives being symmetric.
    """
    base, inner = program.base, program.below(values)
    roles = dict(
        zip(program.binder.names[len(base.binder.names) :], program.parameters, strict=True)
    )
    by_tangents = [place for place in places if place[0] in roles]
    by_inputs = [place for place in places if place[0] not in roles]
    found: dict[Place, Any] = {}
    if by_tangents:
        below = [(roles[name], path) for name, path in by_tangents]
        found |= zip(by_tangents, pull(base, inner, below, ct[1]), strict=True)
    if by_inputs:
        first = pull(base, inner, by_inputs, ct[0])
        along = _pulled_along(program, values, by_inputs, ct[1])
        found |= {p: a + b for p, a, b in zip(by_inputs, first, along, strict=True)}
    return [found[place] for place in places]


def _pulled_along(
    program: Tangent, values: Sequence[Any], places: Sequence[Place], ct: Any
) -> Sequence[Any]:
    """Return the derivative of the pullback of a tangent's base along the tangents."""
    base, inner = program.base, program.below(values)
    names = base.binder.names
    given = dict(zip(program.parameters, values[len(names) :], strict=True))
    dots = {place: leaf_at(given[place[0]], place[1]) for place in program.places_of}
    by_name = dict(zip(names, inner, strict=True))
    at = {(name, path): leaf_at(by_name[name], path) for name, path in dots}

    def pulled(*leaves_: Any) -> Sequence[Any]:
        moved = dict(zip(at, leaves_, strict=True))
        return tuple(pull(base, [replaced(by_name[n], n, (), moved) for n in names], places, ct))

    _, found = opaque_jvp()(pulled, tuple(at.values()), tuple(dots.values()))
    return found  # type: ignore[no-any-return]


def _pull_pullback(
    program: Pullback, values: Sequence[Any], places: Sequence[Place], ct: Any
) -> Sequence[Any]:
    base, inner, role = program.base, program.below(values), program.binder.names[-1]
    y_ct, weights = (None, ct) if isinstance(program, Cotangents) else ct
    by_inputs = [p for p in places if p[0] != role]
    pairs = [(p, w) for p, w in zip(program.places_of, weights, strict=True) if w is not None]
    leaf_places, dots = [p for p, _ in pairs], [w for _, w in pairs]
    found: dict[Place, Any] = {}
    if by_inputs:
        other = pullback_of(base, by_inputs)
        _, (_, cts) = push(other, as_before(values), leaf_places, dots)
        found |= dict(zip(by_inputs, cts, strict=True))
        if y_ct is not None:
            more = pull(base, inner, by_inputs, y_ct)
            found |= {p: found[p] + x for p, x in zip(by_inputs, more, strict=True)}
    if len(by_inputs) < len(places):
        _, y_dots = push(base, as_before(inner), leaf_places, dots)
        by_path = {(role, path): dot for path, dot in leaves(y_dots)}
        found |= {p: by_path[p] for p in places if p[0] == role}
    return [found[p] for p in places]
