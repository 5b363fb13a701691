"""Which variables a loop's body defines anew in every iteration."""

from __future__ import annotations

from . import ir
from .ir import Block


def local_names(body: Block) -> set[str]:
    """Variables that every iteration defines before it reads them."""
    exposed: set[str] = set()
    assigned: set[str] = set()
    _scan(body, set(), exposed, assigned)
    return assigned - exposed


def _scan(body: Block, defined: set[str], exposed: set[str], assigned: set[str]) -> set[str]:
    """Return what is surely defined after a block; collect reads that come before a definition."""
    for s in body:
        for expr in ir.expressions(s):
            exposed |= ir.names_in(expr) - defined
        match s:
            case ir.If():
                then = _scan(s.then, set(defined), exposed, assigned)
                defined = then & _scan(s.orelse, set(defined), exposed, assigned)
            case ir.For(var=var, until=until):
                inner = _scan(s.body, defined | {var.name}, exposed, assigned)
                exposed |= ({until} if until else set()) - inner
                assigned.add(var.name)
            case ir.While(until=until):
                inner = _scan(s.body, set(defined), exposed, assigned)
                exposed |= ({until} if until else set()) - inner
            case ir.Store(target=target) | ir.Pop(target=target):
                exposed |= {target.name} - defined
            case ir.Alias(name=name, root=root):
                exposed |= {root} - defined
                defined.add(name)
                assigned.add(name)
            case _:
                defined.update(ir.written(s))
                assigned.update(ir.written(s))
    return defined
