"""Histograms: counts are piecewise constant in the data and linear in the weights."""

from __future__ import annotations

import numpy as np

from .._core import is_traced, plain
from ._central import kind
from ._forms import composite, linear
from .reductions import as_array


@linear(np.bincount, args=("weights",))
def bincount(ct, x, weights=None, minlength=0):
    return np.take(ct, x)


def _summed(which, weights, n):
    """Add up weights of one bin; NumPy's bincount takes real numbers and makes them float64."""
    if kind(weights) == "c":
        real, imag = (np.bincount(which, part, n) for part in (weights.real, weights.imag))
        return as_array(real + 1j * imag, weights.dtype)
    return as_array(np.bincount(which, weights, n), weights.dtype)


@composite(np.histogram)
def histogram(a, bins=10, range=None, density=None, weights=None):
    """Plain counts; edges that NumPy lays between the data's extremes move with them.

    Weights add up in the bin of their sample, which is piecewise constant.
    """
    if is_traced(weights):
        counts, edges = np.histogram(plain(a), plain(bins), plain(range))
        x = np.ravel(plain(a))
        inside = (x >= edges[0]) & (x <= edges[-1])
        which = np.digitize(x[inside], edges[1:-1])
        counts = _summed(which, np.ravel(weights)[inside], len(edges) - 1)
    else:
        counts, edges = np.histogram(plain(a), plain(bins), plain(range), weights=weights)
    if np.ndim(bins) == 1:
        edges = bins
    elif range is not None and any(map(is_traced, range)):
        edges = np.linspace(range[0], range[1], len(edges))
    elif range is None and np.size(a):
        low, high = np.min(a), np.max(a)
        margin = 0.5 if low == high else 0
        edges = np.linspace(low - margin, high + margin, len(edges))
    return (counts / np.diff(edges) / np.sum(counts) if density else counts), edges
