"""The last pass: a program as the text of a Python module, and what that text has to be run with.

The text is deterministic and formatted as a careful person writes it. It imports NumPy and whatever
else it uses, contains the few helper functions that it calls, and depends on nothing of chainrule.
"""

from __future__ import annotations

import dataclasses
import itertools
import operator
from dataclasses import replace
from typing import Any

import numpy as np

from . import ir
from .callees import all_statements
from .helpers import helper_texts, opaque_vjp
from .layout import INDENT, WIDTH, wrap
from .names import Names
from .spelling import AUGMENTED, NOT, POSTFIX, TERNARY, Speller
from .types import OBJECT


def emit(program: ir.Program) -> str:
    """Return the text of a module that defines the program as a function of its name."""
    functions, names = _written(program)
    helpers = helper_texts(names)  # may need further imports
    imports = "\n".join(names.imports())
    return _joined([imports, *helpers, *functions])


def functions_text(program: ir.Program) -> str:
    """Return the text of a program and its functions, without imports and helpers."""
    return _joined(_written(program)[0])


def namespace(program: ir.Program) -> dict[str, Any]:
    """Return what the text of ``emit`` refers to and cannot import: objects of the user by name."""
    _, names = _written(program)
    helper_texts(names)
    return dict(names.objects)


def _joined(texts: list[str]) -> str:
    return "\n\n\n".join(filter(None, texts)) + "\n"


def _written(program: ir.Program) -> tuple[list[str], Names]:
    """Return the texts of a program's functions, its own at the end."""
    calls = (s.function for s in all_statements(program) if isinstance(s, ir.Invoke))
    used = [program.functions[name] for name in dict.fromkeys(calls)]
    names = Names(set[str]().union(*map(_own_names, (program, *used))))
    used = [replace(p, result=_unpacked(p.result)) for p in used]
    return ["\n".join(_Writer(p, names).function()) for p in (*used, program)], names


def _unpacked(results: tuple[Any, ...]) -> Any:
    """What a function of the program returns: no tuple of one."""
    return results if len(results) > 1 else results[0] if results else None


def statement_text(statement: ir.Stmt, spell: Speller) -> str:
    """Return the text of a statement without blocks, with the names that ``spell`` collects."""
    writer = object.__new__(_Writer)
    writer.spell, writer.names = spell, spell.names
    return writer._simple(statement)


