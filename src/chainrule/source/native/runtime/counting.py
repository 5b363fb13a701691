"""Counts and histograms; convolutions."""

# mypy: ignore-errors
from __future__ import annotations

import numpy as np

from ..leaving import Leave
from ..pipeline import part_of_kernels
from .memory import empty, zeros
from .sorting import search


@part_of_kernels
def counted(values, least):
    """Return how often each number from 0 on occurs."""
    return counted_bins(values, _size_of_counts(values, least))


@part_of_kernels
def weighed(values, weights, least):
    """Return the sums of the weights of each number from 0 on."""
    return weighed_bins(values, weights, _size_of_counts(values, least))


@part_of_kernels
def _size_of_counts(values, least):
    n = least
    if least < 0:
        raise Leave
    for k in range(values.size):
        if values[k] < 0:
            raise Leave
        n = max(n, values[k] + 1)
    return n


@part_of_kernels
def counted_bins(which, n):
    """Return how often each number from 0 to ``n`` occurs; others do not count."""
    counts = zeros(n, np.int64)
    for k in range(which.size):
        if 0 <= which[k] < n:
            counts[which[k]] += 1
    return counts


@part_of_kernels
def weighed_bins(which, weights, n):
    """Return the sums of the weights of each number from 0 to ``n``; others do not count."""
    if weights.size != which.size:
        raise Leave
    sums = zeros(n, weights.dtype)
    for k in range(which.size):
        if 0 <= which[k] < n:
            sums[which[k]] += weights[k]
    return sums


@part_of_kernels
def ends_of(values):
    """Return the ends of the bins of a histogram that has all values."""
    if not values.size:
        return 0.0, 1.0
    first = last = values[0]
    for k in range(values.size):
        if not -np.inf < values[k] < np.inf:
            raise Leave
        first, last = min(first, values[k]), max(last, values[k])
    if first == last:
        return first - 0.5, last + 0.5
    return first, last


@part_of_kernels
def even_edges(first, last, n):
    """Return the edges of bins of equal width."""
    edges = empty(n, np.float64)
    step = (last - first) / (n - 1)
    for k in range(n):
        edges[k] = k * step + first
    edges[n - 1] = last
    return edges


@part_of_kernels
def even_bins(values, edges):
    """Return the bin of each value, -1 for those outside; bins are of equal width."""
    n = edges.size - 1
    first, last = edges[0], edges[n]
    which = empty(values.size, np.int64)
    for k in range(values.size):
        x = values[k]
        if not first <= x <= last:
            which[k] = -1
            continue
        place = int((x - first) / (last - first) * n)
        if place == n:
            place -= 1
        if x < edges[place]:
            place -= 1
        elif place != n - 1 and x >= edges[place + 1]:
            place += 1
        which[k] = place
    return which


@part_of_kernels
def bins_by_edges(values, edges):
    """Return the bin of each value, -1 for those outside."""
    which = empty(values.size, np.int64)
    for k in range(values.size):
        x = values[k]
        place = search(edges, x, True) - 1
        inside = edges.size > 1 and edges[0] <= x <= edges[-1]
        which[k] = (edges.size - 2 if x == edges[-1] else place) if inside else -1
    return which


@part_of_kernels
def convolved(a, v):
    """Return the convolution of two vectors, in full."""
    m, n = a.size, v.size
    if m == 0 or n == 0:
        raise Leave
    if n > m:
        a, v, m, n = v, a, n, m
    out = zeros(m + n - 1, a.dtype)
    for j in range(n):
        for i in range(m):
            out[i + j] += a[i] * v[j]
    return out
