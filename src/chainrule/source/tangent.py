"""The forward pass: from a program to one that computes its tangent beside its result.

Each statement is preceded by the one that moves its tangent along: ``y_dot`` by the rule of what
``y`` is computed with, from values as they are before the statement. Buffers have buffers as
tangents, views have views of these; the stack carries a tangent under each value that has one. So
the pass applies to adjoint programs too, which gives second derivatives. See Griewank and Walther,
Evaluating Derivatives, 2nd ed. (SIAM 2008), chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from . import ir
from .activity import is_restored, is_saved, varied
from .build import CONTIGUOUS, base_variable, copy, literal, zeros_like
from .callees import Callees
from .fresh import Fresh
from .helpers import function_behind, opaque_jvp, second_derivative
from .ir import Access, Alias, Assign, Block, Call, Expr, Index, Seq, Stmt, Var
from .rulecode import Rules
from .sharing import Sharing, holders, is_fresh
from .tangent_calls import write_call, write_turn
from .tangent_expressions import OUTPUT, Expressions, names_in_block, renamed, substituted
from .templates import map_template
from .types import INT, OBJECT, Type

_EMPTY: dict[Any, Any] = {np.zeros: np.zeros, np.empty: np.zeros, np.ones: np.zeros}
_EMPTY_LIKE = {
    np.zeros_like: np.zeros_like,
    np.empty_like: np.zeros_like,
    np.ones_like: np.zeros_like,
}
_BY_ROWS = frozenset({*_EMPTY, np.ndarray.copy})
"""Arrays that lie row by row in memory, whatever they are made of."""


class Tangents(Expressions):
    """Writes the tangent of every statement of a program."""

    def __init__(
        self,
        program: ir.Program,
        wrt: Collection[str],
        rules: Any,
        fresh: Callable[[str, Type], Var],
        types: dict[str, Type],
        callees: Callees | None = None,
    ) -> None:
        super().__init__(types, varied(program, wrt), rules, fresh)
        self.program = program
        self.callees = callees or Callees(program.functions)
        self.wrt = set(wrt)
        self.buffers = program.buffers | set(_changed(program.body))
        self.reshaped = set(_reshaped(program.body))
        self.sharing = Sharing(program.body)
        self.parameters: dict[str, str] = {}
        """Parameter -> that of its tangent."""
        for name in program.inputs:
            if name in self.wrt:
                parameter, path = program.inputs[name]
                if not path:
                    self.parameters[parameter] = self.dot(name).name
                elif parameter not in self.parameters:
                    self.parameters[parameter] = fresh(f"{parameter}_dot", OBJECT).name

    def whole(self, body: Block) -> Block:
        """Return a block with its tangents."""
        made: Block = []
        with self.into(made):
            for statement in body:
                start = len(self.block)
                self.statement(statement)
                for new in self.block[start:]:
                    new.origin = new.origin or statement.origin
        return made

    def beginning(self) -> Block:
        """Zeros for the tangents of parameters that vary only after they are assigned to."""
        others = [*(p.name for p in self.program.parameters), *self.program.hidden]
        others = [name for name in others if name in self.varied - self.wrt]
        return [
            Assign(self.dot(name).name, zeros_like(Var(self.types[name], name))) for name in others
        ]

    # ----------------------------------------------------------------------------- statements

    def statement(self, s: Stmt) -> None:
        """Write one statement of the program, and its tangent with it."""
        self.rules.state.origin = s.origin
        match s:
            case Assign(name=name, value=value) if name in self.varied:
                self.assign(s, name, value)
            case Alias(name=name, value=value, root=root) if root in self.varied:
                self.emit(Alias(self.dot(name).name, self.shadow(value), self.dot(root).name))
                self.emit(s)
            case ir.Move(targets=targets, sources=sources):
                self.move(targets, sources)
                self.emit(s)
            case ir.Store(target=target) if target.name in self.varied:
                self.store(s)
            case ir.If(then=then, orelse=orelse):
                self.emit(replace(s, then=self.whole(then), orelse=self.whole(orelse)))
            case ir.For(body=body) | ir.While(body=body):
                self.emit(replace(s, body=self.whole(body)))
            case ir.Push(value=value):
                if is_saved(s, self.varied):
                    dot = self.tangent_of(value)
                    dot = zeros_like(value) if dot is None else dot
                    self.emit(ir.Push(dot, s.copy, s.stack, s.local))
                self.emit(s)
            case ir.Pop(target=target, index=index):
                self.emit(s)
                if is_restored(s, self.varied):
                    of = s.of and self.dot(s.of).name
                    self.emit(ir.Pop(self.dot(target.name), index, stack=s.stack, of=of))
            case ir.Opaque(name=name) if name in self.varied:
                self.opaque(s)
            case ir.Effect(names=names) if self.varied & set(names) and function_behind(s):
                raise second_derivative(function_behind(s), s.origin)
            case ir.Invoke(names=names) if self.varied & set(names):
                write_call(self, s, self.start)
            case ir.Turn():
                write_turn(self, s)
            case _:
                self.emit(s)

    def start(self, function: ir.Program, wrt: Collection[str]) -> Tangents:
        """Begin the tangents of one of the program's functions."""
        fresh = fresh_names(function, self.callees.functions)
        rules = Rules(function, fresh, self.rules.state.guarded)
        return Tangents(function, wrt, rules, fresh, fresh.types, self.callees)

    def buffer_dots(self) -> set[str]:
        """The tangents of buffers, which are buffers."""
        views = {s.name for s in ir.statements(self.program.body) if isinstance(s, Alias)}
        return {self.dot(b).name for b in self.buffers - views if b in self.varied}

    def assign(self, s: Assign, name: str, value: Expr) -> None:
        """``y = f(x)``: its tangent comes before it, or after it where the rule reads ``y``."""
        dot = self.dot(name)
        if isinstance(value, Access):
            self.emit(Assign(dot.name, self.given(name, value)))
            self.emit(s)
            return
        rule: Block = []
        primal, tangent = self.pair(value, rule)
        if tangent is None:
            self.emit(replace(s, value=primal))
            self.emit(Assign(dot.name, zeros_as(primal, Var(value.type, name))))
            return
        if self.must_copy(name, primal, tangent):
            tangent = copy(tangent)
        read = names_in_block([*rule, Assign(dot.name, tangent)])
        comes_after = OUTPUT in read
        y = Var(value.type, name)
        if comes_after and name in self.with_roots(read | ir.names_in(primal)):
            y = self.fresh("t", value.type)
            self.emit(Assign(y.name, primal))
            primal = y
        elif comes_after:
            self.emit(replace(s, value=primal))
        self.block += [renamed(r, {OUTPUT: y}) for r in rule]
        self.emit(Assign(dot.name, substituted(tangent, {OUTPUT: y})))
        if not comes_after or primal is y:
            self.emit(replace(s, value=primal))

    def with_roots(self, names: set[str]) -> set[str]:
        """Add the buffers behind views."""
        made = (*ir.statements(self.program.body), *self.block)
        return names | {s.root for s in made if isinstance(s, Alias) and s.name in names}

    def given(self, name: str, value: Access) -> Expr:
        """The tangent of a leaf of a structured argument."""
        if name in self.wrt and self.program.inputs.get(name) == (value.root, value.path):
            return Access(value.type, self.parameters[value.root], value.path)
        return zeros_like(value)

    def must_copy(self, name: str, primal: Expr, tangent: Expr) -> bool:
        """Tell whether a tangent would share memory that is changed in place later."""
        if name in self.reshaped:
            return not (isinstance(tangent, Call) and tangent.fn in _BY_ROWS)
        if is_fresh(tangent) or not tangent.type.is_array:
            return False
        held = {self.dot(b).name for b in self._held()}
        is_own = is_fresh(primal) or (isinstance(primal, Call) and base_variable(primal) is None)
        return name in self.buffers or (is_own and bool(held & set(holders(tangent))))

    def _held(self) -> set[str]:
        """Buffers and views of them that have tangents."""
        views = {s.name for s in ir.statements(self.program.body) if isinstance(s, Alias)}
        return set((self.buffers | views) & self.varied)

    def move(self, targets: tuple[str, ...], sources: tuple[Var, ...]) -> None:
        """Tangents are handed over as their buffers are."""
        pairs = [(t, s) for t, s in zip(targets, sources, strict=True) if t in self.varied]
        moved = []
        for _, source in pairs:
            if source.name in self.varied:
                moved.append(self.dot(source.name))
            else:
                moved.append(self.fresh(f"{source.name}_dot", source.type))
                self.emit(Assign(moved[-1].name, zeros_like(source)))
        if pairs:
            self.emit(ir.Move(tuple(self.dot(t).name for t, _ in pairs), tuple(moved)))

    def store(self, s: ir.Store) -> None:
        """A store into a buffer is one into its tangent."""
        primal, tangent = self.inner(s.value)
        dot = self.dot(s.target.name)
        if tangent is not None:
            if s.op is None and self._may_overlap(s.target.name, tangent):
                tangent = copy(tangent)
            self.emit(replace(s, target=dot, value=tangent))
        elif s.op is None:
            self.emit(replace(s, target=dot, value=literal(0.0), at=False))
        self.emit(replace(s, value=primal))

    def _may_overlap(self, target: str, tangent: Expr) -> bool:
        """Tell whether a tangent may be part of the array that it is stored into.

        ``u[:, 2] = u[1] + 1`` has ``u_dot[:, 2] = u_dot[1]``, which NumPy reads too late in part.
        """
        held = set(holders(tangent)) if tangent.type.is_array and tangent.type.ndim else set()
        if not held:
            return False
        own = self.sharing.of(target)
        return any(self.dot(n).name in held for n in self.varied if self.sharing.of(n) == own)

    def opaque(self, s: ir.Opaque) -> None:
        """The tape computes value and tangent of a function without a rule or source."""
        if s.pullback is not None:
            raise second_derivative(s.fn, s.origin)
        tangents = [self.tangent_of(arg) for arg in s.args]
        given = Seq(OBJECT, tuple(literal(None) if t is None else t for t in tangents))
        call = Call(OBJECT, opaque_jvp(), (literal(s.fn), Seq(OBJECT, s.args), given))
        self.emit(ir.Effect(call, (s.name, self.dot(s.name).name)))

    def shadow(self, place: Expr) -> Expr:
        """The part of a tangent that belongs to a part of a buffer."""
        match place:
            case Var(name=name):
                return self.dot(name)
            case Index(base=base):
                return replace(place, base=self.shadow(base))
            case Call(args=(first, *rest)):
                return replace(place, args=(self.shadow(first), *rest))
        raise AssertionError(place)

    # --------------------------------------------------------------------------------- result

    def result(self, template: Any) -> Any:
        """Return the tangents of the result, in its containers; None where it is no number."""

        def tangent_of(expr: Expr) -> Expr:
            if expr.type.dtype is None or expr.type.dtype.kind not in "iufc":
                return literal(None)
            found = self.tangent_of(expr)
            return _float_zeros(expr) if found is None else found

        return map_template(tangent_of, template)


