"""Derivative programs made of the passes: gradients, products with a vector, both at once.

Each function takes a program and returns another one, whose result has the containers that the
caller expects: the gradient of a dict of arrays is a dict of arrays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..errors import ArgumentError, ShapeError
from . import ir
from .activity import varied
from .adjoint import saved_stores, sweeps
from .build import base_variable, copy, literal, zeros_like
from .callee_sweeps import Sweeps
from .ir import Access, Alias, Assign, Block, Expr, Var
from .renewed import is_whole, renewed
from .rulecode import Rules
from .signature import Path, Place
from .split import split
from .tangent import fresh_names, with_parameters
from .templates import as_template, map_template, template_leaves
from .tidy import renamed_expression
from .types import OBJECT
from .values import Items, Leaf, Mapping, Record, Value


def inputs_under(program: ir.Program, prefixes: Sequence[Place]) -> list[str]:
    """Return the input variables that lie in some of the arguments, or parts of them."""
    found = []
    for name, (parameter, path) in program.inputs.items():
        for argument, prefix in prefixes:
            if parameter == argument and path[: len(prefix)] == prefix:
                found.append(name)
    return found


def gradient(
    program: ir.Program,
    arguments: dict[str, Value],
    prefixes: Sequence[Place],
    single: bool,
    has_aux: bool = False,
    with_value: bool = False,
    guarded: bool = False,
    store_all: bool = False,
) -> ir.Program:
    """Return the program that computes the gradient of a scalar result.

    ``prefixes`` say by which arguments; ``single``: one gradient instead of a tuple of them. The
    result is ``gradient``, ``(gradient, aux)``, ``(value, gradient)`` or
    ``((value, aux), gradient)``.
    """
    out, aux = scalar_result(program, has_aux)
    made = _Reverse(program, prefixes, [(out, literal(1.0))], [guarded], store_all)
    found = [made.template(arguments, prefix) for prefix in prefixes]
    gradients = found[0] if single else tuple(found)
    if with_value:
        kept = made.kept((out, aux) if has_aux else out)
        result: Any = (kept, gradients)
    else:
        result = (gradients, made.kept(aux)) if has_aux else gradients
    name = f"{program.name}_{'value_and_grad' if with_value else 'grad'}"
    return made.program(name, result, [])


def scalar_result(program: ir.Program, has_aux: bool) -> tuple[Any, Any]:
    """Return the output, which must be one real number, and aux."""
    out, aux = program.result, None
    if has_aux:
        if not (isinstance(out, tuple) and len(out) == 2):
            raise ArgumentError(
                f"has_aux=True, but {program.name} did not return a pair (output, aux)",
                "return two values, or leave has_aux out",
            )
        out, aux = out
    if not isinstance(out, Expr):
        raise ArgumentError(
            f"grad needs a function with one scalar output, but {program.name} returned a "
            f"{type(out).__name__}",
            "return (output, aux) with has_aux=True, or use cr.vjp or cr.jacobian",
        )
    if out.type.dtype is None:
        what = "None" if out.type.kind == "none" else "something else"
        raise ArgumentError(
            f"grad needs a function that returns a number, but {program.name} returned {what}",
            "return the value to be differentiated",
        )
    if out.type.ndim:
        raise ShapeError(
            f"grad needs a scalar output, but {program.name} returned an array of "
            f"{out.type.ndim} axes",
            "reduce it (np.sum(...), or y[0] of a one-element array), or use cr.jacobian or cr.vjp",
        )
    if out.type.dtype.kind == "c":
        raise ArgumentError(
            f"grad needs a real output, but {program.name} returned a complex one",
            "return its real part or absolute value, or use cr.vjp",
        )
    return out, aux


def pullback(
    program: ir.Program,
    arguments: dict[str, Value],
    prefixes: Sequence[Place],
    guarded: bool = False,
    store_all: bool = False,
    alone: bool = False,
) -> ir.Program:
    """Return the program that computes the result and pulls a cotangent of it back.

    Its last parameter, ``y_ct``, has the containers of the result. The program's result is
    ``(result, cotangents)``, with a tuple of cotangents; or the latter ``alone``.
    """
    seeds = _Seeds(program)
    opened = replace(
        program,
        types=seeds.types,
        body=[*program.body, *seeds.opening],
        inputs=program.inputs | seeds.inputs,
    )
    made = _Reverse(opened, prefixes, seeds.pairs, [guarded], store_all)
    cts = tuple(made.template(arguments, prefix) for prefix in prefixes)
    result = cts if alone else (made.kept(program.result), cts)
    return made.program(f"{program.name}_vjp", result, [seeds.name])


def pullback_in_two(
    program: ir.Program, arguments: dict[str, Value], prefixes: Sequence[Place]
) -> tuple[ir.Program, list[ir.Program]]:
    """Return a program of the result and the residuals, and programs of the cotangents from them.

    The latter take the residuals and the cotangent of the result; the second one guards products.
    """
    seeds = _Seeds(program)
    made = _Reverse(replace(program, types=seeds.types), prefixes, seeds.pairs, [False, True])
    backs = []
    for reverse, found in made.backs:
        cts = tuple(made.template(arguments, prefix, found) for prefix in prefixes)
        backs.append(([*seeds.opening, *reverse], cts))
    program = replace(
        program,
        buffers=made.source.buffers,
        result=map_template(made.named, program.result),
        wrt=tuple(made.wrt),
        functions=made.callees.functions,
    )
    return split(program, [*made.opening, *made.forward], backs, [seeds.name], made.fresh)


class _Seeds:
    """The cotangent of a program's result, as a parameter, and its parts."""

    def __init__(self, program: ir.Program) -> None:
        self.name = _free(f"{_result_name(program.result)}_ct", program)
        self.types = dict(program.types) | {self.name: OBJECT}
        self.pairs: list[tuple[Expr, Expr]] = []
        """Parts of the result with their cotangents."""
        self.opening: Block = []
        """Takes the parameter apart."""
        self.inputs: dict[str, Place] = {}
        for path, leaf in template_leaves(program.result):
            if leaf.type.is_differentiable:
                self.pairs.append((leaf, self._part(program, leaf, path)))

    def _part(self, program: ir.Program, leaf: Expr, path: Path) -> Var:
        if path:
            base = f"{leaf.name if isinstance(leaf, Var) else 'y'}_ct"
            var = Var(leaf.type, _free(base, replace(program, types=self.types)))
            self.opening.append(Assign(var.name, Access(leaf.type, self.name, path)))
        else:
            var = Var(leaf.type, self.name)
        self.types[var.name] = leaf.type
        self.inputs[var.name] = (self.name, path)
        return var


