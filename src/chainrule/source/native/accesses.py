"""What statements of a kernel read and write: the elements of arrays, and variables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .. import ir
from ..ir import Block, Expr, Stmt, Var, statements
from . import runtime
from .code import (
    PART,
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
    Return,
    is_part,
)

POOL = "pool"
"""In the names of arrays that are cut into parts which do not overlap."""


@dataclass(frozen=True, slots=True)
class Access:
    """An element of an array that is touched. ``index`` is None for all of them."""

    array: str
    """Stands for all arrays that may share this one's memory."""
    index: tuple[Expr, ...] | None
    kind: str
    """``read``, ``write``, or ``add``: an update whose order is free."""
    name: str = ""
    """The array itself: places of two names for the same memory are not compared."""


@dataclass(slots=True)
class Touched:
    """All that some statements touch."""

    elements: list[Access] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    """Variables that are read; of arrays, where they lie and their shape."""
    bound: set[str] = field(default_factory=set)
    """Variables that are bound."""
    gathered: dict[str, object] = field(default_factory=dict)
    """Variables that reductions gather into, with their steps."""
    checks: bool = False

    def arrays(self, *kinds: str) -> set[str]:
        """Return the arrays that are touched in one of these ways."""
        return {a.array for a in self.elements if a.kind in kinds}


Alias = Callable[[str], str]
"""From an array to the name that stands for all that may share its memory."""


def touched(block: Block, alias: Alias = str) -> Touched:
    """Return what the statements of a block touch, those of inner blocks included."""
    found = Touched()
    for statement in statements(block):
        _add(found, statement)
    found.elements = [replace(a, array=alias(a.array), name=a.array) for a in found.elements]
    found.bound |= {alias(name) for name in found.bound if alias(name) != name}
    return found


def aliases(block: Block, parts: bool = False) -> Alias:
    """Return which arrays of a kernel may share memory: by another shape, or a second name.

    ``parts``: arrays that lie on one stack count as sharing it.
    """
    parent: dict[str, str] = {}

    def find(name: str) -> str:
        while parent.get(name, name) != name:
            name = parent[name]
        return name

    for s in statements(block):
        if isinstance(s, Part) and s.array.name.startswith(POOL):
            continue
        if isinstance(s, Reshape) or (parts and isinstance(s, Part)):
            parent[find(s.name)] = find(s.array.name)
        elif isinstance(s, ir.Assign) and isinstance(s.value, Var) and s.value.type.is_array:
            parent[find(s.name)] = find(s.value.name)
        elif isinstance(s, ir.Move):
            for target, source in zip(s.targets, s.sources, strict=True):
                parent[find(target)] = find(source.name)
    return find


def _add(found: Touched, s: Stmt) -> None:
    match s:
        case Put():
            _add_put(found, s)
        case Gather(name=name, fn=fn, value=value):
            found.gathered[name] = fn
            _read(found, value)
        case Make(name=name) | Part(name=name) | Reshape(name=name):
            found.bound.add(name)
            _read_all(found, s)
            if isinstance(s, (Part, Reshape)):
                found.read.add(s.array.name)
        case Do():
            _add_call(found, s)
        case Python(statement=statement, results=results):
            found.bound |= {name for name, _ in results}
            found.bound |= {*ir.written(statement)}
            found.checks = True
            for name in ir.names_in(*ir.expressions(statement)):
                found.read.add(name)
                found.elements.append(Access(name, None, "write"))
        case Return(values=values):
            for name in ir.names_in(*values):  # the others are sizes that are known
                found.read.add(name)
                found.elements.append(Access(name, None, "read"))
        case Check(holds=holds):
            found.checks = True
            _read(found, holds)
        case Loop(var=var, extent=extent):
            found.bound.add(var.name)
            _read(found, extent)
        case _:
            found.bound |= {*ir.written(s)}
            if isinstance(s, (ir.For, ir.While)) and s.until:
                found.read.add(s.until)
            _read_all(found, s)


def _add_put(found: Touched, s: Put) -> None:
    name = s.array.name
    found.read.add(name)
    if name.startswith(STACK) and not is_part(name):
        found.elements.append(Access(name, None, "add"))  # each save has its place
    else:
        _touch(found, name, s.index, "write" if s.op is None else "add")
    for expr in (*s.index, s.value):
        _read(found, expr)


def _add_call(found: Touched, s: Do) -> None:
    found.bound |= {*s.names}
    for arg in s.args:
        if isinstance(arg, Var) and arg.type.is_array:
            found.read.add(arg.name)
            kind = "write" if s.fn is runtime.room else "read"
            found.elements.append(Access(arg.name, None, kind))
        else:
            _read(found, arg)


def _touch(found: Touched, array: str, index: tuple[Expr, ...], kind: str) -> None:
    found.elements.append(Access(array, index, kind))
    if is_part(array):
        stack = array[: array.index(PART)]
        found.elements.append(Access(stack, None, "read" if kind == "read" else "add"))


def _read_all(found: Touched, s: Stmt) -> None:
    for expr in ir.expressions(s):
        _read(found, expr)


def _read(found: Touched, expr: Expr) -> None:
    names, parts = ir.reads(expr)
    found.read.update(names)
    for part in parts:
        assert isinstance(part.base, Var)
        _touch(found, part.base.name, part.index, "read")


def variables_apart(a: Touched, b: Touched) -> bool:
    """Tell whether neither piece binds, or gathers into, a variable that the other one touches.

    Both may gather into one by the same steps.
    """
    if any(a.gathered[name] is not b.gathered[name] for name in a.gathered.keys() & b.gathered):
        return False
    if (a.checks and b.checks) or a.bound & (b.read | b.bound) or b.bound & a.read:
        return False
    pairs = ((a, b), (b, a))
    return not any(set(one.gathered) & (other.read | other.bound) for one, other in pairs)


def independent(a: Touched, b: Touched) -> bool:
    """Tell whether two pieces may change places: neither writes what the other one touches."""
    if not variables_apart(a, b):
        return False
    for one, other in ((a, b), (b, a)):
        written = one.arrays("write", "add")
        if written & other.arrays("read", "write") or written & other.bound:
            return False
    return True
