"""Stores through views of one array in several shapes."""

import pytest

from source.reshaped_programs import check


@pytest.mark.parametrize("seed", range(60))
def test_changes_are_seen_in_every_shape(seed):
    check(seed, "numpy")