def tangent(
    program: ir.Program, wrt: Collection[str], guarded: bool = False, rules: Any = None
) -> ir.Program:
    """Return the program that computes ``(result, tangent)``, by the inputs ``wrt``.

    It has a parameter ``u_dot`` for each parameter ``u`` that is, or contains, one of them.
    """
    fresh = fresh_names(program)
    made = Tangents(program, wrt, rules or Rules(program, fresh, guarded), fresh, fresh.types)
    body = made.beginning() + made.whole(program.body)
    with made.into(body):
        result = (program.result, made.result(program.result))
    return replace(
        program,
        name=f"{program.name}_jvp",
        parameters=with_parameters(program.parameters, list(made.parameters.values())),
        body=body,
        result=result,
        types=fresh.types,
        inputs=program.inputs | _tangent_inputs(made),
        buffers=program.buffers | made.buffer_dots(),
        functions=made.callees.functions,
    )


def _tangent_inputs(made: Tangents) -> dict[str, Any]:
    """The tangents given are inputs as well: a derivative may be taken by them."""
    found = {}
    for name in made.wrt & made.program.inputs.keys():
        parameter, path = made.program.inputs[name]
        found[made.dot(name).name] = (made.parameters[parameter], path)
    return found


def fresh_names(program: ir.Program, functions: Collection[str] = ()) -> Fresh:
    """Return a maker of new variables, which knows all names of a program."""
    functions = {*functions, *program.functions}
    others = [program.name, *functions, *program.hidden, *(p.name for p in program.parameters)]
    return Fresh(dict.fromkeys(others, OBJECT) | program.types)


