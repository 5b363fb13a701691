"""One program for one signature: what each pass made of it, its text, and what runs."""

from __future__ import annotations

import functools
import linecache
import re
import textwrap
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UnsupportedError
from . import derivatives, ir
from .activity import varied
from .again import Reads, hold, value_of
from .before_running import before_running
from .callees import all_statements
from .conditionals import conditional_expressions
from .effects import cannot_be_repeated, has_effects, without_effects
from .emit import emit, functions_text, namespace
from .halves import in_halves
from .kept import Kept
from .signature import Place
from .simplify import simplify
from .tangent import tangent
from .tidy import tidy
from .values import Value

if TYPE_CHECKING:
    from .two_sweeps import Split

_LOCK = threading.RLock()
"""Programs are made by one thread at a time; made ones are looked up without a lock."""


class Specialisation:
    """A program for one signature. Its derivatives hang from it, made when they are asked for.

    ``stages``: the program after each pass, by the name of the pass. ``arguments``: an abstract
    value for each parameter; ``stand_ins``: values like those of the first call.
    """

    def __init__(
        self,
        stages: Sequence[tuple[str, ir.Program]],
        arguments: dict[str, Value],
        roles: dict[str, str] | None = None,
        stand_ins: Sequence[Any] = (),
        backend: str = "numpy",
        sizes: dict[Any, int] | None = None,
        parallel: bool = False,
        kept: Kept | None = None,
    ) -> None:
        self.stand_ins = stand_ins
        self.sizes = sizes or {}
        """What the symbols of sizes stood for in the first call."""
        self.backend, self.parallel = backend, parallel
        self.kept = kept or Kept()
        self.stages = list(stages)
        self.arguments = arguments
        self.roles = roles or {p.name: p.name for p in self.program.parameters}
        """What each parameter of the text is for: its name, ``dot1 u``, ``ct``."""
        self._derived: dict[Hashable, Specialisation] = {}
        self._splits: dict[Hashable, Split] = {}
        self._call: tuple[Sequence[str], Callable[..., Any]] | None = None

    @property
    def program(self) -> ir.Program:
        """The program that derivatives are taken of."""
        return self.stages[-1][1]

    @functools.cached_property
    def simplified(self) -> ir.Program:
        """The program as it is emitted."""
        program = in_halves(self.program)
        functions = {
            name: tidy(self._shortened(function), program.functions, is_own=True)
            for name, function in program.functions.items()
        }
        return replace(tidy(self._shortened(program)), functions=functions)

    def _shortened(self, program: ir.Program) -> ir.Program:
        program = simplify(program, self._is_generated)
        body = conditional_expressions(program.body, self._is_generated)
        return replace(program, body=body)

    def _is_generated(self, name: str) -> bool:
        """Tell whether a variable is neither the user's nor the derivative of one of his."""
        base = re.sub(r"((_ct|_dot|_value|_after)(_\d+)?)+$", "", name)
        lowered = self.stages[0][1]
        is_users = any(
            base in p.types and p.spliced.isdisjoint((name, base))
            for p in (lowered, *lowered.functions.values())
        )
        return not is_users or bool(re.fullmatch(r"t\d+|result(_\d+)?", base))

    @functools.cached_property
    def text(self) -> str:
        """The program as Python."""
        return emit(self.simplified)

    @functools.cached_property
    def function(self) -> Callable[..., Any]:
        """What runs the program: machine code if the backend can, else NumPy."""
        if self.backend == "numpy" or self.not_native:
            return self.by_numpy
        from .native.kernel import Native
        from .native.leaving import NotNative

        with _LOCK:
            if self.native is None and not self.not_native:  # no other thread was faster
                try:
                    quietly = lambda: self.by_numpy_quietly  # noqa: E731
                    options = (self.sizes, self.parallel, self.kept)
                    self.native = Native(lambda: self.for_machine, quietly, *options)
                except NotNative as why:
                    self.not_native = str(why)
            return self.by_numpy if self.native is None else self.native.function

    def warm(self) -> None:
        """Compile the program now."""
        _ = self.function

    native: Any = None
    """The machine code, once it was made."""
    not_native = ""
    """Why there is no machine code."""

    @property
    def for_machine(self) -> ir.Program:
        """The program that machine code is made of: with the names that its sizes are called by."""
        return simplify(self.program, self._is_generated)

    @functools.cached_property
    def by_numpy(self) -> Callable[..., Any]:
        """The text as a function; tracebacks show its lines."""
        with _LOCK:
            file = f"<chainrule {self.program.name} {id(self):x}>"
            space = dict(namespace(self.simplified))
            linecache.cache[file] = (len(self.text), None, self.text.splitlines(True), file)
            exec(compile(self.text, file, "exec"), space)
            made: Callable[..., Any] = space[self.program.name]
            return made

    @property
    def by_numpy_quietly(self) -> Callable[..., Any]:
        """The function that NumPy runs; of a derivative, without warnings of infinite slopes."""
        warns = self.program.spliced or len(self.stages) > 1
        return infinite_slopes()(self.by_numpy) if warns else self.by_numpy

    def hidden(self) -> dict[str, Any]:
        """Read the closed-over values; those of a run that is repeated are as they were."""
        return {name: value_of(read) for name, read in self.program.hidden.items()}

    def reads(self) -> Reads:
        """Return the closed-over values as they are now, to run the program again later."""
        reads = [*self.program.hidden.values(), *(read for read, _ in self.program.guards)]
        values = {read: value_of(read) for read in reads}
        return {r: x.copy() if type(x) is np.ndarray else x for r, x in values.items()}

    def run(self, roles: Sequence[str], values: Sequence[Any]) -> Any:
        """Call the program with the values of the parameters that have these roles."""
        return self.call(roles, values, self.hidden() if self.program.hidden else {})

    def call(self, roles: Sequence[str], values: Sequence[Any], hidden: dict[str, Any]) -> Any:
        """Call the program with these closed-over values."""
        try:
            return self._caller(roles)(values, hidden)
        except UnsupportedError as error:
            error.nothing_has_run = False
            raise

    def _caller(self, roles: Sequence[str]) -> Callable[[Sequence[Any], dict[str, Any]], Any]:
        if self._call is None or self._call[0] is not roles:
            self._call = (roles, self._made_caller(roles))
        return self._call[1]

    def _made_caller(self, roles: Sequence[str]) -> Callable[[Sequence[Any], dict[str, Any]], Any]:
        function, parameters = self.function, self.program.parameters
        order = self._order(roles)
        if _are_plain(parameters):
            if order == list(range(len(roles))):
                return lambda values, hidden: function(*values, **hidden)
            return lambda values, hidden: function(*[values[k] for k in order], **hidden)
        return lambda values, hidden: call_with(
            function, parameters, [values[k] for k in order], hidden
        )

    def _order(self, roles: Sequence[str]) -> list[int]:
        return [list(roles).index(self.roles[p.name]) for p in self.program.parameters]

    def direct(self, roles: Sequence[str]) -> Callable[..., Any] | None:
        """Return a function of these values, if all there is to a call is to run the program."""
        program = self.program
        lowered = self.stages[0][1]
        if has_effects(lowered):  # a run that is repeated is silent, the next one is not
            return None
        if cannot_be_repeated(lowered) or (not self.kept.has_code and cannot_be_repeated(program)):
            return lambda *values: self.run(roles, values)
        made, hidden = self.function, program.hidden
        if not self.takes(roles):
            call = self._caller(roles)
            made = lambda *values, **hidden: call(values, hidden)  # noqa: E731
        if hidden:
            function, reads = made, [*hidden.items()]
            made = lambda *values: function(*values, **{k: value_of(read) for k, read in reads})  # noqa: E731
        warns = program.spliced or len(self.stages) > 1
        return made if self.is_quiet or not warns else infinite_slopes()(made)

    def takes(self, roles: Sequence[str]) -> bool:
        """Tell whether the parameters are these, in this order, and may be given by position."""
        are_plain = _are_plain(self.program.parameters)
        return are_plain and self._order(roles) == [*range(len(roles))]

    @property
    def is_quiet(self) -> bool:
        """Whether machine code runs all of the program: there are no warnings then."""
        return self.native is not None and not self.native.runs_python

    def holds(self) -> bool:
        """Tell whether the closed-over values that were taken as known are still the same."""
        return hold(self.program.guards)

    @property
    def opaque_calls(self) -> list[str]:
        """Functions that only the tape can follow."""
        found = (s.fn for s in all_statements(self.program) if isinstance(s, ir.Opaque))
        return list(dict.fromkeys(getattr(fn, "__qualname__", repr(fn)) for fn in found))

    def explain(self) -> str:
        """Return the program after each pass; before it is emitted, the function alone."""
        shown, before = [], None
        for name, program in self.stages:
            shown.append((name, _activity(before, program) + _function(program)))
            before = program
        shown.append(("simplify", _function(simplify(self.program, self._is_generated))))
        shown.append(("emit", self.text))
        if self.backend != "numpy":
            self.warm()
            refusal = f"# NumPy runs this program: {self.not_native}\n"
            shown.append(("loops", self.native.text if self.native else refusal))
        return "\n\n".join(f"# ---- after {name}\n\n{text}" for name, text in shown)

    # ----------------------------------------------------------------------------- derivatives

    def _derive(
        self, key: Hashable, name: str, make: Callable[[], tuple[ir.Program, list[str]]]
    ) -> Specialisation:
        """Return a derivative, made once. ``make`` tells the roles of new parameters."""
        found = self._derived.get(key)
        if found is None:
            with _LOCK:
                if key not in self._derived:
                    kept = self.kept.derived(key)
                    made, roles = kept.program(self.program, before_running()(make))
                    stages, roles = [*self.stages, (name, made)], self.roles | roles
                    options = (self.backend, self.sizes, self.parallel, kept)
                    self._derived[key] = Specialisation(stages, self.arguments, roles, (), *options)
                found = self._derived[key]
        return found

    def _own(self, places: Sequence[Place]) -> list[Place]:
        """Return the places by the names of this text's parameters; without those it has not."""
        names = {role: name for name, role in self.roles.items()}
        return [(names[role], path) for role, path in places if role in names]

    def silent(self) -> Specialisation:
        """Return the program without its prints, to be run again."""

        def make() -> tuple[ir.Program, list[str]]:
            return without_effects(self.program), []

        return self._derive("silent", "silent", make) if has_effects(self.program) else self

    def gradient(
        self,
        prefixes: Sequence[Place],
        single: bool,
        has_aux: bool,
        with_value: bool,
        guarded: bool = False,
    ) -> Specialisation:
        """Return the program of the gradient (see ``derivatives.gradient``)."""
        key = ("gradient", tuple(prefixes), single, has_aux, with_value, guarded)

        def make() -> tuple[ir.Program, list[str]]:
            program = self.program
            options = (single, has_aux, with_value, guarded)
            made = derivatives.gradient(program, self.arguments, self._own(prefixes), *options)
            return made, []

        return self._derive(key, "reverse", make)

    def pullback(
        self, prefixes: Sequence[Place], guarded: bool = False, alone: bool = False
    ) -> Specialisation:
        """Return the program of result and pulled-back cotangents, or of the latter ``alone``."""

        def make() -> tuple[ir.Program, list[str]]:
            program = self.program
            own, more = self._own(prefixes), {"guarded": guarded, "alone": alone}
            return derivatives.pullback(program, self.arguments, own, **more), ["ct"]

        return self._derive(("pullback", tuple(prefixes), guarded, alone), "reverse", make)

    def split(self, prefixes: Sequence[Place]) -> Split:
        """Return the program of result and residuals, and those of cotangents from them."""
        from .two_sweeps import Split

        key = ("split", tuple(prefixes))
        with _LOCK:
            if key not in self._splits:
                with before_running():
                    made = derivatives.pullback_in_two(
                        self.program, self.arguments, self._own(prefixes)
                    )
                self._splits[key] = Split(self, *made, self.kept.derived(key))
            return self._splits[key]

    def tangent(self, prefixes: Sequence[Place], guarded: bool = False) -> Specialisation:
        """Return the program of result and tangent."""

        def make() -> tuple[ir.Program, list[str]]:
            program = self.program
            wrt = derivatives.inputs_under(program, self._own(prefixes))
            order = dict.fromkeys(program.inputs[name][0] for name in wrt)
            level = 1 + sum(name == "tangent" for name, _ in self.stages)
            roles = [f"dot{level} {self.roles[parameter]}" for parameter in order]
            return replace(tangent(program, wrt, guarded), wrt=tuple(wrt)), roles

        return self._derive(("tangent", tuple(prefixes), guarded), "tangent", make)


