"""What statements of a kernel read and write: the elements of arrays, and variables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .. import ir
from ..ir import Block, Dim, Expr, Index, Stmt, Var
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
    statements,
)


@dataclass(frozen=True, slots=True)
class Access:
    """An element of an array that is touched. ``index`` is None for all of them."""

    array: str
    index: tuple[Expr, ...] | None
    kind: str
    """``read``, ``write``, or ``add``: an update whose order is free."""


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


def touched(block: Block) -> Touched:
    """Return what the statements of a block touch, those of inner blocks included."""
    found = Touched()
    for statement in statements(block):
        _add(found, statement)
    return found


def _add(found: Touched, s: Stmt) -> None:
    match s:
        case Put(array=array, index=index, value=value, op=op):
            found.read.add(array.name)
            kind = "write" if op is None else "add"
            if array.name.startswith(STACK) and not is_part(array.name):
                found.elements.append(Access(array.name, None, "add"))  # each save has its place
            else:
                _touch(found, array.name, index, kind)
            for expr in (*index, value):
                _read(found, expr)
        case Gather(name=name, fn=fn, value=value):
            found.gathered[name] = fn
            _read(found, value)
        case Make(name=name) | Part(name=name) | Reshape(name=name):
            found.bound.add(name)
            _read_all(found, s)
            if isinstance(s, (Part, Reshape)):
                _share(found, s.array.name)
        case Do(names=names, args=args, fn=fn):
            found.bound |= {*names}
            for arg in args:
                if isinstance(arg, Var) and arg.type.is_array:
                    found.read.add(arg.name)
                    kind = "write" if fn is runtime.room else "read"
                    found.elements.append(Access(arg.name, None, kind))
                else:
                    _read(found, arg)
        case Python(statement=statement, results=results):
            found.bound |= {name for name, _ in results}
            found.bound |= {*ir.written(statement)}
            found.checks = True
            for name in ir.names_in(*ir.expressions(statement)):
                found.read.add(name)
                found.elements.append(Access(name, None, "write"))
        case Return(values=values):
            for var in values:
                assert isinstance(var, Var)
                found.read.add(var.name)
                found.elements.append(Access(var.name, None, "read"))
        case Check(holds=holds):
            found.checks = True
            _read(found, holds)
        case Loop(var=var, extent=extent):
            found.bound.add(var.name)
            _read(found, extent)
        case _:
            found.bound |= {*ir.written(s)}
            for name in _shared(s):
                _share(found, name)
            if isinstance(s, (ir.For, ir.While)) and s.until:
                found.read.add(s.until)
            _read_all(found, s)


def _shared(s: Stmt) -> Iterator[str]:
    """Yield the arrays that a statement gives a second name."""
    sources: tuple[Expr, ...] = s.sources if isinstance(s, ir.Move) else ()
    sources = (s.value,) if isinstance(s, ir.Assign) else sources
    yield from (e.name for e in sources if isinstance(e, Var) and e.type.is_array)


def _share(found: Touched, array: str) -> None:
    """Note a second name: whoever reads by it must not come before what is written by the first."""
    found.read.add(array)
    found.elements.append(Access(array, None, "read"))


def _touch(found: Touched, array: str, index: tuple[Expr, ...], kind: str) -> None:
    found.elements.append(Access(array, index, kind))
    if is_part(array):
        stack = array[: array.index(PART)]
        found.elements.append(Access(stack, None, "read" if kind == "read" else "add"))


def _read_all(found: Touched, s: Stmt) -> None:
    for expr in ir.expressions(s):
        _read(found, expr)


def _read(found: Touched, expr: Expr) -> None:
    for e in ir.walk(expr):
        if isinstance(e, Index) and isinstance(e.base, Var):
            _touch(found, e.base.name, e.index, "read")
        elif isinstance(e, Var):
            found.read.add(e.name)


def loads(expr: Expr) -> Iterator[Index]:
    """Yield the elements of arrays that an expression reads."""
    for e in ir.walk(expr):
        if isinstance(e, Index) and isinstance(e.base, Var):
            yield e


def shape_reads(expr: Expr) -> Iterator[str]:
    """Yield the arrays whose shape an expression reads."""
    for e in ir.walk(expr):
        if isinstance(e, Dim) and isinstance(e.base, Var):
            yield e.base.name


def independent(a: Touched, b: Touched) -> bool:
    """Tell whether two pieces may change places: neither writes what the other one touches."""
    if a.checks and b.checks:
        return False
    if (a.bound & (b.read | b.bound)) or (b.bound & a.read):
        return False
    for one, other in ((a, b), (b, a)):
        if set(one.gathered) & (other.read | other.bound):
            return False
        written = one.arrays("write", "add")
        if written & other.arrays("read", "write") or written & other.bound:
            return False
    return True
