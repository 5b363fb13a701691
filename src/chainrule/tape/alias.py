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

from .._core import Primitive, Tracer, array_behind, is_array, plain, top_trace
from ..errors import MutationError, ShapeError
from ..rules import indexing
from ..rules._central import restore
from .node import GENERAL, PENDING, Aliased, Node, accumulate, new_node, next_order

Steps = tuple[tuple[Any, tuple[Any, ...]], ...]


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
            return node
        version = self.owner.link.version
        if version != self.version:
            self.record = _read_view(self.owner, self.steps)
            self.version = version
        return node if self.record is None else self.record


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


def walk(steps: Steps, array: Any) -> Any:
    """Follow the steps of a view from its owner's array."""
    for call, args in steps:
        array = call(array, *args)
    return array


def place_of(x: Node) -> tuple[Node, Steps]:
    """Return the owner of a node's memory and the steps to the node's region."""
    if type(x) is Aliased and type(x.link) is View:
        return x.link.owner, x.link.steps
    return x, ()


def is_stored(owner: Node) -> bool:
    """Tell whether an owner was stored into."""
    return type(owner) is Aliased


def is_handle(x: Node) -> bool:
    """Tell whether a node is, or is a view of, an array that was stored into."""
    return type(x) is Aliased and (type(x.link) is Store or is_stored(x.link.owner))


_BASIC = frozenset((int, slice, type(None), type(Ellipsis), np.int64, np.intp))


def is_basic(index: Any) -> bool:
    """Tell whether an index makes a view: integers, slices, None and Ellipsis."""
    kind = type(index)
    if kind in _BASIC:
        return True
    if kind is tuple:
        for item in index:
            if type(item) not in _BASIC and not is_basic(item):
                return False
        return True
    return isinstance(index, np.integer)


def frozen(index: Any) -> Any:
    """Copy the arrays and lists of an advanced index: they may change before the sweep."""
    if type(index) is tuple:
        return tuple(frozen(i) for i in index)
    if isinstance(index, list):
        return np.array(index) if index else np.array(index, np.intp)
    return index.copy() if isinstance(index, np.ndarray) else index


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
    else:
        owner, steps = x, ()
    value = x.value[index]
    viewed = basic and type(value) is not np.float64 and is_array(value)
    node = Aliased() if viewed else Node()
    node.value = value
    node.scope = x.scope
    node.a = x
    node.b = None
    node.aux = index
    node.ct = None
    node.order = next_order()
    node.pull = pull_getitem if basic or _is_mask(index) else pull_getitem_at
    if viewed:
        node.link = View(owner, (*steps, (getitem_step, (index,))), 0)
    return node


def _getitem_of_stored(x: Node, owner: Node, steps: Steps, index: Any, basic: bool) -> Node:
    """Record an element that was stored into, or make a view that is read when it is used."""
    value = walk(steps, owner.link.latest.value)[index]
    if not (basic and is_array(value)):
        return _read(owner, steps, index)
    node = Aliased()
    node.scope = x.scope
    node.value = value
    node.link = View(owner, (*steps, (getitem_step, (index,))), -1)
    return node


def _is_mask(index: Any) -> bool:
    return isinstance(index, np.ndarray) and index.dtype == bool


def _read(owner: Node, steps: Steps, index: Any) -> Node:
    """Record a copy of a region of a stored-into array."""
    latest = owner.link.latest
    value = walk(steps, latest.value)[index]
    if is_array(value):
        value = np.copy(value)
    return new_node(owner.scope, value, pull_read, latest, None, (steps, index))


def _read_view(owner: Node, steps: Steps) -> Node:
    """Record what a view of a stored-into array holds now."""
    region = walk(steps, owner.link.latest.value)
    if not plain(region).flags.writeable:  # np.diagonal, np.broadcast_to: its transpose is no +=
        record: Node = walk(steps, owner.current())
        return record.current()
    return _read(owner, steps, Ellipsis)


def shares_memory(y: Any, x: Any) -> bool:
    """Tell whether the result of an operation is a view of its operand."""
    if type(y) is np.ndarray:
        return type(x) is np.ndarray and y.size > 0 and np.may_share_memory(y, x)
    if isinstance(y, Node) and isinstance(x, Node):
        return place_of(y)[0] is place_of(x)[0]
    both_traced = isinstance(y, Tracer) and isinstance(x, Tracer)
    return both_traced and is_array(y) and shares_memory(y.value, x.value)  # duals


