"""Into how many chunks the iterations of a parallel loop are cut."""

# mypy: ignore-errors
from __future__ import annotations

from llvmlite import ir as llvm

from .intrinsics import integer, of_integers

GRAIN = 16_000
"""The least work of a chunk, in additions: some ten microseconds, ten times what sharing costs."""
MOST_CHUNKS = 64
_MOST_COPIES = 16
"""As many where each chunk has a copy of an array,"""
_COPY = 8
"""which has to be made and added: so much work for each element."""


@of_integers()
def chunks(context, builder, trips, cost, shared, reach):
    """Return the number of chunks: 1 where the work is little. It depends on sizes alone.

    ``trips`` iterations are ``cost`` work each; chunks have copies of ``shared`` numbers; they are
    not shorter than ``reach`` iterations.
    """
    double = llvm.DoubleType()

    def least(x, y):
        return builder.select(builder.icmp_signed("<", x, y), x, y)

    work = builder.fmul(builder.sitofp(trips, double), builder.sitofp(cost, double))
    copied = builder.fmul(builder.sitofp(shared, double), llvm.Constant(double, _COPY))
    share = builder.fdiv(work, builder.fadd(llvm.Constant(double, GRAIN), copied))
    most = llvm.Constant(double, MOST_CHUNKS)
    share = builder.select(builder.fcmp_ordered("<", share, most), share, most)
    found = least(builder.fptosi(share, llvm.IntType(64)), trips)
    has_copies = builder.icmp_signed(">", shared, integer(0))
    found = builder.select(has_copies, least(found, integer(_MOST_COPIES)), found)
    is_far = builder.icmp_signed(">", reach, integer(0))
    length = builder.select(is_far, reach, integer(1))
    found = builder.select(is_far, least(found, builder.sdiv(trips, length)), found)
    return builder.select(builder.icmp_signed(">", found, integer(1)), found, integer(1))
