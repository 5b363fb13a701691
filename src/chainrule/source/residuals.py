"""A Program run once, and the way back from its residuals, as often as wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._core import top_trace
from .._trees import leaves_of, map_leaves
from .again import Reads, again
from .derived import is_nan
from .native.leaving import Leave
from .primitive import snapshot, with_generators
from .products import pull
from .program import Program
from .signature import Place
from .specialise import infinite_slopes
from .two_sweeps import Split


@dataclass(slots=True)
class Pulled:
    """What a run of a Program left behind: cotangents come from here, and nothing runs again.

    Threads may call it at the same time.
    """

    program: Program
    values: list[Any]
    """The arguments as they were before the run."""
    places: Sequence[Place]
    reads: Reads
    made: Split
    residuals: tuple[Any, ...]

    def __call__(self, ct: Any) -> Sequence[Any]:
        """Return one cotangent per place, for a cotangent of the result; arrays of their own."""
        if top_trace(list(leaves_of(ct))) is not None:  # a derivative of this is wanted
            with again(self.reads):
                return pull(self.program, self.values, self.places, ct)
        try:
            with infinite_slopes():
                cts = self.made.reverse.function(*self.residuals, ct)
                if any(is_nan(leaf) for leaf in leaves_of(cts)):
                    cts = self.made.guarded.function(*self.residuals, ct)
        except Leave:  # NumPy cannot go on from what machine code has saved
            with again(self.reads):
                return pull(self.program, self.values, self.places, ct)
        return owned(cts, {*memory(self.residuals), *memory(ct)})  # type: ignore[no-any-return]


def run_once(
    program: Program, values: Sequence[Any], places: Sequence[Place]
) -> tuple[Any, Pulled]:
    """Run a Program; return its result and what pulls cotangents of it back to some places.

    The run works on copies of the arrays among the values: they may change afterwards. Random
    numbers are drawn from the generators themselves.
    """
    spec = program.specialised(values)
    program.check_sharing(spec, values)
    made = spec.split(places)
    program.show(spec)
    held, reads = snapshot(values), spec.reads()
    hidden = {name: reads[read] for name, read in spec.program.hidden.items()}
    given = with_generators(held, values)
    result, residuals = made.forward.call(program.binder.names, given, hidden)
    seen = set(memory((residuals, given, list(hidden.values()))))
    return owned(result, seen), Pulled(program, held, places, reads, made, residuals)


def memory(tree: Any) -> Iterator[int]:
    """Yield the identities of arrays in containers, and of those that they are views of."""
    for x in leaves_of(tree):
        if isinstance(x, np.ndarray):
            yield id(x)
            if x.base is not None:
                yield id(x.base)


def owned(tree: Any, seen: set[int]) -> Any:
    """Copy the arrays of a result that may be memory of others, or of each other."""

    def own(x: Any) -> Any:
        if isinstance(x, np.ndarray):
            if x.base is not None or id(x) in seen:
                x = x.copy()
            seen.add(id(x))
        return x

    return map_leaves(own, tree)
