"""May the iterations of a loop run in any order, and at the same time? What that takes.

They may if none touches what another one writes. What they may share nevertheless:

- numbers that they only add to (or find the largest or smallest of): each chunk of iterations has
  a sum of its own, and these are added in order;
- arrays that they only add to: the same, where the places are not known; where they are known to
  lie a few iterations apart, chunks that are neighbours do not run at the same time;
- stacks of saved values, if each iteration saves, or takes, as many: then it is known where;
- arrays and numbers that each iteration makes anew: each chunk has its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import ir
from ..ir import Assign, Block, Call, Expr, Lit, Var, statements
from ..types import Type
from . import runtime
from .accesses import Access, Alias, touched
from .affine import NEVER, Iteration, iteration_of
from .code import (
    STACK,
    Check,
    Do,
    Gather,
    Loop,
    Make,
    Part,
    Put,
    Python,
    Reshape,
    bindings,
    bound_by,
    is_part,
)
from .contraction import uses
from .coverage import is_overwritten
from .flow import exposed
from .saved import top_of
from .saved_places import net_change, saves_in_order


class Dependent(Exception):  # noqa: N818 (a question answered with no)
    """The iterations have to run one after the other; the text says why."""


@dataclass(slots=True)
class Plan:
    """How iterations may run at the same time."""

    sums: dict[str, Callable[..., Any]] = field(default_factory=dict)
    """Numbers that are gathered -> the function that gathers them."""
    tops: dict[str, Expr] = field(default_factory=dict)
    """Numbers of saved values -> by how many an iteration changes them."""
    last: list[str] = field(default_factory=list)
    """Numbers that are, after the loop, what the last iteration made them."""
    scratch: list[str] = field(default_factory=list)
    """Arrays made before the loop that each iteration writes before it reads them."""
    summed: list[str] = field(default_factory=list)
    """Arrays that are added to at places that are not known."""
    reach: int = 0
    """How many iterations apart two may be that add to the same element."""


@dataclass(slots=True)
class Surroundings:
    """What is known around a loop."""

    live: Set[str]
    """Variables that may be read after it."""
    above: Set[str]
    """Variables that are not negative."""
    alias: Alias
    types: dict[str, Type]
    extents: dict[str, tuple[Expr, ...]]
    """Of arrays, where they stay the same."""
    stacks: Set[str]
    """The stacks of saved values."""


def plan(loop: Loop | ir.For, around: Surroundings) -> Plan:
    """Return how the iterations of a loop may run; raise ``Dependent`` if in order only."""
    _look_at_statements(loop)
    return _Planner(loop, around).planned()


def _look_at_statements(loop: Loop | ir.For) -> None:
    if isinstance(loop, ir.For):
        if loop.until or loop.trips:
            raise Dependent("it may end early")
        if not isinstance(loop.step, Lit) or not loop.step.value:
            raise Dependent("its step is not known")
    for s in statements(loop.body):
        match s:
            case Python(why=why):
                raise Dependent(f"the interpreter runs a part of it: {why}")
            case Do(fn=fn):
                raise Dependent(f"{getattr(fn, '__name__', fn)} is called in it for whole arrays")
            case Loop(var=var) | ir.For(var=var) if var.name == loop.var.name:
                raise Dependent(f"a loop in it has the variable {var.name} too")
            case Assign() | Loop() | ir.For() | ir.While() | ir.If():
                continue
            case Put() | Gather() | Check() | Make() | Part() | Reshape():
                continue
        raise Dependent("arrays change their names in it")


class _Planner:
    def __init__(self, loop: Loop | ir.For, around: Surroundings) -> None:
        self.loop = loop
        self.around = around
        self.plan = Plan()
        self.always: set[str] = {loop.var.name}
        """What each iteration binds."""
        self.carried = exposed(loop.body, self.always)
        self.always.discard(loop.var.name)
        self.binders = Counter(bindings(loop.body))
        self.bound = {*self.binders}
        self.mentions = uses(loop.body)

    def planned(self) -> Plan:
        self._numbers()
        self._arrays()
        return self.plan

    # --------------------------------------------------------------------------- variables

    def _numbers(self) -> None:
        for name in sorted(self.bound):
            if name in self.carried:
                self._carried(name)
            elif name in self.around.live:
                if name not in self.always or self._is_array(name):
                    raise Dependent(f"{name} is read after it")
                self.plan.last.append(name)

    def _is_array(self, name: str) -> bool:
        type_ = self.around.types[name]
        return type_.is_array and type_.ndim > 0

    def _carried(self, name: str) -> None:
        if not self._is_array(name):
            fn = self._gathering(name)
            if fn is not None:
                self.plan.sums[name] = fn
                return
            if name in map(top_of, self.around.stacks):
                self.plan.tops[name] = self._saved(name)
                return
        raise Dependent(f"an iteration needs {name} of the one before")

    def _saved(self, top: str) -> Expr:
        """Return by how much each iteration changes the number of values on a stack."""
        change = net_change(self.loop.body, top, self.bound | {self.loop.var.name})
        if change is None:
            raise Dependent("its iterations do not save equally many values")
        return change

    def _gathering(self, name: str) -> Callable[..., Any] | None:
        """Return how a number is gathered, None if anything else is done with it."""
        fns: set[Any] = set()
        count = 0
        for s in statements(self.loop.body):
            if isinstance(s, Gather) and s.name == name:
                fns.add(s.fn)
                count += 1
            elif isinstance(s, Assign) and s.name == name and _adds_to(s.value, name):
                fns.add(runtime.add_in_any_order)
                count += 2
        if count != self.mentions[name] or len(fns) != 1:
            return None
        fn = fns.pop()
        kind = np.dtype(self.around.types[name].dtype).kind
        known = (runtime.add_in_any_order, runtime.maximum, runtime.minimum)
        return fn if fn in known and kind in "fi" else None

    # ------------------------------------------------------------------------------ arrays

    def _arrays(self) -> None:
        for name in self._bound_elsewhere(self.loop.body):
            raise Dependent(f"{name} is bound in one part of it and used in another")
        iteration = iteration_of(self.loop, self.carried, self.around.above)
        for memory, accesses in self._by_memory().items():
            if all(a.kind == "read" for a in accesses):
                continue
            self._array(memory, accesses, iteration)

    def _bound_elsewhere(self, block: Block) -> Iterator[str]:
        """Yield arrays that are not bound once, in a block that has all uses of them."""
        inside = uses(block)
        names = [name for s in block for name in bound_by(s) if name in self.around.types]
        for name in filter(self._is_array, names):
            if inside[name] < self.mentions[name] or self.binders[name] > 1:
                yield name
        for s in block:
            for inner in s.blocks:
                yield from self._bound_elsewhere(inner)

    def _by_memory(self) -> dict[str, list[Access]]:
        """Return what is touched of each array that was there before the iteration."""
        own = _origins(self.loop.body)
        found: dict[str, dict[Access, None]] = {}
        for access in touched(self.loop.body).elements:
            for origin in _reached(access.name, own):
                if origin is not None:
                    found.setdefault(self.around.alias(origin), {})[access] = None
        for name in [n for n in found if n.startswith(STACK) and not is_part(n)]:
            self._stack(name, {"read" if a.kind == "read" else "add" for a in found.pop(name)})
        return {memory: list(accesses) for memory, accesses in found.items()}

    def _stack(self, name: str, kinds: set[str]) -> None:
        """Make sure that each iteration has elements of a stack for itself."""
        if name not in self.around.stacks:
            raise Dependent(f"{name} has the name of something else")
        if len(kinds) > 1:
            raise Dependent("it saves values and takes some")
        if kinds == {"add"} and not saves_in_order(self.loop.body, name, top_of(name)):
            raise Dependent("it saves values at places that are not known")

    def _array(self, memory: str, accesses: list[Access], iteration: Iteration) -> None:
        names = {a.name for a in accesses}
        reach = _reach(accesses, iteration)
        name = names.pop()
        if names:
            raise Dependent(f"{name} and {names.pop()} are the same memory")
        if reach is not None:
            self.plan.reach = max(self.plan.reach, reach)
        elif all(a.kind == "add" for a in accesses) and self._is_number_array(name):
            self.plan.summed.append(name)
        elif self._is_scratch(name, memory):
            self.plan.scratch.append(name)
        else:
            raise Dependent(f"an iteration may touch what another one writes of {name}")

    def _is_number_array(self, name: str) -> bool:
        return np.dtype(self.around.types[name].dtype).kind in "fiu"

    def _is_scratch(self, name: str, memory: str) -> bool:
        is_read_later = any(self.around.alias(n) == memory for n in self.around.live)
        extents = self.around.extents.get(name)
        if is_read_later or extents is None:
            return False
        return is_overwritten(self.loop.body, name, extents)


def _adds_to(e: Expr, name: str) -> bool:
    """Tell whether an expression is a variable plus what has nothing to do with it."""
    match e:
        case Var(name=own):
            return own == name
        case Call(fn=fn, args=(a, b)) if fn in (np.add, runtime.sum_of):
            for one, other in ((a, b), (b, a)):
                if name not in ir.names_in(other):
                    return _adds_to(one, name)
        case Call(fn=fn, args=(a, b)) if fn in (np.subtract, runtime.difference_of):
            return name not in ir.names_in(b) and _adds_to(a, name)
    return False


def _origins(block: Block) -> dict[str, set[str | None]]:
    """Return, for the arrays that a block binds, which array each is, None for a new one."""
    found: dict[str, set[str | None]] = {}
    for s in statements(block):
        match s:
            case Make(name=name):
                found.setdefault(name, set()).add(None)
            case Part(name=name, array=array) | Reshape(name=name, array=array):
                found.setdefault(name, set()).add(array.name)
            case Assign(name=name, value=Var(name=source) as value) if value.type.is_array:
                found.setdefault(name, set()).add(source)
    return found


def _reached(name: str, own: dict[str, set[str | None]]) -> Iterator[str | None]:
    seen, left = {name}, [name]
    while left:
        for origin in own.get(current := left.pop(), {current}):
            if origin is None or origin not in own:
                yield origin
            elif origin not in seen:
                seen.add(origin)
                left.append(origin)


def _reach(accesses: list[Access], iteration: Iteration) -> int | None:
    """Return how many iterations apart two may be that add to the same element, None if any."""
    found = 0
    for k, a in enumerate(accesses):
        for b in accesses[k:]:
            if (a.kind, b.kind) == ("read", "read"):
                continue
            apart = iteration.distance(a, b)
            if apart is None or (apart not in (0, NEVER) and (a.kind, b.kind) != ("add", "add")):
                return None
            found = found if apart == NEVER else max(found, abs(int(apart)))
    return found
