"""Memory of large arrays that machine code makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import chainrule as cr

pytest.importorskip("numba")
MAPS = Path("/proc/self/smaps")


def doubled(x):
    return 2 * x


def flags_at(address):
    """Return the flags of the part of this process's memory that an address lies in."""
    is_there = False
    for line in MAPS.read_text().splitlines():
        first, *rest = line.split()
        if "-" in first and ":" not in first:
            low, high = (int(end, 16) for end in first.split("-"))
            is_there = low <= address < high
        elif first == "VmFlags:" and is_there:
            return rest
    return []


@pytest.mark.skipif(
    not MAPS.exists() or not Path("/sys/kernel/mm/transparent_hugepage").exists(),
    reason="only Linux has such pages, and not every one",
)
@pytest.mark.parametrize("bytes_", [1 << 20, (1 << 22) + 8, 1 << 25])
def test_large_arrays_are_asked_to_lie_in_large_pages(bytes_):
    program = cr.compile(doubled, backend="numba")
    x = np.arange(bytes_ // 8, dtype=float)
    found = program(x)
    np.testing.assert_array_equal(found, 2 * x)
    middle = found.ctypes.data + bytes_ // 2
    assert bytes_ < 1 << 22 or "hg" in flags_at(middle)