def _function(program: ir.Program) -> str:
    """Return the text of a program and its functions, without imports and helpers."""
    return functions_text(in_halves(program))


def _activity(before: ir.Program | None, program: ir.Program) -> str:
    """Say in a comment by which variables a pass has differentiated, and which depend on them."""
    if before is None or not program.wrt:
        return ""
    active = sorted(varied(before, program.wrt) - set(program.wrt))
    lines = textwrap.wrap(f"by {', '.join(program.wrt)}; active: {', '.join(active)}", 96)
    return "".join(f"# {line}\n" for line in lines)


def _are_plain(parameters: Sequence[ir.Parameter]) -> bool:
    return {p.kind for p in parameters} <= {"positional or keyword", "positional-only"}


def infinite_slopes() -> Any:
    """Keep NumPy quiet about slopes such as that of a square root at 0: the result is looked at."""
    return np.errstate(divide="ignore", invalid="ignore")


def call_with(
    function: Callable[..., Any],
    parameters: Sequence[ir.Parameter],
    values: Sequence[Any],
    hidden: dict[str, Any],
) -> Any:
    """Call with parameters of every kind."""
    positional: list[Any] = []
    keywords = dict(hidden)
    for p, value in zip(parameters, values, strict=True):
        if p.kind == "variadic positional":
            positional += value
        elif p.kind == "variadic keyword":
            keywords |= value
        elif p.kind == "keyword-only":
            keywords[p.name] = value
        else:
            positional.append(value)
    return function(*positional, **keywords)