class _Writer:
    """Writes one function."""

    def __init__(self, program: ir.Program, names: Names) -> None:
        self.program = program
        self.names = names
        self.spell = Speller(self.names)
        self.stacks: dict[str, str] = {}

    def function(self) -> list[str]:
        """Return the lines of the function."""
        head = f"def {self.program.name}({', '.join(self._parameters())}):"
        lines = [f"{INDENT}{stack} = []" for stack in self._made_stacks()]
        lines += self._block(self.program.body, INDENT)
        if self.program.result is not None:
            lines += wrap(f"return {self._result(self.program.result, outermost=True)}", INDENT)
        return [*wrap(head), *(lines or [f"{INDENT}pass"])]

    def _made_stacks(self) -> list[str]:
        """Give the lists of saved values their names; return those that are made at the start."""
        pushed = [s.stack for s in ir.statements(self.program.body) if isinstance(s, ir.Push)]
        made = dict.fromkeys(pushed)
        self.stacks = {name: name for name in made} | {"": self.program.stack}
        if "" in made and not self.program.stack:
            self.stacks[""] = self.names.free("stack")
        given = {p.name for p in self.program.parameters}
        return [self.stacks[name] for name in made if self.stacks[name] not in given]

    def _parameters(self) -> list[str]:
        """The user's parameters, with the closed-over values as keyword-only ones."""
        hidden, texts, starred = list(self.program.hidden), [], False
        parameters = self.program.parameters
        for k, parameter in enumerate(parameters):
            after = parameters[k + 1].kind if k + 1 < len(parameters) else ""
            if parameter.kind == "variadic keyword":
                texts += ([] if starred or not hidden else ["*"]) + hidden
                starred, hidden = starred or bool(hidden), []
            if parameter.kind == "keyword-only" and not starred:
                texts.append("*")
                starred = True
            texts.append(self._parameter(parameter))
            starred = starred or parameter.kind == "variadic positional"
            if parameter.kind == "positional-only" and after != "positional-only":
                texts.append("/")
        return texts + ([] if starred or not hidden else ["*"]) + hidden

    def _parameter(self, parameter: ir.Parameter) -> str:
        stars = {"variadic positional": "*", "variadic keyword": "**"}.get(parameter.kind, "")
        default = f"={self.spell.literal(parameter.default)}" if parameter.has_default else ""
        return f"{stars}{parameter.name}{default}"

    def _result(self, template: Any, outermost: bool = False) -> str:
        """The text of a result: containers with expressions in them."""
        if isinstance(template, ir.Expr):
            return self.spell(template, TERNARY)
        if dataclasses.is_dataclass(template) and not isinstance(template, type):
            fields = [f.name for f in dataclasses.fields(template)]
            given = [f"{name}={self._result(getattr(template, name))}" for name in fields]
            return f"{self.names.of(type(template))}({', '.join(given)})"
        if isinstance(template, dict):
            pairs = [f"{self.spell.literal(k)}: {self._result(v)}" for k, v in template.items()]
            return "{" + ", ".join(pairs) + "}"
        if isinstance(template, (tuple, list)):
            texts = [self._result(item) for item in template]
            if hasattr(template, "_fields"):
                return f"{self.names.of(type(template))}({', '.join(texts)})"
            if isinstance(template, list):
                return f"[{', '.join(texts)}]"
            if outermost and len(texts) > 1:
                return ", ".join(texts)
            return f"({', '.join(texts)}{',' * (len(texts) == 1)})"
        return self.spell.literal(template)

    # ---------------------------------------------------------------------------- statements

    def _block(self, block: ir.Block, indent: str) -> list[str]:
        lines: list[str] = []
        for key, group in itertools.groupby(block, _together):
            same = list(group)
            if key is None or len(same) == 1:
                lines += [line for s in same for line in self._statement(s, indent)]
            else:
                lines += self._merged(same, indent)
        return lines

    def _merged(self, same: list[ir.Stmt], indent: str) -> list[str]:
        """Several statements in one line, or in as few as fit."""
        text, half = self._in_one_line(same), len(same) // 2
        if isinstance(same[0], ir.Push) or not half or len(indent + text) <= WIDTH:
            return wrap(text, indent)
        return self._merged(same[:half], indent) + self._merged(same[half:], indent)

    def _in_one_line(self, same: list[ir.Stmt]) -> str:
        """Several saves, or what undoes them, or several variables set to nothing."""
        match same[0]:
            case ir.Push():
                values = [self._saved(s) for s in same if isinstance(s, ir.Push)]
                return f"{self.stacks[same[0].stack]} += [{', '.join(values)}]"
            case ir.Pop():
                sides = [self._simple(s).split(" = ") for s in same]
                left, right = (", ".join(side) for side in zip(*sides, strict=True))
                return f"{left} = {right}"
        names = [s.name for s in same if isinstance(s, ir.Assign)]
        return f"{' = '.join(names)} = None"

    def _nested(self, block: ir.Block, indent: str) -> list[str]:
        lines = self._block(block, indent + INDENT)
        has_code = any(not line.lstrip().startswith("#") for line in lines)
        return lines if has_code else [*lines, f"{indent}{INDENT}pass"]

    def _statement(self, statement: ir.Stmt, indent: str) -> list[str]:
        match statement:
            case ir.If():
                return self._if(statement, indent, "if")
            case ir.For() | ir.While():
                return self._loop(statement, indent)
            case ir.Note(text=text):
                return [f"{indent}# {line}".rstrip() for line in text.splitlines()]
        line = self._simple(statement)
        match statement:
            case ir.Assign(value=ir.Choice() as c) if len(indent + line) > WIDTH:
                then, orelse = (dataclasses.replace(statement, value=value) for value in (c.a, c.b))
                return self._if(ir.If(c.condition, [then], [orelse]), indent, "if")
        return wrap(line, indent)

    def _simple(self, statement: ir.Stmt) -> str:
        match statement:
            case ir.Assign(name=name, value=ir.Call(fn=fn, args=(ir.Var() as first, step))) if (
                first.name == name and fn in _STEPS and first.type.is_number
            ):
                return f"{name} {_STEPS[fn]} {self.spell(step)}"
            case ir.Assign(name=name, value=value) | ir.Alias(name=name, value=value):
                return f"{name} = {self.spell(value)}"
            case ir.Move(targets=targets, sources=sources):
                return f"{', '.join(targets)} = {', '.join(self.spell(s) for s in sources)}"
            case ir.Store():
                return self._store(statement)
            case ir.Effect(value=value, names=names):
                return f"{', '.join(names)} = {self.spell(value)}" if names else self.spell(value)
            case ir.Raise(value=value):
                return f"raise {self.spell(value)}"
            case ir.Opaque():
                return self._opaque(statement)
            case ir.Invoke(names=names, function=function, args=args, half=half):
                given = [self.spell(arg, TERNARY) for arg in args]
                star = "*" if half == "reverse" else ""
                call = f"{function}({star}{', '.join(given)})"
                return f"{', '.join(names)} = {call}" if names else call
            case ir.Push():
                return f"{self.stacks[statement.stack]}.append({self._saved(statement)})"
            case ir.Pop(target=target, index=index, copy=copy, stack=stack):
                place = target.name if index is None else self._place(target, index)
                return f"{place} = {self.stacks[stack]}.pop(){'.copy()' if copy else ''}"
        raise TypeError(f"no text for {statement!r}")

    def _saved(self, push: ir.Push) -> str:
        if push.copy:
            return f"{self.spell(push.value, POSTFIX)}.copy()"
        return self.spell(push.value, TERNARY)

    def _place(self, target: ir.Var, index: tuple[ir.Expr, ...]) -> str:
        return f"{target.name}[{self.spell.index(index) if index else '...'}]"

    def _store(self, store: ir.Store) -> str:
        value = self.spell(store.value)
        if store.at and store.op is not None:
            index = self.spell(
                store.index[0] if len(store.index) == 1 else _tuple(store.index), TERNARY
            )
            ufunc = self.names.of(getattr(np, store.op))
            return f"{ufunc}.at({store.target.name}, {index or '...'}, {value})"
        place = self._place(store.target, store.index) if store.index else store.target.name
        if store.op is not None:
            return f"{place} {AUGMENTED[store.op]} {value}"
        changed = _augmented(store)
        if changed is not None:
            return f"{place} {AUGMENTED[changed[0]]} {self.spell(changed[1])}"
        return f"{self._place(store.target, store.index)} = {value}"

    def _opaque(self, call: ir.Opaque) -> str:
        args = ", ".join(self.spell(arg, TERNARY) for arg in call.args)
        function = self.names.of(call.fn)
        if call.pullback is None:
            return f"{call.name} = {function}({args})"
        given = ", ".join(filter(None, [function, args]))
        return f"{call.name}, {call.pullback} = {self.names.of(opaque_vjp())}({given})"

    def _if(self, branch: ir.If, indent: str, keyword: str) -> list[str]:
        if keyword == "if" and (message := _assertion(branch)) is not None:
            said = ", ".join(self.spell(part, TERNARY) for part in message)
            return wrap(f"assert {said}", indent)
        if not branch.then and branch.orelse:
            head = f"{keyword} not {self.spell(branch.condition, NOT)}:"
            return [*wrap(head, indent), *self._nested(branch.orelse, indent)]
        head = f"{keyword} {self.spell(branch.condition)}:"
        lines = [*wrap(head, indent), *self._nested(branch.then, indent)]
        if len(branch.orelse) == 1 and isinstance(branch.orelse[0], ir.If):
            return lines + self._if(branch.orelse[0], indent, "elif")
        if branch.orelse:
            lines += [f"{indent}else:", *self._nested(branch.orelse, indent)]
        return lines

    def _loop(self, loop: ir.For | ir.While, indent: str) -> list[str]:
        if isinstance(loop, ir.For):
            steps = self.spell(ir.Call(loop.var.type, range, _bounds(loop)))
            if loop.backwards:
                steps = (
                    f"{self.names.of(reversed)}({steps}{f'[:{loop.trips}]' if loop.trips else ''})"
                )
            head = f"for {loop.var.name} in {steps}:"
        else:
            head = f"while {self.spell(loop.condition)}:"
        inner = indent + INDENT
        lines = wrap(head, indent)
        ending = []
        if loop.until:
            ending += [f"{inner}if {loop.until}:", f"{inner}{INDENT}break"]
        return lines + (
            self._block(loop.body, inner) + ending if ending else self._nested(loop.body, indent)
        )


