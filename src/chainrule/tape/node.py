"""The record of one operation, and the tape that makes it.

A ``Node`` is at once the value that the user holds and the entry of the computational graph: what
was computed, from which parents, and the pullback that sends its cotangent to them. Parents come
first in ``order``; nothing else holds the graph together, so what nobody can reach is freed.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._allocator import keep_freed_memory
from .._core import Primitive, Trace, Tracer, is_array, note_cut
from ..errors import TraceError
from ..rules._central import zeros
from .array import ArrayTracer
from .captured import Captured

CONSTANT = "constant"
"""The ``aux`` of a made array: its record is its parent's; no record refers to the handle."""

next_order = itertools.count(1).__next__


class Node(ArrayTracer):
    """One recorded operation.

    ``value``: what was computed; ``a``, ``b``: the parents (``b`` may be a tuple of them, either
    may be None); ``aux``: constants that the pullback needs; ``pull``: the pullback, None for a
    leaf; ``ct``: the cotangent, during a sweep; ``link``: of an ``Aliased`` node only.
    """

    __slots__ = ("a", "aux", "b", "ct", "link", "order", "pull", "scope", "value")
    a: Any
    b: Any
    aux: Any
    ct: Any
    pull: Any
    order: int
    link: Any

    def held(self) -> Any:
        """Return a record of its own: this node may become a handle at its first store."""
        if not is_array(self):
            return self
        now = self.current()
        return new_node(now.scope, now.value, pull_same, now)


class Aliased(Node):
    """A node whose memory is shared: a view of another node, or one that was stored into.

    The class of a node is swapped to this one at its first store. Its ``link`` says which record
    now stands for it.
    """

    __slots__ = ()

    def current(self) -> Node:
        """Return the record that holds this value as it is now."""
        record: Node = self.link.current(self)
        return record


def ended_error() -> TraceError:
    """Make the error for a stored-into array, or a view of one, that is used too late."""
    return TraceError(
        "An array that was stored into is used after the call in which it was traced has ended",
        "return it from the differentiated function (has_aux=True), or keep "
        "cr.stop_gradient(x) of it",
    )


class Ended(Node):
    """A handle that was stored into, after the function: a record of its first version only."""

    __slots__ = ()

    def current(self) -> Node:
        """Refuse: what it held at the end is not known any more."""
        raise ended_error()


def new_node(
    tape: Any, value: Any, pull: Any, a: Any = None, b: Any = None, aux: Any = None
) -> Node:
    """Make a record. The generated code does the same inline."""
    node = Node()
    node.scope = tape
    node.value = value
    node.pull = pull
    node.a = a
    node.b = b
    node.aux = aux
    node.ct = None
    node.order = next_order()
    return node


class Tape(Trace):
    """A reverse-mode trace: its nodes are differentiated together."""

    __slots__ = ("captured", "lock", "owned", "stored", "unclean")

    def __init__(self) -> None:
        super().__init__()
        keep_freed_memory()
        self.captured = Captured()
        self.lock = threading.Lock()
        self.unclean: Any = []
        self.owned: set[int] = set()
        self.stored: list[Node] = []

    def root(self, value: Any) -> Node:
        """Make a leaf: a number or a floating-point array to differentiate by."""
        value = as_inexact(value)
        if isinstance(value, Tracer):
            value = self.captured.keep(value)
        return new_node(self, value, None)

    def constant(self, value: Any) -> Node:
        """Make a leaf of zero derivative, to be stored into."""
        return new_node(self, value, pull_same, new_node(self, value, None), aux=CONSTANT)

    def recorder(self, brief: Any) -> Callable[..., Any] | None:
        """Return the function that calls and records a compiled function."""
        from .programs import recorder

        return recorder(brief)

    def record(self, primitive: Primitive, args: Sequence[Any], active: dict[int, Any]) -> Any:
        """Apply a primitive and record it; the way for all that has no generated code."""
        first = next(iter(active))
        may_view = primitive.form == "linear" and len(primitive.args) == 1 and not first
        if may_view:
            from . import alias

            if alias.is_handle(active[first]):
                view = alias.record_view(primitive, args, active[first])
                if view is not None:
                    return view
                may_view = False
        values, saved, records = list(args), list(args), []
        for i, x in active.items():
            record = x.current()
            records.append(record)
            values[i], saved[i] = record.value, None
        value = primitive.call(*values)
        value = value if hasattr(value, "dtype") or type(value) is tuple else np.asarray(value)[()]
        primitive.refuse_closure(value, self.level)
        if not is_inexact(value):
            note_cut(primitive.name, records)
            return value
        for record in records:
            if record.pull is None and type(record.value) is not np.float64:
                self.captured.keep(record.value)
        saved = [None if x is None else self.captured.keep(x) for x in saved]
        parents = tuple(records)
        rest = parents[1] if len(parents) == 2 else parents[1:] or None
        aux = (primitive, saved, tuple(active))
        node = new_node(self, value, pull_recorded, parents[0], rest, aux)
        if type(value) is tuple:
            return tuple(
                new_node(self, v, pull_select, node, None, k) if is_inexact(v) else v
                for k, v in enumerate(value)
            )
        if may_view and alias.shares_memory(value, values[first]):
            return alias.view_of(node, primitive, args, active[first])
        return node


