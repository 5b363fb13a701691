"""``check_grads`` finds wrong derivatives of any size, and no fault in right ones."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import CheckError

X = np.array([0.3, 1.2, 2.0])


def scaled_sine(scale, factor):
    """A primitive whose derivative is wrong by a factor."""

    @cr.primitive
    def sine(x):
        return scale * np.sin(x)

    @sine.defvjp
    def sine_vjp(ct, y, x):
        return factor * scale * ct * np.cos(x)

    return sine


@pytest.mark.parametrize("scale", [1e9, 1.0, 1e-6, 1e-9, 1e-30])
@pytest.mark.parametrize("factor", [0, 1, 1.001, -1])
def test_derivatives_of_any_size_are_compared(scale, factor):
    f = scaled_sine(scale, factor)
    for function in (f, lambda x: np.sum(f(x))):
        if factor == 1:
            cr.check_grads(function, (X,))
        else:
            with pytest.raises(CheckError):
                cr.check_grads(function, (X,))


RIGHT = {
    "nothing but rounding": lambda x: np.sum(x**2) - np.dot(x, x),
    "a constant by rounding": lambda x: np.sum(np.exp(x) / np.sum(np.exp(x))),
    "saturated": lambda x: np.tanh(20 * x),
    "a zero of order three": lambda x: np.sum((x - 0.3) ** 3) + 0 * x[0],
    "large and small": lambda x: np.stack([1e-10 * np.sin(x), 1e5 * np.cos(x)]),
    "small": lambda x: 1e-12 * np.linalg.inv(np.outer(x, x) + np.eye(3)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_derivatives_pass(name, rng):
    for seed in range(40):
        for x in (X, np.full(3, 0.3), rng.uniform(-1, 1, 3)):
            cr.check_grads(RIGHT[name], (x,), seed=seed)
            if name != "saturated":  # its differences are none in single precision
                cr.check_grads(RIGHT[name], (x.astype(np.float32),), seed=seed)