def view_of(node: Node, primitive: Primitive, args: Sequence[Any], x: Node) -> Node:
    """Turn the record of an operation on the handle ``x`` into a view of it."""
    owner, steps = place_of(x)
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
    node = Aliased()
    node.scope = x.scope
    node.value = value
    node.link = View(owner, (*steps, (primitive.call, tuple(args[1:]))), -1)
    return node


# -- writing ---------------------------------------------------------------------------------------


def setitem(x: Node, index: Any, value: Any) -> None:
    """Perform ``x[index] = value``, through views to the owner of the memory."""
    owner, steps = place_of(x)
    if not is_basic(index):
        index = frozen(index)
    elif _is_region(value, owner, (*steps, (getitem_step, (index,)))):
        return  # x[i] += y has already stored through the view x[i]
    store(owner, steps, index, value)


def _is_region(value: Any, owner: Node, steps: Steps) -> bool:
    if type(value) is not Aliased or type(value.link) is not View:
        return False
    return value.link.owner is owner and value.link.steps == steps


def inner_store() -> MutationError:
    """Make the error for a store from an inner derivative into an outer one's array."""
    return MutationError(
        "A value of an inner derivative is stored into an array of an outer one, "
        "where its derivative would be lost",
        "make the array inside the inner function (np.zeros_like(x) of its argument), "
        "or copy it there first",
    )


def store(owner: Node, steps: Steps, index: Any, value: Any) -> None:
    """Write to a region of the owner's buffer and record the new version."""
    tape = owner.scope
    source = value.current() if isinstance(value, Tracer) else None
    if source is not None and source.scope.level > tape.level:
        raise inner_store()
    active = source is not None and source.scope is tape
    inner = source.value if source is not None and active else value
    link = _store_link(owner)
    if not link.owned:
        buffer = writable_copy(link.latest.value)
    else:
        buffer = link.latest.value
    buffer = lift(buffer, inner)
    walk(steps, buffer)[index] = inner
    winners = None if is_basic(index) else _winners(walk(steps, buffer), index)
    link.latest = new_node(
        tape, buffer, pull_store, link.latest, source if active else None, (steps, index, winners)
    )
    link.owned = True
    link.version += 1


def _store_link(owner: Node) -> Store:
    if not is_stored(owner):
        if not is_array(owner.value):
            raise TypeError("a traced scalar does not support item assignment, as a NumPy scalar")
        owner.link = Store(owner)
        owner.__class__ = Aliased
        owner.scope.stored.append(owner)
    link: Store = owner.link
    return link


def settle(tape: Any) -> None:
    """Make plain records of the handles that were stored into, once the function has ended.

    A handle is also the record of its first version, on which later versions may depend: without
    this, the cycle would keep the graph until the cycle collector finds it.
    """
    for handle in tape.stored:
        handle.__class__ = Node
        del handle.link
    tape.stored.clear()


def writable_copy(value: Any) -> Any:
    """Copy an array; the copy is laid out alike, so that it has the same views."""
    if isinstance(value, Tracer):
        return np.copy(value)
    copy = with_layout(value)
    copy[...] = value
    return copy


def with_layout(value: Any) -> Any:
    """Make an array of the same shape, dtype and strides."""
    if value.flags.forc or 0 in value.strides:
        return np.empty_like(value)
    low, high = np.lib.array_utils.byte_bounds(value)
    memory = np.zeros(high - low, np.uint8)
    start = value.__array_interface__["data"][0] - low
    return np.ndarray(value.shape, value.dtype, memory, start, value.strides)


def lift(buffer: Any, value: Any) -> Any:
    """Make a buffer one of all the outer traces that the value to be stored belongs to."""
    top = top_trace([value])
    if top is None or (isinstance(buffer, Tracer) and buffer.scope.level >= top.level):
        return buffer
    for part in value.current().parts():
        buffer = lift(buffer, part)
    return top.constant(buffer)


def _winners(target: Any, index: Any) -> Any:
    """Mask of the stored elements that survive: of duplicates in an index the last one does."""
    if _is_mask(index):
        return None
    order = np.full(target.shape, -1)
    stored = np.arange(order[index].size).reshape(order[index].shape)
    order[index] = stored
    survive = order[index] == stored
    return None if survive.all() else survive


