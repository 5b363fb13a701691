"""strict_kinks: an error that names the function, the condition and the line of this file."""

import inspect

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import KinkError

X = np.array([1.0, 0.0, -2.0])

AT_A_KINK = {
    "absolute": lambda x: np.abs(x) * 2,
    "maximum": lambda x: np.maximum(x, 0.0),
    "max": lambda x: np.max(np.concatenate([x, x])),
    "euclidean_norm": lambda x: np.linalg.norm(x[1:2]),
    "std": lambda x: np.std(x * 0),
    "sort": lambda x: np.sort(np.concatenate([x, x])),
    "median": lambda x: np.median(np.concatenate([x, x])),
    "hypot": lambda x: np.hypot(x, x),
    "sinc": lambda x: np.sinc(x) * 2,
    "interp": lambda x: np.interp(x, [-1.0, 0.0, 1.5], [1.0, 2.0, 0.0]),
    "power": lambda x: np.power(x, 0 * x),
}


@pytest.mark.parametrize("name", AT_A_KINK)
@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_a_kink_is_an_error_only_inside(name, mode):
    f = AT_A_KINK[name]

    def derivative():
        if mode == "reverse":
            return cr.grad(lambda x: np.sum(f(x)))(X)
        return cr.jvp(f, (X,), (np.ones(3),))

    derivative()
    with cr.strict_kinks(), pytest.raises(KinkError, match=name) as caught:
        derivative()
    assert f"{__file__}:{inspect.getsourcelines(f)[1]}" in str(caught.value)
    derivative()


def test_a_smooth_point_is_left_alone():
    def f(x):
        y = np.maximum(np.abs(x), 0.5) + np.sort(x) + np.linalg.norm(x) + np.max(x)
        return np.sum(y * np.std(x))

    x = np.array([1.0, 0.7, -2.0])
    with cr.strict_kinks():
        strict = cr.grad(f)(x), cr.hvp(f, (x,), (x,)), cr.jvp(f, (x,), (x,))[1]
    for a, b in zip(
        strict, (cr.grad(f)(x), cr.hvp(f, (x,), (x,)), cr.jvp(f, (x,), (x,))[1]), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_kink_off_the_path_to_the_output_does_not_matter():
    def f(x):
        np.abs(x)
        return np.sum(x**2)

    with cr.strict_kinks():
        cr.grad(f)(X)


def test_it_ends_with_its_block_whatever_happens():
    with pytest.raises(ZeroDivisionError), cr.strict_kinks():
        raise ZeroDivisionError
    cr.grad(lambda x: np.sum(np.abs(x)))(X)
