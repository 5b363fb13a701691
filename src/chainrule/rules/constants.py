"""The functions that are piecewise constant: zero derivative wherever there is one.

Their results are plain values. ``sign`` (explicit for complex values) stands in ``complex``,
``heaviside`` (linear in its second argument) in ``elementwise``.
"""

from __future__ import annotations

import numpy as np

from ._forms import piecewise_constant

# Rounding. np.round and np.around are one function.
piecewise_constant(
    np.floor,
    np.ceil,
    np.rint,
    np.trunc,
    np.fix,
    np.round,
    np.around,
    np.floor_divide,
    np.spacing,
)

# Questions about each element.
piecewise_constant(
    np.greater,
    np.greater_equal,
    np.less,
    np.less_equal,
    np.equal,
    np.not_equal,
    np.logical_and,
    np.logical_or,
    np.logical_xor,
    np.logical_not,
    np.isnan,
    np.isinf,
    np.isfinite,
    np.isposinf,
    np.isneginf,
    np.signbit,
    np.isreal,
    np.iscomplex,
    np.isclose,
    np.isin,
)

# Questions about the whole array.
piecewise_constant(
    np.any,
    np.all,
    np.allclose,
    np.array_equal,
    np.array_equiv,
)

# Shapes, dtypes and memory.
piecewise_constant(
    np.isrealobj,
    np.iscomplexobj,
    np.shape,
    np.ndim,
    np.size,
    np.result_type,
    np.can_cast,
    np.common_type,
    np.min_scalar_type,
    np.may_share_memory,
    np.shares_memory,
    cuts=False,
)

# Places and counts.
piecewise_constant(
    np.argmax,
    np.argmin,
    np.nanargmax,
    np.nanargmin,
    np.argsort,
    np.argpartition,
    np.lexsort,
    np.argwhere,
    np.nonzero,
    np.flatnonzero,
    np.count_nonzero,
    np.searchsorted,
    np.digitize,
    np.diag_indices_from,
    np.tril_indices_from,
    np.triu_indices_from,
)

# Showing.
piecewise_constant(np.array_repr, np.array_str, np.array2string)
