"""In-place stores and views, with NumPy's own meaning.

Values are recorded as versions. The node that the user holds (the *handle*) swaps its class to
``Aliased`` at its first store and from then on forwards to its latest version; consumers that came
earlier keep the record that they read. All versions share one buffer, which is written in place, so
a loop of n stores is O(n): what is read from it is a copy of that region, and only a read of the
whole makes the next store copy the buffer.

A view knows the handle that owns its memory and the *steps* (indexing, reshape, ...) that lead from
the owner's buffer to its region. The same steps lead to the same region of a cotangent.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import getitem as getitem_step
from typing import Any

import numpy as np

from .._core import Primitive, Tracer, array_behind, is_array
from .memory import Steps, frozen, is_basic, is_mask, walk
from .node import CONSTANT, Aliased, Ended, Node, ended_error, new_node, next_order
from .regions import pull_getitem, pull_getitem_at, pull_getitem_view, pull_read


class View:
    """The link of a view: its region of the owner's memory, and the record of what it held."""

    __slots__ = ("owner", "record", "steps", "version")

    def __init__(self, owner: Node, steps: Steps, version: int) -> None:
        self.owner = owner
        self.steps = steps
        self.version = version
        self.record: Node | None = None  # None: the view's own record is still right

    def current(self, node: Node) -> Node:
        """Return the record of the region as it is now: read again after a store."""
        if type(self.owner) is not Aliased:
            if type(self.owner) is Ended:
                raise ended_error()
            return node
        version = self.owner.link.version
        if version != self.version:
            self.record = _read_view(self.owner, self.steps)
            self.version = version
        return node if self.record is None else self.record


class FreshView:
    """The link of ``x[index]`` until more is asked than its value: ``View`` is made then."""

    __slots__ = ()

    def current(self, node: Node) -> Node:
        """Return the view's own record, as long as the owner was not stored into."""
        return node if type(node.a) is Node else known_view(node).current(node)


FRESH = FreshView()


class Store:
    """The link of a node that was stored into: its latest version.

    ``owned``: nobody but the versions holds the buffer, so that it may be written.
    """

    __slots__ = ("latest", "owned", "version")

    def __init__(self, first: Node) -> None:
        self.latest = first
        self.owned = False
        self.version = 0

    def current(self, node: Node) -> Node:
        """Return the latest version, to be read as a whole: the next store will copy."""
        self.owned = False
        return self.latest


def is_view(x: Any) -> bool:
    """Tell a view from an array of its own."""
    return type(x) is Aliased and type(x.link) is not Store


def known_view(x: Node) -> View:
    """Return the link of a view; it is made where only its value was asked for till now."""
    if x.link is FRESH:
        x.link = View(x.a, ((getitem_step, (x.aux,)),), 0)
    link: View = x.link
    return link


def place_of(x: Node) -> tuple[Node, Steps]:
    """Return the owner of a node's memory and the steps to the node's region."""
    if is_view(x):
        link = known_view(x)
        return link.owner, link.steps
    return x, ()


def is_stored(owner: Node) -> bool:
    """Tell whether an owner was stored into."""
    return type(owner) is Aliased


def is_handle(x: Node) -> bool:
    """Tell whether a node is, or is a view of, an array that was stored into."""
    return is_stored(place_of(x)[0])


# -- reading ---------------------------------------------------------------------------------------


def getitem(x: Node, index: Any) -> Node:
    """Record ``x[index]``: a view for a basic index, else a copy."""
    basic = is_basic(index)
    if not basic:
        index = frozen(index)
    if type(x) is Aliased:
        owner, steps = place_of(x)
        if type(owner) is Aliased:
            return _getitem_of_stored(x, owner, steps, index, basic)
        x.current()  # refuses an ended one
    else:
        owner, steps = x if type(x) is Node else x.current(), ()
    memory = x.value
    value = memory[index]
    kind = type(value)
    viewed = basic and (
        kind is np.ndarray is type(memory)
        or (kind is not np.float64 and is_array(value) and is_array(memory))
    )
    node = Aliased() if viewed else Node()
    node.value = value
    node.scope = x.scope
    node.a = x.a if x.aux is CONSTANT else x
    node.b = None
    node.aux = index
    node.ct = None
    node.order = next_order()
    if viewed:
        if owner.pull is None:
            keep_leaf(owner)
        node.pull = pull_getitem_view
        if owner is node.a:
            node.link = FRESH
        else:
            node.link = View(owner, (*steps, (getitem_step, (index,))), 0)
    else:
        node.pull = pull_getitem if basic or is_mask(index) else pull_getitem_at
    return node


def _getitem_of_stored(x: Node, owner: Node, steps: Steps, index: Any, basic: bool) -> Node:
    """Record an element that was stored into, or make a view that is read when it is used."""
    memory = owner.link.latest.value
    if steps:
        memory = walk(steps, memory)
        if not array_behind(memory).flags.writeable:
            return getitem(x.current(), index)
    value = memory[index]
    if type(value) is np.float64 or not (basic and is_array(value)):  # its own copy already
        return new_node(x.scope, value, pull_read, owner.link.latest, None, (steps, index))
    return _late_view(x, value, owner, (*steps, (getitem_step, (index,))))


def _late_view(x: Node, value: Any, owner: Node, steps: Steps) -> Node:
    """Make a view of a stored-into array: a handle without a record, read when it is used."""
    node = Aliased()
    node.scope = x.scope
    node.value = value
    node.link = View(owner, steps, -1)
    return node


def _read_view(owner: Node, steps: Steps) -> Node:
    """Record a copy of what a view of a stored-into array holds now."""
    latest = owner.link.latest
    region = walk(steps, latest.value)
    if not array_behind(region).flags.writeable:  # np.diagonal, np.broadcast_to: no += for these
        record: Node = walk(steps, owner.current()).current()
        return record
    copy = region.copy("K") if type(region) is np.ndarray else np.copy(region)
    return new_node(owner.scope, copy, pull_read, latest, None, (steps, Ellipsis))


def shares_memory(y: Any, x: Any) -> bool:
    """Tell whether the result of an operation is a view of its operand."""
    if type(y) is np.ndarray:
        return type(x) is np.ndarray and y.size > 0 and np.may_share_memory(y, x)
    if isinstance(y, Node) and isinstance(x, Node):
        return place_of(y)[0] is place_of(x)[0]
    both_traced = isinstance(y, Tracer) and isinstance(x, Tracer)
    return both_traced and is_array(y) and shares_memory(y.value, x.value)  # duals


def keep_leaf(owner: Node) -> None:
    """Take note of the user's own array when a view of it is made, whose numbers may be read."""
    if owner.pull is None and type(owner.value) is np.ndarray:
        owner.scope.captured.add(owner.value)


def view_of(node: Node, primitive: Primitive, args: Sequence[Any], x: Node) -> Node:
    """Turn the record of an operation on the handle ``x`` into a view of it."""
    owner, steps = place_of(x)
    keep_leaf(owner)
    node.__class__ = Aliased
    node.link = View(owner, (*steps, (primitive.call, tuple(args[1:]))), 0)
    return node


def record_view(primitive: Primitive, args: Sequence[Any], x: Node) -> Node | None:
    """Make a view of a stored-into array, read when it is used; None if it is not a view."""
    owner, steps = place_of(x)
    live = walk(steps, owner.link.latest.value)
    value = primitive.call(live, *args[1:])
    if not shares_memory(value, live):
        return None
    return _late_view(x, value, owner, (*steps, (primitive.call, tuple(args[1:]))))