class _Reverse:
    """Both sweeps of a program, and the result that is put together after them."""

    def __init__(
        self,
        program: ir.Program,
        prefixes: Sequence[Place],
        outputs: Sequence[tuple[Expr, Expr]],
        guarded: Sequence[bool],
        store_all: bool = False,
    ) -> None:
        self.wrt = inputs_under(program, prefixes)
        self.fresh = fresh_names(program)
        self.names: dict[str, str] = {}
        """The last names of arrays that are made anew where they are overwritten."""
        if any(map(is_whole, program.body)) and not (program.functions or store_all):
            program = self.renewed(program, outputs, guarded)
            outputs = [(self.named(output), seed) for output, seed in outputs]
        self.source = program
        active = varied(program, self.wrt)
        rules = [Rules(program, self.fresh, kind) for kind in guarded]
        self.opening, body = _opened(program.body)
        program = replace(program, body=body)
        self.callees = Sweeps(program.functions, any(guarded), store_all)
        self.forward, self.backs = sweeps(
            program, self.wrt, active, rules, self.fresh, outputs, store_all, self.callees
        )
        self.reverse, self.found = self.backs[0]
        self.between: Block = []
        self.overwritten = _overwritten(program, self.reverse)

    def renewed(
        self,
        program: ir.Program,
        outputs: Sequence[tuple[Expr, Expr]],
        guarded: Sequence[bool],
    ) -> ir.Program:
        """Return the program with new arrays where it overwrites those that are needed."""
        active = varied(program, self.wrt)
        rules = [Rules(program, self.fresh, kind) for kind in guarded]
        opening, body = _opened(program.body)
        bare = replace(program, body=body)
        stores = saved_stores(bare, self.wrt, active, rules, self.fresh, outputs)
        results = [leaf for _, leaf in template_leaves(program.result)]
        results += [output for output, _ in outputs]
        wanted = [s for s in stores if is_whole(s)]
        bare, self.names = renewed(bare, wanted, results, self.fresh)
        return replace(bare, body=[*opening, *bare.body])

    def named(self, expr: Expr) -> Expr:
        """Return an expression at the program's end by the last names of arrays."""
        return renamed_expression(expr, self.names)

    def template(
        self,
        arguments: dict[str, Value],
        prefix: Place,
        found: dict[str, Expr] | None = None,
    ) -> Any:
        """Return the gradient by an argument, in its containers; None where it is no number."""
        found = self.found if found is None else found
        places = {place: name for name, place in self.source.inputs.items() if name in found}
        if prefix in places:
            return found[places[prefix]]
        parameter, path = prefix
        value = arguments[parameter]
        for kind, key in path:
            value = _member(value, kind, key)

        def leaf(x: Leaf, inner: tuple[tuple[str, Any], ...]) -> Any:
            place = (parameter, (*path, *inner))
            if place in places:
                return found[places[place]]
            return zeros_like(x.expr) if x.type.is_differentiable else literal(None)

        return as_template(value, leaf)

    def kept(self, template: Any) -> Any:
        """Return a result of the program, saved from what the reverse sweep overwrites."""
        return map_template(self._kept, template)

    def _kept(self, expr: Expr) -> Expr:
        expr = self.named(expr)
        base = base_variable(expr)
        if not ir.names_in(expr) & self.overwritten:
            return expr
        hint = base.name if base is not None else "y"
        var = self.fresh(f"{hint}_value", expr.type)
        shared = {*self.source.buffers, *(s.name for s in self.source.body if isinstance(s, Alias))}
        in_place = base is not None and (base.name in shared or base is not expr)
        self.between.append(Assign(var.name, copy(expr) if in_place else expr))
        return var

    def program(self, name: str, result: Any, parameters: Sequence[str]) -> ir.Program:
        """Return the adjoint program."""
        return replace(
            self.source,
            name=name,
            parameters=with_parameters(self.source.parameters, list(parameters)),
            body=[*self.opening, *self.forward, *self.between, *self.reverse],
            result=result,
            types=self.fresh.types,
            wrt=tuple(self.wrt),
            functions=self.callees.functions,
        )