def _together(statement: ir.Stmt) -> Any:
    """Return what statements have in common that are written in one line; None for the others."""
    match statement:
        case ir.Push(stack=stack):
            return "push", stack
        case ir.Pop(index=None, stack=stack):
            return "pop", stack
        case ir.Assign(value=ir.Lit(value=None)):
            return "nothing"
    return None


def _augmented(store: ir.Store) -> tuple[str, ir.Expr] | None:
    """Operator and operand where ``x[i] = x[i] * y`` can be ``x[i] *= y``: in the same dtype."""
    value = store.value
    if not isinstance(value, ir.Call) or value.kwargs or len(value.args) != 2:
        return None
    name, (first, operand) = getattr(value.fn, "__name__", ""), value.args
    if not isinstance(value.fn, np.ufunc) or name not in AUGMENTED:
        return None
    base, index = (first.base, first.index) if isinstance(first, ir.Index) else (first, ())
    same = base == store.target and index == store.index
    return (name, operand) if same and value.type.dtype == store.target.type.dtype else None


def _assertion(branch: ir.If) -> tuple[ir.Expr, ...] | None:
    """Condition and message of an ``assert``, None for any other branch."""
    match branch:
        case ir.If(
            condition=ir.Call(fn=operator.not_, args=(condition,)),
            then=[ir.Raise(value=ir.Call(fn=raised, args=message, kwargs=()))],
            orelse=[],
        ) if raised is AssertionError and len(message) < 2:
            return condition, *message
    return None


_STEPS: dict[Any, str] = {np.add: "+=", np.subtract: "-="}


def _bounds(loop: ir.For) -> tuple[ir.Expr, ...]:
    """The arguments of ``range``, less those that are what it takes by itself."""
    if not (isinstance(loop.step, ir.Lit) and loop.step.value == 1):
        return loop.start, loop.stop, loop.step
    if not (isinstance(loop.start, ir.Lit) and loop.start.value == 0):
        return loop.start, loop.stop
    return (loop.stop,)


def _tuple(index: tuple[ir.Expr, ...]) -> ir.Expr:
    return ir.Seq(OBJECT, index) if index else ir.Lit(OBJECT, Ellipsis)


def _own_names(program: ir.Program) -> set[str]:
    """Every name that the program binds or reads."""
    found = {program.name, *program.types, *program.hidden}
    found |= {parameter.name for parameter in program.parameters}
    for statement in ir.statements(program.body):
        found.update(ir.written(statement))
        for expr in ir.expressions(statement):
            found |= ir.names_in(expr)
            found |= {e.root for e in ir.walk(expr) if isinstance(e, ir.Access)}
        if isinstance(statement, (ir.For, ir.While)):
            found.update(filter(None, (statement.until, statement.trips)))
    return found
