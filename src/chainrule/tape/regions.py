"""The pullbacks of reads and stores: they add to, and take from, regions of one buffer."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import plain
from ..rules import indexing
from ..rules._central import restore
from .memory import (
    Steps,
    is_basic,
    is_mask,
    laid_out_as,
    lift,
    walk,
    with_layout,
    zeros_laid_out_as,
)
from .node import GENERAL, PENDING, Node, accumulate


def own_cotangent(node: Node) -> Any:
    """Return a node's cotangent as a buffer that may be written, laid out as its value."""
    ct = node.ct
    owned = node.scope.owned
    if id(node) in owned and type(ct) is np.ndarray:  # a sum of 0-d arrays is a new scalar
        return ct
    if ct is PENDING:
        value = node.value
        if value.flags.c_contiguous:
            buffer = np.zeros(value.shape, value.dtype)
        else:
            buffer = zeros_laid_out_as(value)
    else:
        buffer = with_layout(node.value)
        buffer[...] = ct
    node.ct = buffer
    owned.add(id(node))
    return buffer


def _own_region(node: Node, steps: Steps) -> Any:
    """Return the region of a node's own cotangent that the steps lead to."""
    buffer = own_cotangent(node)
    region = walk(steps, buffer)
    if region.base is not buffer and not np.may_share_memory(region, buffer):
        # a reshape of another layout has copied
        node.scope.owned.discard(id(node))
        region = walk(steps, own_cotangent(node))
    return region


def pull_getitem_view(node: Node) -> None:
    """Add to the region of the parent that a view shows."""
    parent = node.a
    buffer = parent.ct
    if buffer is PENDING:
        own_cotangent(parent)[node.aux] = node.ct
        return
    if type(buffer) is not np.ndarray or id(parent) not in node.scope.owned:
        buffer = own_cotangent(parent)
    region = buffer[node.aux]
    region += node.ct


def pull_getitem(node: Node) -> None:
    """Add to the element or elements of the parent that an index or a mask read."""
    region = own_cotangent(node.a)
    index = node.aux
    region[index] += node.ct


def pull_getitem_at(node: Node) -> None:
    """Add to the elements of the parent that an index array read, duplicates included."""
    np.add.at(own_cotangent(node.a), node.aux, node.ct)


def pull_read(node: Node) -> None:
    """Add to the region of a stored-into array that was read."""
    steps, index = node.aux
    region = _own_region(node.a, steps) if steps else own_cotangent(node.a)
    if is_basic(index) or is_mask(index):
        region[index] += node.ct
    else:
        np.add.at(region, index, node.ct)


def pull_store(node: Node) -> None:
    """Move the cotangent of the written region to the value; the rest goes to the array before."""
    steps, index, winners = node.aux
    region = _own_region(node, steps) if steps else own_cotangent(node)
    if node.b is not None:
        ct, value = region[index], node.b.value
        if type(ct) is not np.float64 or type(value) is not np.float64:
            ct = np.array(ct)[()] if winners is None else ct * winners
            if ct.shape != value.shape or ct.dtype is not value.dtype:
                ct = restore(ct, value)
        accumulate(node.b, ct)
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
    buffer = lift(zeros_laid_out_as(plain(like)), ct)
    region = walk(steps, buffer)
    region[...] = indexing.scatter_add(ct, index, region.shape)
    return buffer


def _general_store(node: Node) -> None:
    steps, index, winners = node.aux
    buffer = laid_out_as(node.value, node.ct)
    region = walk(steps, buffer)
    if node.b is not None:
        ct = np.copy(region[index])[()]
        accumulate(node.b, restore(ct if winners is None else ct * winners, node.b.value))
    region[index] = 0
    accumulate(node.a, buffer)


GENERAL.update(
    {
        pull_getitem: _general_getitem,
        pull_getitem_view: _general_getitem,
        pull_getitem_at: _general_getitem,
        pull_read: _general_read,
        pull_store: _general_store,
    }
)
