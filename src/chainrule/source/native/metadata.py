"""What LLVM is told about loops: that their iterations do not depend on each other."""

# mypy: disable-error-code="no-untyped-call, misc"
from __future__ import annotations

from typing import Any

from llvmlite import ir as llvm

from .. import ir
from ..ir import Block, Lit, Var, statements
from .accesses import touched
from .code import Gather, Loop, Put
from .fusion import NEVER, order


class Distinct(llvm.MDValue):
    """Metadata that is equal to itself alone; that of a loop begins with itself."""

    def __init__(
        self, module: Any, values: tuple[Any, ...], begins_with_itself: bool = False
    ) -> None:
        super().__init__(module, values, name=str(len(module.metadata)))
        if begins_with_itself:
            self.operands: tuple[Any, ...] = (self, *values)

    def descr(self, buf: list[str]) -> None:
        """Write the metadata."""
        inside = ", ".join(operand.get_reference() for operand in self.operands)
        buf += (f"distinct !{{ {inside} }}", "\n")

    def __hash__(self) -> int:
        return id(self)


def parallel(module: Any, group: Any) -> Any:
    """Return metadata that say: no access of this group depends on another iteration."""
    accesses = module.add_metadata(
        [llvm.MetaDataString(module, "llvm.loop.parallel_accesses"), group]
    )
    return Distinct(module, (accesses,), begins_with_itself=True)


def stay_one(branch: Any, module: Any, body: Block) -> None:
    """Say that a loop around longer ones is not written out, of however few iterations it is.

    LLVM would multiply all that is in it, which takes longer to compile and is hardly faster.
    """
    if any(map(_is_long, statements(body))):
        wish = module.add_metadata([llvm.MetaDataString(module, "llvm.loop.unroll.disable")])
        branch.set_metadata("llvm.loop", Distinct(module, (wish,), begins_with_itself=True))


def _is_long(s: ir.Stmt) -> bool:
    """Tell a loop of which nobody knows how many iterations it has."""
    match s:
        case Loop(extent=extent):
            return not isinstance(extent, Lit)
        case ir.For(start=start, stop=stop):
            return not (isinstance(start, Lit) and isinstance(stop, Lit))
    return isinstance(s, ir.While)


def meet_never(var: Var, body: Block, shared: set[str]) -> bool:
    """Tell whether no iteration of an innermost loop touches what another one writes.

    ``shared``: arrays whose memory another name may stand for.
    """
    if any(not isinstance(s, (Put, Gather, ir.Assign)) for s in body):
        return False
    found = touched(body)
    written = found.arrays("write", "add")
    if written & shared and len({a.array for a in found.elements} & shared) > 1:
        return False
    changing = found.bound | {*found.gathered}
    accesses = [a for a in found.elements if a.array in written]
    return all(
        order(a, b, var, changing) in ((0.0,) if a is b and a.kind != "read" else (0.0, NEVER))
        for a in accesses
        for b in accesses
        if a.array == b.array and (a.kind, b.kind) != ("read", "read")
    )
