"""Both sweeps of a program's own functions, and of the calls of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from . import ir
from .activity import varied
from .adjoint import sweeps
from .callees import Callees
from .fold import map_blocks
from .ir import Block, Invoke, Turn, Var
from .rulecode import Rules
from .tangent import fresh_names
from .types import SAVED, Type


class Sweeps(Callees):
    """Functions of two sweeps: the first returns what the second needs to pull cotangents back.

    ``guarded``: whether their products are (see ``Rules``).
    """

    def __init__(self, functions: dict[str, ir.Program], guarded: bool, store_all: bool) -> None:
        super().__init__(functions)
        self.guarded = guarded
        self.store_all = store_all
        self.sources: dict[str, tuple[ir.Program, tuple[int, ...]]] = {}
        """The function that each was made of, and the parameters that get a cotangent."""

    def forwards(self) -> dict[str, ir.Program]:
        """Return the functions as their callers run them, without the ways back."""
        return self.functions | {name: source for name, (source, _) in self.sources.items()}

    def opened(self, block: Block, active: set[str], fresh: Callable[[str, Type], Var]) -> Block:
        """Return a block with calls of first sweeps, where the derivative goes through them."""
        done: Block = []
        for s in block:
            s = map_blocks(s, lambda inner: self.opened(inner, active, fresh))
            if isinstance(s, Invoke) and active & set(s.names):
                wanted = self.active(s.function, s.args, active)
                saved = fresh(f"{s.function}_saved", SAVED)
                name = self._sweeps(s.function, wanted)
                s = replace(s, function=name, names=(*s.names, saved.name), half="forward")
            done.append(s)
        return done

    def _sweeps(self, name: str, wanted: tuple[int, ...]) -> str:
        function = self.functions[name]

        def make(new: str) -> ir.Program:
            self.sources[new] = (function, wanted)
            return self._made(function, new, wanted)

        return self.version(name, ("reverse", wanted), "forward", make)

    def _made(self, function: ir.Program, name: str, wanted: Sequence[int]) -> ir.Program:
        """Return a function in two sweeps."""
        wrt = [function.parameters[k].name for k in wanted]
        fresh = fresh_names(function, self.functions)
        floats = [e for e in function.result if e.type.is_differentiable]
        cts = [fresh(f"{_hint(e)}_ct", e.type) for e in floats]
        forward, ((reverse, found),) = sweeps(
            function,
            wrt,
            varied(function, wrt),
            [Rules(function, fresh, self.guarded)],
            fresh,
            list(zip(floats, cts, strict=True)),
            self.store_all,
            self,
        )
        names = tuple(ct.name for ct in cts)
        return replace(
            function,
            name=name,
            body=[*forward, Turn(function.result, names), *reverse],
            result=tuple(found[n] for n in wrt),
            types=fresh.types,
            inputs=function.inputs | {n: (n, ()) for n in names},
        )


def _hint(expr: ir.Expr) -> str:
    return expr.name if isinstance(expr, Var) else "y"
