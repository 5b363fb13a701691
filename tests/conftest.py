"""What every test starts from: the same random numbers, no windows, no clock."""

import os
import random
import zlib

import numpy as np
import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")  # figures are drawn to files, never to a screen
# Machine code takes a second to make: tests that are about it ask for it.
os.environ.setdefault("CHAINRULE_BACKEND", "numpy")
os.environ["CHAINRULE_CACHE_DIR"] = ""  # what tests compile is not kept

# A shared machine is slow at times: pytest-timeout guards the suite, not a deadline per example.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def _seed(request: pytest.FixtureRequest) -> int:
    """Give a number that depends on the test's name alone, not on order or process."""
    return zlib.crc32(request.node.nodeid.encode())


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers that are the same in every run of a test, alone or among others."""
    return np.random.default_rng(_seed(request))


@pytest.fixture(autouse=True)
def _seeded(request: pytest.FixtureRequest) -> None:
    """Seed the global generators too, for code under test that draws from them."""
    random.seed(_seed(request))
    np.random.seed(_seed(request))  # noqa: NPY002 - the old global generator is what is seeded
