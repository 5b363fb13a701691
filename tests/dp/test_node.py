"""Node: values, shapes, and what is refused."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest

from chainrule.dp import Node
from chainrule.errors import ArgumentError, ChainruleError, ShapeError

M = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])


@pytest.mark.parametrize("number", [3, 3.0, True, np.float64(3), np.array(3), [3], np.array([3])])
def test_numbers_become_one_by_one(number):
    node = Node(number)
    assert node.shape == (1, 1)
    assert node.dtype == np.float64
    assert node.value[0, 0] == float(np.asarray(number).item())


def test_integers_are_taken_as_float64_and_float32_stays():
    assert Node([[1, 2]]).dtype == np.float64
    assert Node(np.ones((2, 2), np.int8), "a").dtype == np.float64
    assert Node(np.ones((2, 2), np.float16), "a").dtype == np.float64
    a = Node(np.ones((2, 2), np.float32), "a")
    e = (2 * a / 3 + 1).sum()
    assert e.dtype == np.float32
    assert e.grad(1)["a"].dtype == np.float32


@pytest.mark.parametrize("value", [np.arange(3), [1, 2], np.zeros(0)])
def test_a_longer_1d_array_is_refused_with_advice(value):
    with pytest.raises(ShapeError, match=r"reshape\(1, -1\) for a row"):
        Node(value)
    with pytest.raises(ShapeError, match="row or a column"):
        Node(M) * value


@pytest.mark.parametrize("value", ["text", None, 1j, [[1, 2], [3]], Fraction(1, 2), object()])
def test_what_is_no_real_matrix_is_refused(value):
    with pytest.raises(ArgumentError):
        Node(value)


def test_more_dimensions_are_refused():
    with pytest.raises(ShapeError, match="reshape"):
        Node(np.zeros((2, 2, 2)))


def test_a_node_in_a_node_and_a_bad_name_are_refused():
    with pytest.raises(ArgumentError, match="Node already"):
        Node(Node(1))
    for name in ("", 3):
        with pytest.raises(ArgumentError, match="name"):
            Node(1, name)


def test_the_value_is_copied():
    array = M.copy()
    node = Node(array, "a")
    constant = Node(array)
    product = node * array
    array[:] = 0
    assert np.array_equal(node.value, M)
    assert np.array_equal(constant.value, M)
    assert np.array_equal(product.sum().grad(1)["a"], M)


def test_the_value_is_read_only():
    a = Node(M, "a")
    for node in (a, Node(M), a * 2, a.T, a[0], a.exp()):
        with pytest.raises(ValueError, match="read-only"):
            node.value[0, 0] = 9
        with pytest.raises(AttributeError, match="new Node"):
            node.value = M
        with pytest.raises(ChainruleError, match="set_param"):
            node.value = M


OPERATORS = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
]


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("other", [2, 0.5, np.float64(3), np.array([[2.0, 4.0, 8.0]]), M + 10])
def test_operators_and_reflected_operators(operator, other):
    a = Node(M, "a")
    for node, expected in [
        (operator(a, other), operator(M, other)),
        (operator(other, a), operator(other, M)),
        (operator(a, Node(other)), operator(M, other)),
        (operator(Node(other), a), operator(other, M)),
    ]:
        assert isinstance(node, Node)
        assert np.array_equal(node.value, expected)


def test_other_operators():
    a = Node(M, "a")
    assert np.array_equal((-a).value, -M)
    assert np.array_equal((+a).value, M)
    assert np.array_equal((a @ M.T).value, M @ M.T)
    assert np.array_equal((M.T @ a).value, M.T @ M)
    total = a
    total += 1
    assert np.array_equal(a.value, M)
    assert np.array_equal(total.value, M + 1)


POSITIVE = np.abs(M)
METHODS = [
    (lambda a: a.dot(M.T), lambda x: x @ M.T),
    (lambda a: a.dot(Node(M.T)), lambda x: x @ M.T),
    (lambda a: a.transpose(), lambda x: x.T),
    (lambda a: a.T, lambda x: x.T),
    (lambda a: a.exp(), np.exp),
    (lambda a: a.log(), np.log),
    (lambda a: a.square(), np.square),
    (lambda a: a.sqrt(), np.sqrt),
    (lambda a: a.sum(), lambda x: x.sum(keepdims=True)),
    (lambda a: a.sum(axis=0), lambda x: x.sum(axis=0, keepdims=True)),
    (lambda a: a.sum(1), lambda x: x.sum(axis=1, keepdims=True)),
    (lambda a: (a - 3.5).relu(), lambda x: np.maximum(x - 3.5, 0)),
    (lambda a: (a - 3.5).leaky_relu(), lambda x: np.where(x > 3.5, x - 3.5, 0.01 * (x - 3.5))),
    (lambda a: (a - 3.5).leaky_relu(0.2), lambda x: np.where(x > 3.5, x - 3.5, 0.2 * (x - 3.5))),
    (lambda a: a.tanh(), np.tanh),
    (lambda a: (a - 3).sigmoid(), lambda x: 1 / (1 + np.exp(3 - x))),
    (lambda a: (a - 3).logistic(), lambda x: 1 / (1 + np.exp(3 - x))),
    (lambda a: a.softmax(), lambda x: np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)),
    (lambda a: a.concatenate(a * 2), lambda x: np.concatenate([x, x * 2])),
    (lambda a: a.concatenate(M, axis=1), lambda x: np.concatenate([x, M], axis=1)),
    (lambda a: a.reshape(3, 2), lambda x: x.reshape(3, 2)),
    (lambda a: a.reshape((-1, 1)), lambda x: x.reshape(-1, 1)),
    (lambda a: a[0], lambda x: x[:1]),
    (lambda a: a[-1], lambda x: x[1:]),
    (lambda a: a[1, 2], lambda x: x[1:, 2:]),
    (lambda a: a[:, 1:], lambda x: x[:, 1:]),
    (lambda a: a[:, -2], lambda x: x[:, 1:2]),
    (lambda a: a[::-1, ::2], lambda x: x[::-1, ::2]),
    (lambda a: a[[0, 0, 1]], lambda x: x[[0, 0, 1]]),
    (lambda a: a[..., 1:], lambda x: x[..., 1:]),
    (lambda a: a[:, [2, 0]], lambda x: x[:, [2, 0]]),
    (lambda a: a[np.array([True, False])], lambda x: x[:1]),
]


@pytest.mark.parametrize("number", range(len(METHODS)))
def test_methods_agree_with_numpy_and_keep_two_dimensions(number):
    method, expected = METHODS[number]
    node = method(Node(POSITIVE, "a"))
    np.testing.assert_allclose(node.value, expected(POSITIVE), rtol=1e-15)
    assert node.shape == expected(POSITIVE).shape


@pytest.mark.parametrize("number", range(len(METHODS)))
def test_gradients_of_methods_agree_with_finite_differences(number):
    method, _ = METHODS[number]
    weights = np.random.default_rng(0).normal(size=method(Node(POSITIVE)).shape)

    def f(x):
        return (method(Node(x, "a")) * weights).sum()

    gradient = f(POSITIVE).grad(1)["a"]
    h = 1e-6  # the error of central differences is about h^2 + 1e-16 / h
    for place in np.ndindex(POSITIVE.shape):
        step = np.zeros_like(POSITIVE)
        step[place] = h
        difference = (f(POSITIVE + step).value - f(POSITIVE - step).value) / (2 * h)
        assert gradient[place] == pytest.approx(difference[0, 0], rel=1e-7, abs=1e-7)


def test_rows_can_be_counted_and_iterated():
    assert [row.shape for row in Node(M)] == [(1, 3), (1, 3)]
    assert len(Node(M)) == 2
    first, second = Node(M)
    assert np.array_equal((second - first).value, M[1:] - M[:1])


def test_a_number_is_formatted_as_a_number():
    loss = Node(M).sum()
    assert f"{loss:.2f}" == "5.00"
    assert f"{loss}" == str(loss)
    with pytest.raises(ShapeError, match="one element"):
        f"{Node(M):.2f}"


def test_repr_shows_name_shape_and_value():
    assert "name='W'" in repr(Node(M, "W"))
    text = repr(Node(M, "W") + 1)
    assert "operation='+'" in text
    assert "shape=(2, 3)" in text
    assert "-5." in text


@pytest.mark.parametrize(
    ("a", "b"), [((2, 3), (3, 2)), ((2, 3), (2, 2)), ((2, 3), (1, 2)), ((0, 3), (2, 3))]
)
def test_shapes_that_do_not_combine_are_refused(a, b):
    for operator in OPERATORS:
        with pytest.raises(ShapeError, match="do not combine"):
            operator(Node(np.ones(a)), np.ones(b))


@pytest.mark.parametrize("b", [(1, 3), (2, 1), (1, 1), (2, 3)])
def test_rows_columns_and_numbers_are_stretched(b):
    for operator in OPERATORS:
        for x, y in [(M, np.full(b, 2.0)), (np.full(b, 2.0), M)]:
            assert np.array_equal(operator(Node(x), Node(y)).value, operator(x, y))


def test_a_row_against_a_column_is_refused():
    with pytest.raises(ShapeError, match="stretch both sides"):
        Node(np.ones((1, 3))) - np.ones((2, 1))
    table = Node(np.ones((2, 1))).dot(np.ones((1, 3))) - np.ones((1, 3))  # what the advice says
    assert table.shape == (2, 3)


def test_other_wrong_shapes_are_refused():
    a = Node(M, "a")
    with pytest.raises(ShapeError, match="columns of the first"):
        a.dot(M)
    with pytest.raises(ShapeError, match="fill"):
        a.reshape(4, 2)
    with pytest.raises(ShapeError, match="column"):
        a.reshape(-1)
    with pytest.raises(ShapeError, match="fit together"):
        a.concatenate(np.ones((2, 2)), axis=0)
    with pytest.raises(ShapeError, match="no matrix"):
        a[[0, 1], [0, 1]]
    with pytest.raises(ShapeError, match="softmax"):
        Node(np.ones((2, 0))).softmax()


def test_wrong_axes_and_indices_are_refused():
    a = Node(M, "a")
    for axis in (2, "rows", True):
        with pytest.raises(ArgumentError, match="axis"):
            a.sum(axis)
    with pytest.raises(ArgumentError, match="axis"):
        a.concatenate(M, axis=None)
    for index in (2, -3):
        with pytest.raises(IndexError, match="out of range"):
            a[index]
    for key in (1.5, M > 0, "x", None):
        with pytest.raises(ArgumentError, match="cannot be indexed"):
            a[key]
    with pytest.raises(ArgumentError, match="two dimensions"):
        a[0, 0, 0]


def test_leaves_can_be_copied_and_pickled_and_results_cannot():
    a = Node(M, "a")
    for twin in (copy.copy(a), copy.deepcopy(a), pickle.loads(pickle.dumps(a))):
        assert twin.name == "a"
        assert np.array_equal(twin.value, M)
        assert list((twin * 2).sum().grad(1)) == ["a"]
    with pytest.raises(ArgumentError, match="belongs to its graph"):
        copy.deepcopy(a * 2)
