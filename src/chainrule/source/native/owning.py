"""Do the arrays that a kernel returns belong to nobody else?"""

from __future__ import annotations

from collections.abc import Iterator

from .. import ir
from ..ir import Assign, Block, Var, statements
from .code import Do, Make, Part, Python, Reshape, Return
from .lowering import Kernel


def owns_results(kernel: Kernel) -> bool:
    """Tell whether each array returned was made by the call, and no two are the same memory."""
    made: set[str] = set()
    sources: dict[str, set[str]] = {}
    for name, source in _bindings(kernel.body):
        if source is None:
            made.add(name)
        else:
            sources.setdefault(name, set()).add(source)
    taken: set[str] = set()
    for statement in statements(kernel.body):
        values = statement.values if isinstance(statement, Return) else ()
        for value in values:
            if not (value.type.is_array and value.type.ndim):
                continue
            if not isinstance(value, Var):
                return False
            reached = _reached(value.name, sources)
            if not {name for name in reached if name not in sources} <= made or reached & taken:
                return False
            taken |= reached
    return True


def _bindings(block: Block) -> Iterator[tuple[str, str | None]]:
    """Yield arrays with what they are: another variable, None for new memory, "" for neither."""
    for statement in statements(block):
        match statement:
            case Make(name=name):
                yield name, None
            case Assign(name=name, value=Var(name=source)) if statement.value.type.is_array:
                yield name, source
            case Assign(name=name, value=value) if value.type.is_array:
                yield name, ""
            case ir.Move(targets=targets, sources=values):
                for name, value in zip(targets, values, strict=True):
                    yield name, value.name if isinstance(value, Var) else ""
            case Reshape(name=name, array=array):
                yield name, array.name
            case Part(name=name):
                yield name, ""
            case Do(names=names):
                yield from ((name, "") for name in names)
            case Python(results=results):
                yield from ((name, "") for name, _ in results)


def _reached(name: str, sources: dict[str, set[str]]) -> set[str]:
    """Return a variable and all whose memory it may hold."""
    found, left = {name}, [name]
    while left:
        new = sources.get(left.pop(), set()) - found
        found |= new
        left += new
    return found
