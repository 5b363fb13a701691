"""What compiled programs call: functions that Numba puts into the machine code.

Most are *intrinsics*, a few instructions each: they take no time to compile. A kernel reaches them
through this module, as ``rt.at``.
"""

# mypy: ignore-errors
from __future__ import annotations

from .arithmetic import (
    add_in_any_order,
    guarded_product,
    maximum,
    minimum,
    mutual_product,
    nonzero,
    product_unless_zero,
    sign,
    squared,
)
from .chunking import GRAIN, MOST_CHUNKS, chunks
from .counting import (
    bins_by_edges,
    convolved,
    counted,
    counted_bins,
    ends_of,
    even_bins,
    even_edges,
    weighed,
    weighed_bins,
)
from .denormals import begin_flushing, end_flushing
from .exits import BY_ZERO, LEFT, OUT_OF_RANGE, OVERRUN, check, left, sized, throw
from .indices import (
    at,
    bound,
    bound_down,
    common,
    count,
    mirrored,
    places_of_range,
    u,
    within,
)
from .linear import (
    cholesky,
    cond,
    dets,
    inv,
    logs_of_det,
    pinv,
    signs_of_det,
    singular_values,
    solve,
)
from .memory import empty
from .products import (
    PRODUCTS,
    product,
    product_nt,
    product_tn,
    product_tt,
    products,
    products_nt,
    products_tn,
    products_tt,
)
from .python_numbers import (
    MODERATE,
    between,
    difference_of,
    fitting,
    insane,
    is_moderate,
    not_least,
    power_of,
    product_of,
    sane,
    shift,
    shifted_up,
    sum_of,
    unsigned,
    whole,
)
from .saved import part, room, shaped
from .sorting import is_sorted, order_of_rows, search, search_all, sorted_rows

__all__ = [
    # chunking
    "GRAIN",
    "MOST_CHUNKS",
    "chunks",
    # exits
    "LEFT",
    "OUT_OF_RANGE",
    "BY_ZERO",
    "OVERRUN",
    "left",
    "check",
    "sized",
    "throw",
    # indices
    "u",
    "at",
    "within",
    "bound",
    "bound_down",
    "count",
    "places_of_range",
    "mirrored",
    "common",
    # arithmetic
    "add_in_any_order",
    "maximum",
    "minimum",
    "squared",
    "sign",
    "nonzero",
    "guarded_product",
    "mutual_product",
    "product_unless_zero",
    # python_numbers
    "MODERATE",
    "between",
    "difference_of",
    "fitting",
    "insane",
    "is_moderate",
    "not_least",
    "power_of",
    "product_of",
    "sane",
    "shift",
    "shifted_up",
    "sum_of",
    "unsigned",
    "whole",
    # memory
    "empty",
    # saved
    "room",
    "part",
    "shaped",
    # denormals
    "begin_flushing",
    "end_flushing",
    # products
    "PRODUCTS",
    "product",
    "products",
    "product_tn",
    "products_tn",
    "product_nt",
    "products_nt",
    "product_tt",
    "products_tt",
    # sorting
    "order_of_rows",
    "sorted_rows",
    "search",
    "search_all",
    "is_sorted",
    # counting
    "counted",
    "weighed",
    "counted_bins",
    "weighed_bins",
    "ends_of",
    "even_edges",
    "even_bins",
    "bins_by_edges",
    "convolved",
    # linear
    "solve",
    "inv",
    "cholesky",
    "dets",
    "signs_of_det",
    "logs_of_det",
    "pinv",
    "singular_values",
    "cond",
]