def with_parameters(parameters: list[ir.Parameter], names: list[str]) -> list[ir.Parameter]:
    """Add parameters behind the others; by keyword where these have defaults or stars."""
    plain = all(
        not p.has_default and p.kind in ("positional or keyword", "positional-only")
        for p in parameters
    )
    kind = "positional or keyword" if plain else "keyword-only"
    added = [ir.Parameter(name, kind) for name in names]
    end = len(parameters) - sum(p.kind == "variadic keyword" for p in parameters)
    return [*parameters[:end], *added, *parameters[end:]]


def _changed(body: Block) -> Iterator[str]:
    """Yield the variables that some statement changes in place, and the roots of views."""
    for s in ir.statements(body):
        if isinstance(s, ir.Store) or (isinstance(s, ir.Pop) and s.index is not None):
            yield s.target.name
        elif isinstance(s, Alias):
            yield s.root


def _reshaped(body: Block) -> Iterator[str]:
    """Yield the buffers with views that are views only where memory lies row by row."""
    for s in ir.statements(body):
        if isinstance(s, Alias) and any(
            isinstance(e, Call) and e.fn in CONTIGUOUS for e in ir.walk(s.value)
        ):
            yield s.root


def zeros_as(primal: Expr, y: Var) -> Expr:
    """Zeros for the tangent of a value without one: made in the same way where it is an array."""
    if isinstance(primal, ir.Lit) and primal.value is None:  # a variable that is not yet set
        return primal
    if isinstance(primal, Call) and primal.fn in _EMPTY:
        return replace(primal, fn=_EMPTY[primal.fn])
    if isinstance(primal, Call) and primal.fn in _EMPTY_LIKE:
        return replace(primal, fn=_EMPTY_LIKE[primal.fn])
    return zeros_like(y)


def _float_zeros(expr: Expr) -> Expr:
    """Zeros for a result that is not varied; of integers they are float64."""
    if expr.type.is_differentiable or not expr.type.is_array:
        return zeros_like(expr) if expr.type.is_differentiable else literal(0.0)
    shape = tuple(ir.Dim(INT, expr, axis) for axis in range(expr.type.ndim))
    floats = replace(expr.type, dtype=np.dtype(float))
    return Call(floats, np.zeros, (Seq(OBJECT, shape),))
