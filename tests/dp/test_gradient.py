"""e.grad(1): what it returns, what it refuses, and how long it takes."""

import gc
import time
import weakref

import numpy as np
import pytest

from chainrule.dp import Node
from chainrule.errors import ArgumentError, ShapeError

A = [[2.718, 14.78, 60.26], [7.389, 109.2, 1210.3]]
B = [[17.50, 116.59, 826.94]]


@pytest.mark.parametrize("dtype", [int, float])
def test_the_worked_example(dtype):
    a = Node(np.array([[1, 1, 1], [2, 2, 2]], dtype), "A")
    b = Node(np.array([[1, 2, 3]], dtype), "B")
    e = (a * b).exp().sum()
    gradient = e.grad(1)
    assert list(gradient) == ["A", "B"]
    np.testing.assert_allclose(gradient["A"], A, rtol=5e-4)  # as printed: four digits
    np.testing.assert_allclose(gradient["B"], B, rtol=5e-4)


def test_the_seed_scales():
    x = Node([[1.0, 2.0]], "x")
    e = x.square().sum()
    assert np.array_equal(e.grad(1)["x"], [[2, 4]])
    assert np.array_equal(e.grad()["x"], [[2, 4]])
    assert np.array_equal(e.grad(-0.5)["x"], [[-1, -2]])


def test_a_matrix_needs_a_seed_of_its_shape():
    x = Node([[1.0, 2.0]], "x")
    with pytest.raises(ShapeError, match=r"sum\(\)\.grad\(1\)"):
        x.square().grad(1)
    with pytest.raises(ShapeError, match="seed has shape"):
        x.square().grad(np.ones((2, 2)))
    assert np.array_equal(x.square().grad([[1, 10]])["x"], [[2, 40]])


def test_a_leaf_is_its_own_gradient():
    assert Node(5, "x").grad(1) == {"x": np.array([[1.0]])}


def test_unnamed_leaves_have_no_gradient():
    x = Node([[1.0, 2.0]])
    w = Node([[3.0], [4.0]], "w")
    assert list(x.dot(w).grad(1)) == ["w"]
    with pytest.raises(ArgumentError, match="named leaf"):
        x.sum().grad(1)


def test_two_leaves_of_one_name_are_an_error():
    e = (Node(1, "w") * Node(2, "w")).sum()
    with pytest.raises(ArgumentError, match="name 'w'"):
        e.grad(1)


def test_one_leaf_used_twice_gets_the_sum():
    w = Node(3, "w")
    assert (w * w + w).grad(1)["w"] == 7


def test_gradients_share_no_memory():
    a, b = Node(np.ones((2, 3)), "a"), Node(np.ones((2, 3)), "b")
    e = (a + b).sum()
    first, second = e.grad(1), e.grad(1)
    arrays = [first["a"], first["b"], second["a"], second["b"], a.value, b.value]
    for i, x in enumerate(arrays):
        for y in arrays[i + 1 :]:
            assert not np.shares_memory(x, y)
    first["a"] += 1  # and they are the caller's to change
    assert np.array_equal(second["a"], np.ones((2, 3)))


def test_sigmoid_has_the_right_sign():
    x = Node([[-2.0, 0.0, 2.0]], "x")
    s = x.sigmoid()
    assert s.value[0, 0] < s.value[0, 1] == 0.5 < s.value[0, 2]
    np.testing.assert_allclose(s.sum().grad(1)["x"], s.value * (1 - s.value), rtol=1e-15)


def test_relu_at_zero_has_slope_zero_and_no_negative_zero():
    x = Node([[-1.0, 0.0, 1.0]], "x")
    assert np.array_equal(x.relu().sum().grad(1)["x"], [[0, 0, 1]])
    assert np.array_equal(x.leaky_relu(0.5).sum().grad(1)["x"], [[0.5, 0.5, 1]])
    assert not np.signbit(x.relu().value).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", ["sigmoid", "logistic", "softmax"])
@pytest.mark.parametrize("size", [1.0, 40.0, 1000.0, 1e30])
def test_probabilities_stay_inside_zero_and_one(dtype, function, size):
    value = getattr(Node(np.array([[-size, 0, size]], dtype)), function)().value
    assert value.dtype == dtype
    assert np.all(value > 0)
    assert np.all(value < 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_textbook_loss_is_finite_for_huge_logits_and_its_gradient_is_right(dtype):
    logits = np.array([[1000, -1000, 0], [-1000, 1000, 1000], [0, 1, 2]], dtype)
    y = np.eye(3)[[1, 1, 0]].astype(dtype)
    x = Node(logits, "x")
    out = x.softmax()
    loss = (-1 * (y * out.log())).sum()
    assert np.isfinite(loss.value).all()
    assert loss.value > 60
    # The gradient of -sum(y log softmax) is softmax - y, far out as well: it pushes back.
    np.testing.assert_allclose(loss.grad(1)["x"], out.value - y, atol=1e-6)


def test_binary_cross_entropy_is_finite_and_pushes_back():
    x = Node([[1000.0, -1000.0, 1000.0, -1000.0, 1.0]], "x")
    y = np.array([[0.0, 1.0, 1.0, 0.0, 0.0]])
    p = x.sigmoid()
    loss = -(y * p.log() + (1 - y) * (1 - p).log()).sum()
    assert np.isfinite(loss.value).all()
    np.testing.assert_allclose(loss.grad(1)["x"], p.value - y, atol=1e-12)


def test_zero_times_log_of_a_probability_is_zero():
    x = Node([[-1000.0, 1000.0]], "x")
    e = (np.array([[0.0, 1.0]]) * x.softmax().log()).sum()
    assert e.value == pytest.approx(0, abs=1e-15)
    np.testing.assert_allclose(e.grad(1)["x"], [[0, 0]], atol=1e-15)


def test_shared_subgraphs_take_linear_time():
    x = Node([[1.0, 2.0]], "x")
    node = x
    for _ in range(2000):  # twenty doublings took seconds where each was visited twice
        node = node * 0.5 + node * 0.5
    e = node.sum()
    start = time.perf_counter()
    gradient = e.grad(1)
    assert time.perf_counter() - start < 2.0  # measured 0.02 s
    np.testing.assert_allclose(gradient["x"], [[1, 1]], rtol=1e-12)


def test_a_chain_of_a_hundred_thousand_needs_no_recursion():
    x = Node(1, "x")
    node = x
    for _ in range(100_000):
        node = node + x
    assert node.grad(1)["x"] == 100_001
    del node  # freeing the chain is no recursion either


def test_a_graph_is_freed_when_nobody_holds_it():
    x = Node(np.ones((2, 2)), "x")
    e = x.exp().sum()
    e.grad(1)
    middle = weakref.ref(e.parents[0])
    gc.disable()
    try:
        del e
        assert middle() is None
    finally:
        gc.enable()