def as_inexact(value: Any) -> Any:
    """Return a traceable value: integers become float64, 0-d arrays become scalars."""
    if isinstance(value, Tracer):
        return value
    array = np.asarray(value)
    if array.dtype.kind in "iuO":  # an object: an integer of more than 64 bits
        array = array.astype(float)
    return array[()] if array.ndim == 0 else array


def is_inexact(value: Any) -> bool:
    """Tell whether a result can have a derivative: ``np.sum(x, dtype=int)`` has none."""
    return type(value) is tuple or value.dtype.kind in "fc"


def parents_of(node: Node) -> tuple[Node, ...]:
    """Return the parents of a record, in argument order."""
    if node.a is None:
        return ()
    if node.b is None:
        return (node.a,)
    return (node.a, *node.b) if type(node.b) is tuple else (node.a, node.b)


class Pending:
    """The mark of a node that a sweep has reached but no cotangent has."""


PENDING: Any = Pending()


def accumulate(node: Node, ct: Any) -> None:
    """Add a cotangent to a parent's."""
    present = node.ct
    node.ct = ct if present is PENDING else present + ct


def _recorded_arguments(node: Node) -> list[Any]:
    _, saved, positions = node.aux
    args = list(saved)
    for i, parent in zip(positions, parents_of(node), strict=True):
        args[i] = parent.value
    return args


def pull_recorded(node: Node) -> None:
    """Pull back through a node that ``Tape.record`` made."""
    primitive, _, positions = node.aux
    parents = parents_of(node)
    args = _recorded_arguments(node)
    node.scope.captured.check(args)
    cts = primitive.vjp_all(positions, node.ct, node.value, args)
    for parent, ct in zip(parents, cts, strict=True):
        present = parent.ct
        parent.ct = ct if present is PENDING else present + ct


def pull_called(node: Node) -> None:
    """Pull back through a call of a compiled function, by what was written for it."""
    brief = node.aux[0]
    if brief.pullback is None:
        from .programs import pullback

        brief.pullback = pullback(brief)
    brief.pullback(node)


def pull_same(node: Node) -> None:
    """Pull back through a record that holds what another one holds."""
    accumulate(node.a, node.ct)


def pull_select(node: Node) -> None:
    """Pull back from one output of several to the record that has them all."""
    parent, k = node.a, node.aux
    if parent.ct is PENDING:
        parent.ct = [zeros(v) for v in parent.value]
    parent.ct[k] = parent.ct[k] + node.ct


GENERAL: dict[Callable[[Node], None], Callable[[Node], None]] = {
    pull_recorded: pull_recorded,
    pull_called: pull_recorded,
    pull_same: pull_same,
    pull_select: pull_select,
}
"""Fast pullback -> the general one, which is guarded and works on traced values."""

UNGUARDED: dict[Any, Callable[[Node], None]] = {}
"""General pullback -> the fast one that is right for real traced values too, but not guarded."""

OPERATIONS: dict[Any, tuple[Primitive, Callable[[Node], list[Any]]]] = {}
"""General pullback of generated code -> its primitive, and what unpacks a record's arguments."""


def operation_of(node: Node) -> tuple[Primitive | None, str, list[Any]]:
    """Return a record's primitive (None for a leaf, a read or a store), its name and arguments."""
    if node.pull is pull_recorded or node.pull is pull_called:
        primitive = node.aux[0]
        return primitive, primitive.name, _recorded_arguments(node)
    if node.pull is None:
        return None, "input", []
    general = GENERAL[node.pull]
    if general in OPERATIONS:
        primitive, unpack = OPERATIONS[general]
        return primitive, primitive.name, unpack(node)
    return None, general.__name__.removeprefix("_general_").removeprefix("pull_"), []
