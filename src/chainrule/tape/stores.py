"""Writing: ``x[i] = v``, ``x += v`` and ``out=x``, through views to the owner of the memory."""

from __future__ import annotations

from operator import getitem as getitem_step
from typing import Any

import numpy as np

from .._core import Tracer, array_behind, is_array
from ..errors import MutationError, ShapeError
from .alias import Store, is_stored, is_view, place_of
from .memory import Steps, frozen, is_basic, lift, walk, winners_of, writable_copy
from .node import CONSTANT, Aliased, Ended, Node, new_node
from .regions import pull_store


def setitem(x: Node, index: Any, value: Any) -> None:
    """Perform ``x[index] = value``, through views to the owner of the memory."""
    value = as_one(value)
    owner, steps = place_of(x)
    if not is_basic(index):
        index = frozen(index)
    elif _is_region(value, owner, (*steps, (getitem_step, (index,)))):
        return  # x[i] += y has already stored through the view x[i]
    store(owner, steps, index, value)


def as_one(value: Any) -> Any:
    """Return a list or tuple that holds traced values as the array that NumPy makes of numbers."""
    if not isinstance(value, (list, tuple)):
        return value
    items = [as_one(item) for item in value]
    return np.stack(items) if any(isinstance(item, Tracer) for item in items) else value


def _is_region(value: Any, owner: Node, steps: Steps) -> bool:
    if not is_view(value):
        return False
    its_owner, its_steps = place_of(value)
    return its_owner is owner and _same(its_steps, steps)


def _same(a: Any, b: Any) -> bool:
    """Compare two steps; arrays among their arguments are the same only if identical."""
    if a is b:
        return True
    if type(a) is tuple and type(b) is tuple:
        return len(a) == len(b) and all(map(_same, a, b))
    return not (isinstance(a, np.ndarray) or isinstance(b, np.ndarray)) and bool(a == b)


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
    source = None
    if isinstance(value, Tracer):
        source = value if type(value) is Node else value.current()
    if source is not None and source.scope.level > tape.level:
        raise inner_store()
    active = source is not None and source.scope is tape
    inner = source.value if source is not None and active else value
    link = owner.link if is_stored(owner) else _first_store(owner)
    latest = link.latest
    buffer = latest.value if link.owned else writable_copy(latest.value)
    if isinstance(inner, Tracer):
        buffer = lift(buffer, inner)
    region = walk(steps, buffer) if steps else buffer
    region[index] = inner
    winners = None if is_basic(index) else winners_of(region, index)
    parent = source if active else None
    link.latest = new_node(tape, buffer, pull_store, latest, parent, (steps, index, winners))
    link.owned = True
    link.version += 1


def _first_store(owner: Node) -> Store:
    owner.current()  # refuses an ended one
    if not is_array(owner.value):
        raise TypeError("a traced scalar does not support item assignment, as a NumPy scalar")
    first = owner
    if owner.aux is CONSTANT:
        first = owner.a
    else:
        owner.scope.stored.append(owner)
    link = owner.link = Store(first)
    owner.__class__ = Aliased
    return link


def settle(tape: Any) -> None:
    """Make plain records of the handles that were stored into, once the function has ended.

    A handle is also the record of its first version, on which later versions may depend: without
    this, the cycle would keep the graph until the cycle collector finds it.
    """
    for handle in tape.stored:
        handle.__class__ = Ended
        del handle.link
    tape.stored.clear()


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
    link = owner.link if is_stored(owner) else _first_store(owner)
    link.latest = new.current()
    link.owned = False
    link.version += 1
    return x