def assign(x: Node, new: Any) -> Node:
    """Give a handle a new value in place, as ``x += y`` and ``out=x`` do."""
    if new.shape != x.shape:
        raise ShapeError(
            f"In-place operation: a result of shape {new.shape} does not fit into shape {x.shape}",
            "write it out of place: x = x + y",
        )
    if not np.can_cast(new.dtype, x.dtype, "same_kind"):
        raise TypeError(f"cannot cast a {new.dtype} result to {x.dtype} in place")
    owner, steps = place_of(x)
    same_layout = array_behind(new).strides == array_behind(x).strides
    if steps or not same_layout or new.dtype != x.dtype or getattr(new, "scope", 0) is not x.scope:
        store(owner, steps, Ellipsis, new)
        return x
    link = _store_link(owner)
    link.latest = new.current()
    link.owned = False
    link.version += 1
    return x


# -- pullbacks -------------------------------------------------------------------------------------


def own_cotangent(node: Node) -> Any:
    """Return a node's cotangent as a buffer that may be written, laid out as its value."""
    ct = node.ct
    owned = node.scope.owned
    if id(node) in owned:
        return ct
    if ct is PENDING:
        value = node.value
        if value.flags.c_contiguous:
            buffer = np.zeros(value.shape, value.dtype)
        else:
            buffer = np.zeros_like(value)
    else:
        buffer = np.empty_like(node.value)
        buffer[...] = ct
    node.ct = buffer
    owned.add(id(node))
    return buffer


def _own_region(node: Node, steps: Steps) -> Any:
    """Return the region of a node's own cotangent that the steps lead to."""
    buffer = own_cotangent(node)
    region = walk(steps, buffer)
    if steps and not np.may_share_memory(region, buffer):  # a reshape of another layout copies
        node.scope.owned.discard(id(node))
        region = walk(steps, own_cotangent(node))
    return region


def pull_getitem(node: Node) -> None:
    """Add to the region of the parent that a basic index or a mask read."""
    region = own_cotangent(node.a)
    index = node.aux
    region[index] += node.ct


def pull_getitem_at(node: Node) -> None:
    """Add to the elements of the parent that an index array read, duplicates included."""
    np.add.at(own_cotangent(node.a), node.aux, node.ct)


def pull_read(node: Node) -> None:
    """Add to the region of a stored-into array that was read."""
    steps, index = node.aux
    region = _own_region(node.a, steps)
    if is_basic(index) or _is_mask(index):
        region[index] += node.ct
    else:
        np.add.at(region, index, node.ct)


def pull_store(node: Node) -> None:
    """Move the cotangent of the written region to the value; the rest goes to the array before."""
    steps, index, winners = node.aux
    region = _own_region(node, steps)
    if node.b is not None:
        ct = np.array(region[index])[()]
        accumulate(node.b, restore(ct if winners is None else ct * winners, node.b.value))
    region[index] = 0
    parent = node.a
    if parent.ct is PENDING:
        node.scope.owned.add(id(parent))
        parent.ct = node.ct
    else:
        parent.ct = parent.ct + node.ct


def _general_read(node: Node) -> None:
    steps, index = node.aux
    accumulate(node.a, _scatter(node.ct, steps, index, node.a.value))


def _general_getitem(node: Node) -> None:
    accumulate(node.a, _scatter(node.ct, (), node.aux, node.a.value))


def _scatter(ct: Any, steps: Steps, index: Any, like: Any) -> Any:
    """Zeros, with ``ct`` added to one region."""
    if not steps:
        return indexing.scatter_add(ct, index, like.shape)
    buffer = lift(np.zeros_like(plain(like)), ct)
    region = walk(steps, buffer)
    region[...] = indexing.scatter_add(ct, index, region.shape)
    return buffer


def _general_store(node: Node) -> None:
    steps, index, winners = node.aux
    buffer = lift(np.zeros_like(plain(node.value)), node.ct)
    buffer[...] = node.ct
    region = walk(steps, buffer)
    if node.b is not None:
        ct = np.copy(region[index])[()]
        accumulate(node.b, restore(ct if winners is None else ct * winners, node.b.value))
    region[index] = 0
    accumulate(node.a, buffer)


GENERAL.update(
    {
        pull_getitem: _general_getitem,
        pull_getitem_at: _general_getitem,
        pull_read: _general_read,
        pull_store: _general_store,
    }
)
