"""What a user holds: a function as a program, specialised to the arguments of each call."""

from __future__ import annotations

import functools
import importlib.util
import itertools
import keyword
import os
import sys
import threading
import types
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from .._core import plain, top_trace
from .._trees import map_leaves
from ..errors import ArgumentError, UnsupportedError
from . import typestrings
from .again import Reads, is_again
from .alike import OTHER
from .before_running import before_running
from .kept import kept_of
from .lower import lower
from .primitive import TracedCall
from .repeated import Known, Repeated
from .shortcuts import Shortcuts
from .signature import Binder, Place, Signature, at_place, exact_key, key_at, leaves, show
from .specialise import Specialisation, infinite_slopes
from .two_sweeps import Split

_MANY = 512
"""Signatures looked up by their exact shapes; beyond, the table is started anew."""


class Program(Shortcuts):
    """A function turned into a program: callable as the function, with its text as ``source``.

    Made by ``cr.compile``. The text is made at the first call with arguments of new types, and
    kept. Arrays that the function changes are copied first: a caller's array stays as it is.
    """

    __name__: str

    def __init__(
        self,
        fn: Callable[..., Any],
        binder: Any = None,
        backend: str = "numpy",
        parallel: bool = False,
    ) -> None:
        functools.update_wrapper(self, fn)
        self.backend = backend
        self.parallel = parallel
        self.__name__ = getattr(fn, "__name__", "program")
        self.fn = fn
        self.binder: Any = binder or Binder(fn)
        self._last: Specialisation | Split | None = None
        self._ran = threading.local()  # what this thread ran last
        self._lock = threading.RLock()
        self._families: dict[Hashable, _Family] = {}
        self._quick: dict[Hashable, _Family] = {}
        self._plain: set[Hashable] = set()
        self._repeated = Repeated[Known](self.binder.names)
        self._derived: dict[Hashable, Program] = {}
        self.pushing, self.pulling = Shortcuts(), Shortcuts()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program."""
        for shortcut in self.shortcuts:
            result = shortcut(args, kwargs)
            if result is not OTHER:
                return result
        values = self.binder(args, kwargs)
        known = self._repeated.find(exact_key(values), values)
        return self.call(values) if known is None else known.call(self, args, kwargs, values)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Bind as a method."""
        return self if instance is None else types.MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<Program {getattr(self, '__qualname__', self.fn)}>"

    def __copy__(self) -> Program:
        """Programs are like functions: a copy is the same one."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Program:
        return self

    def __reduce__(self) -> Any:
        """Pickle as a function does: by name, else as the program of a function that can be."""
        found: Any = sys.modules.get(self.fn.__module__)
        for part in self.fn.__qualname__.split("."):
            found = getattr(found, part, None)
        if found is self:
            return self.fn.__qualname__
        return _unpickled, (self.fn, self.backend, self.parallel)

    # -------------------------------------------------------------------------------- looking

    @property
    def source(self) -> str:
        """The text of the program, for arguments of the types of the last call."""
        return self._latest().text

    def explain(self) -> str:
        """Return the program after each pass, for arguments of the types of the last call."""
        return self._latest().explain()

    @property
    def opaque_calls(self) -> list[str]:
        """Functions without a rule or source, differentiated by running them on a tape."""
        return self._latest().opaque_calls

    def show(self, made: Specialisation | Split) -> None:
        """Let ``source`` be the text of this."""
        self._last = made

    def _latest(self) -> Specialisation | Split:
        if self._last is None:
            raise ArgumentError(
                f"{self!r} has no text yet: it depends on the types of the arguments",
                "call it first, or name the arguments: p.specialise(*args).source",
            )
        return self._last

    def specialise(self, *args: Any, **kwargs: Any) -> Program:
        """Make the program for these arguments without running it; return the Program itself."""
        self._last = self.specialised(self.binder(args, kwargs))
        return self

    def for_types(self, text: str) -> Program:
        """Make the program for arguments of given types, as in ``"f8[:,:], i8, i8=3"``."""
        given = typestrings.parse(text)
        return self.specialise(*given)

    def warm(self, *args: Any, **kwargs: Any) -> Program:
        """Compile the program without running it; return the Program itself.

        Takes arguments like those of later calls, or types as ``for_types`` does.

        >>> import chainrule as cr
        >>> cr.compile(lambda x: x * x, backend="numpy").warm("f8[:]").source.splitlines()[-1]
        '    return x * x'
        """
        if args and all(isinstance(arg, str) for arg in args):
            self.for_types(", ".join(args))
        else:
            self.specialise(*args, **kwargs)
        self._latest().warm()
        return self

    # -------------------------------------------------------------------------------- running

    def call(self, values: Sequence[Any]) -> Any:
        """Run the program with a value for each parameter."""
        key = exact_key(values)
        known = self._repeated.find(key, values)
        if known is not None:
            self._last = known.spec
            return known.function(*values)
        if key not in self._plain:  # plain values of types that were not seen yet, or traced ones
            if top_trace([x for _, x in self.places(values)]) is not None:
                return self._traced(key, values)
            if len(self._plain) >= _MANY:
                self._plain.clear()
            self._plain.add(key)
        spec = self.specialised(values)
        result = self.run(spec, values)
        function = self.repeating(spec, values)
        if function is not None:
            self._repeated.note(key, values, Known(spec, function))
        return result

    def _traced(self, key: Hashable, values: Sequence[Any]) -> Any:
        """Call the program with values of which some are traced."""
        call = TracedCall(self, values)
        result = call.traced(*values)
        if not is_again():
            self._repeated.note(key, values, Known(call.spec, call.traced, call))
        return result

    def repeating(self, spec: Specialisation, values: Sequence[Any]) -> Callable[..., Any] | None:
        """Return a function that does all that another call like this one takes, or None."""
        function = spec.direct(self.binder.names)
        if function is None:
            return None
        arrays = [x for _, x in self.places(values) if isinstance(x, np.ndarray)]
        if spec.program.changed and len(arrays) > 1:
            function = _after(lambda *values: self.check_sharing(spec, values), function)
        if spec.program.hidden:
            function = _after(lambda *values: setattr(self._ran, "spec", spec), function)
        return function

    def run(self, spec: Specialisation, values: Sequence[Any]) -> Any:
        """Run the program made for these values."""
        self._last = self._ran.spec = spec
        self.check_sharing(spec, values)
        if not spec.program.spliced:
            return spec.run(self.binder.names, values)
        with infinite_slopes():  # of derivatives that the function takes itself
            return spec.run(self.binder.names, values)

    def specialised(self, values: Sequence[Any]) -> Specialisation:
        """Return the program for the types of these values, made if need be."""
        key = exact_key(values)
        family = self._quick.get(key)
        if family is None:
            family = self._family(key, values)
        spec = family.pick(values)
        return spec.silent() if is_again() else spec

    def made_for(self, values: Sequence[Any]) -> Specialisation:
        """Return the program for these values, of which some may be traced."""
        return self.specialised([map_leaves(plain, value) for value in values])

    def reads(self, values: Sequence[Any]) -> Reads:
        """Return what a call closes over, as it is now, to run it again later."""
        return self.made_for(values).reads()

    def _family(self, key: Hashable, values: Sequence[Any]) -> _Family:
        with self._lock:
            signature = self.binder.signature_of(values)
            if len(self._quick) >= _MANY:
                self._quick.clear()
                self._families.clear()
            family = self._families.setdefault(signature.key, _Family(self))
            self._quick[key] = family
            return family

    def stand_ins(self) -> Sequence[Any]:
        """Return arguments like those that the program shown was made for."""
        made = self._latest()
        assert isinstance(made, Specialisation)
        return made.stand_ins

    def lower(self, signature: Signature) -> Specialisation:
        """Make the program for a signature."""
        with before_running():
            program = lower(self.fn, signature, self._identifier())
        arguments, sizes = signature.arguments(program.static), signature.sizes()
        return Specialisation(
            [("lower", program)],
            arguments,
            stand_ins=signature.stand_ins(),
            backend=self.backend,
            sizes=sizes,
            parallel=self.parallel,
            kept=kept_of(self.backend, program, arguments, sizes, self.parallel),
        )

    def _identifier(self) -> str:
        """Return the name of the emitted function."""
        name = self.__name__
        return name if name.isidentifier() and not keyword.iskeyword(name) else "function"

    def places(self, values: Sequence[Any]) -> list[tuple[Place, Any]]:
        """Return the leaves of all arguments with their places."""
        return [
            ((name, path), leaf)
            for name, value in zip(self.binder.names, values, strict=True)
            for path, leaf in leaves(value)
        ]

    def check_sharing(self, spec: Specialisation, values: Sequence[Any]) -> None:
        """Refuse a changed array that shares memory with another, which would change too."""
        if not spec.program.changed:
            return
        found = [(p, x) for p, x in self.places(values) if isinstance(x, np.ndarray)]
        for (place, a), (other, b) in itertools.combinations(found, 2):
            changed = place in spec.program.changed or other in spec.program.changed
            if changed and np.may_share_memory(a, b) and np.shares_memory(a, b):
                raise ArgumentError(
                    f"{show(place)} and {show(other)} share memory, and {self.__name__} changes "
                    "one of them",
                    f"pass a copy: {show(other)}.copy()",
                )

    @property
    def root(self) -> Program:
        """The Program that derivatives were taken of first: this one."""
        return self

    def hidden_arrays(self) -> set[int]:
        """Return the identities of closed-over values, which results must not share."""
        spec: Specialisation | None = getattr(self._ran, "spec", None)
        hidden = spec.hidden() if spec is not None and spec.program.hidden else {}
        return {id(x) for x in hidden.values()}

    def derived(self, key: Hashable, make: Callable[[], Program]) -> Program:
        """Return a derivative of this program, made once."""
        with self._lock:
            if key not in self._derived:
                self._derived[key] = make()
            return self._derived[key]


class _Family:
    """The programs of one signature: they differ in static values and in what is closed over."""

    def __init__(self, program: Program) -> None:
        self.owner = program
        self.static: tuple[Place, ...] = ()
        self.table: dict[Hashable, list[Specialisation]] = {}

    def pick(self, values: Sequence[Any]) -> Specialisation:
        """Return the program for these values, made if need be."""
        for spec in self.table.get(self._key(values), ()):
            if spec.holds():
                return spec
        with self.owner._lock:
            for spec in self.table.get(self._key(values), ()):
                if spec.holds():
                    return spec
            return self._made(values)

    def _made(self, values: Sequence[Any]) -> Specialisation:
        spec = self.owner.lower(self.owner.binder.signature_of(values))
        new = [place for place in spec.program.static if place not in self.static]
        if new:  # programs made without a look at these values stay right for theirs alone
            self.static += tuple(new)
            self.table = {}
        self.table.setdefault(self._key(values), []).append(spec)
        return spec

    def _key(self, values: Sequence[Any]) -> Hashable:
        if not self.static:
            return ()
        given = dict(zip(self.owner.binder.names, values, strict=True))
        return tuple(key_at(at_place(given, place)) for place in self.static)


def _after(first: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    def both(*values: Any) -> Any:
        first(*values)
        return function(*values)

    return both


def compile_(
    fn: Callable[..., Any], *, backend: str | None = None, parallel: bool | None = None
) -> Program:
    """Return the program of a function (see ``chainrule.compile``).

    None stands for what a program has already, else for the default.
    """
    if not callable(fn):
        raise ArgumentError(f"compile takes a function, not {fn!r}", "cr.compile(f)")
    if isinstance(fn, Program):
        if backend in (None, fn.backend) and parallel in (None, fn.parallel):
            return fn
        if type(fn) is not Program:
            raise ArgumentError(
                f"{fn!r} is a derivative of a program, which says how it is compiled",
                "compile the function so: cr.grad(cr.compile(f, ...))",
            )
        backend = backend or fn.backend
        parallel = fn.parallel if parallel is None else parallel
        fn = fn.fn
    found = backend_called(backend)
    if parallel and found == "numpy":
        raise UnsupportedError(
            "parallel=True needs machine code, and the backend of this program is NumPy",
            'write cr.compile(f, backend="numba", parallel=True), which takes the package Numba '
            "(pip install 'chainrule[compile]'), or leave parallel out",
        )
    return Program(fn, backend=found, parallel=bool(parallel))


def _unpickled(fn: Callable[..., Any], backend: str, parallel: bool = False) -> Program:
    return compile_(fn, backend=backend, parallel=parallel)


def backend_called(name: str | None) -> str:
    """Return a backend by its name.

    None stands for what the environment variable CHAINRULE_BACKEND says, else for Numba where it is
    installed, else for NumPy.
    """
    name = name or os.environ.get("CHAINRULE_BACKEND") or None
    has_numba = importlib.util.find_spec("numba") is not None
    if name is None:
        return "numba" if has_numba else "numpy"
    if name not in ("numba", "numpy"):
        raise UnsupportedError(
            f"There is no backend {name!r}",
            'write "numba" or "numpy", or leave backend out',
        )
    if name == "numba" and not has_numba:
        raise UnsupportedError(
            "The backend 'numba' needs the package Numba",
            "install it (pip install 'chainrule[compile]'), or leave backend out",
        )
    return name