def _opened(body: Block) -> tuple[Block, Block]:
    """Split off what takes structured arguments apart; it is not to be reversed."""
    opening: Block = [s for s in body if isinstance(s, Assign) and isinstance(s.value, Access)]
    return opening, [s for s in body if not any(s is o for o in opening)]


def _overwritten(program: ir.Program, reverse: Block) -> set[str]:
    """Return the variables of the program that the reverse sweep changes, views included."""
    changed = {name for s in ir.statements(reverse) for name in ir.written(s)}
    for _ in range(2):
        for s in [*ir.statements(reverse), *ir.statements(program.body)]:
            if isinstance(s, ir.Alias) and {s.name, s.root} & changed:
                changed |= {s.name, s.root}
    return changed


def _free(base: str, program: ir.Program) -> str:
    used = {*program.types, *program.hidden, *(p.name for p in program.parameters)}
    name, count = base, 1
    while name in used:
        count += 1
        name = f"{base}_{count}"
    return name


def _result_name(result: Any) -> str:
    """Return the user's name of a result, or ``y``."""
    named = isinstance(result, Var) and not re.fullmatch(r"t\d+|result(_\d+)?", result.name)
    return str(result.name) if named else "y"


def _member(value: Value, kind: str, key: Any) -> Value:
    if isinstance(value, Record):
        return value.attributes[key]
    assert isinstance(value, (Items, Mapping))
    return value.items[key]
