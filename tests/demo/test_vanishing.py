"""The vanishing gradient in an untrained 10-layer network."""

import numpy as np
import pytest

from chainrule.demo.data import load
from chainrule.demo.figures import vanishing
from chainrule.demo.vanishing import LAYERS, gradient_sizes


@pytest.fixture(scope="module")
def digits():
    return load("mnist5k", seed=0)


# First over last layer, measured for the seeds 0-4: sigmoid 2e-5 to 4e-5, tanh 15 to 21, ReLU 13 to
# 26. The first layer has 78 times as many weights as the last one, so hidden layers of one size,
# the second and the ninth, are compared too: sigmoid 2e-5 to 5e-5, tanh 0.8 to 1.4, ReLU 0.9 to 2.
BOUNDS = {"sigmoid": (0, 1e-3), "tanh": (0.1, np.inf), "ReLU": (0.1, np.inf)}


@pytest.mark.parametrize("activation", BOUNDS)
@pytest.mark.parametrize("seed", range(3))
def test_first_over_last_layer(digits, activation, seed):
    sizes = gradient_sizes(digits, activation, seed)
    assert len(sizes) == LAYERS
    low, high = BOUNDS[activation]
    assert low < sizes[0] / sizes[-1] < high
    assert low < sizes[1] / sizes[-2] < high


def test_a_gradient_of_zero_is_drawn():
    assert "<img" in vanishing({"relu": [0.0, 0.0], "tanh": [2.0, 0.0]})
