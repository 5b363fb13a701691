"""What a student tries on a Node as if it were an array: refused, with what to write instead."""

import math
import operator

import numpy as np
import pytest

from chainrule.dp import Node, ReadOnlyError
from chainrule.dp._refused import INSTEAD
from chainrule.errors import ConversionError, UnsupportedError

M = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])
SQUARE = np.eye(2)

FUNCTIONS = [
    (np.exp, r"x\.exp\(\)"),
    (np.sum, r"x\.sum\(\)"),
    (np.add.reduce, r"x\.sum\(\)"),
    (np.mean, r"x\.sum\(\) / n"),
    (lambda a: np.maximum(a, 0), r"x\.relu\(\)"),
    (lambda a: np.concatenate([M, a]), r"a\.concatenate\(b, axis=0\)"),
    (lambda a: np.dot(M, a), r"a\.dot\(b\)"),
    (np.linalg.norm, r"x\.square\(\)\.sum\(\)\.sqrt\(\)"),
    (np.zeros_like, r"np\.zeros\(x\.shape\)"),
    (lambda a: np.argmax(a, axis=1), r"np\.argmax\(x\.value\)"),
    (lambda a: np.where(a, 1, 0), r"mask \* a"),
    (lambda a: M**a, r"x\.square\(\)"),
    (lambda a: operator.lt(M, a), r"x\.value < 1"),
    (lambda a: operator.eq(M, a), r"x\.value < 1"),
    (lambda a: np.copyto(M.copy(), a), r"x\.value"),
]


@pytest.mark.parametrize("number", range(len(FUNCTIONS)))
def test_numpy_functions_say_what_to_write(number):
    function, advice = FUNCTIONS[number]
    with pytest.raises(UnsupportedError, match=advice) as caught:
        function(Node(M, "a"))
    assert __file__ in str(caught.value)


@pytest.mark.parametrize(
    "function",
    [
        np.asarray,
        lambda a: np.array([a, a]),
        M.T.dot,
        lambda a: np.sum([a, a]),
        lambda a: Node([a, a]),
    ],
)
def test_a_node_does_not_become_an_array(function):
    with pytest.raises(ConversionError, match=r"x\.value"):
        function(Node(M, "a"))


def test_what_numpy_calls_for_operators_is_let_through():
    a = Node(SQUARE, "a")
    for result, expected in [
        (np.add(a, M[:, :2]), SQUARE + M[:, :2]),
        (np.float32(2) / (a + 1), 2 / (SQUARE + 1)),
        (np.array(3) - a, 3 - SQUARE),
        (np.multiply(a, a), SQUARE * SQUARE),
        (M.T @ a, M.T @ SQUARE),
    ]:
        assert isinstance(result, Node)
        assert np.array_equal(result.value, expected)
        assert list(result.sum().grad(1)) == ["a"]


def test_a_node_is_not_stored_into_an_array():
    a, array = Node(M, "a"), M.copy()
    with pytest.raises(ConversionError, match=r"array = array \+ node"):
        array += a
    with pytest.raises(ConversionError, match=r"array = array \+ node"):
        np.multiply(M, 2, out=a)
    with pytest.raises(ConversionError):
        array[0] = a[0]
    assert np.array_equal(array, M)


@pytest.mark.parametrize("function", [float, int, complex, math.exp])
def test_a_node_does_not_become_a_number(function):
    with pytest.raises(ConversionError, match=r"x\.value\.item\(\)"):
        function(Node(3, "a"))


OPERATORS = [
    (lambda a: a**2, r"x\.square\(\) or x \* x"),
    (lambda a: 2**a, r"x\.exp\(\)"),
    (abs, r"x\.relu\(\) \+ \(-x\)\.relu\(\)"),
    (lambda a: a < 1, r"x\.value < 1"),
    (lambda a: a >= a, r"x\.value < 1"),
    (lambda a: a == 1, r"x\.value < 1"),
    (lambda a: a != M, r"x\.value < 1"),
    (lambda a: max(a, a.exp()), r"x\.value < 1"),
    (lambda a: 3 in a, r"x\.value < 1"),
]


@pytest.mark.parametrize("number", range(len(OPERATORS)))
def test_operators_that_are_refused_say_what_to_write(number):
    function, advice = OPERATORS[number]
    with pytest.raises(UnsupportedError, match=advice):
        function(Node(M, "a"))


def test_a_node_is_neither_true_nor_false():
    with pytest.raises(ConversionError, match="is not None"):
        assert Node(1) or True


def test_a_node_is_equal_to_itself_only_and_can_be_a_key():
    a, twin = Node(M, "a"), Node(M, "a")
    assert a == a
    assert a != twin
    assert a != None  # noqa: E711  what is tested
    assert a in [twin, a]
    assert {a: 1, twin: 2}[twin] == 2


def test_elements_are_not_changed():
    a = Node(M)
    with pytest.raises(ReadOnlyError, match="before Node"):
        a[0, 0] = 5
    assert np.array_equal(a.value, M)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("mean", r"x\.sum\(\) / n"),
        ("backward", r"x\.grad\(1\)"),
        ("item", r"x\.value\.item\(\)"),
        ("size", r"x\.shape"),
        ("ravel", r"x\.reshape"),
        ("cumsum", "methods of the Node"),
    ],
)
def test_attributes_of_arrays_that_a_node_has_not_say_what_to_write(name, advice):
    with pytest.raises(AttributeError, match=advice):
        getattr(Node(M), name)
    assert not hasattr(Node(M), name)
    assert not hasattr(Node(M), "__array_interface__")


def test_the_formulas_that_the_advice_gives_are_right():
    x, positive = Node(M), Node(np.abs(M))
    for node, expected in [
        (x.relu() + (-x).relu(), np.abs(M)),
        (-(-x).relu(), np.minimum(M, 0)),
        ((2.5 * positive.log()).exp(), np.abs(M) ** 2.5),
        (positive.log() / np.log(2), np.log2(np.abs(M))),
        (x.square().sum().sqrt(), np.full((1, 1), np.linalg.norm(M))),
        (((x - M.mean()).square().sum() / M.size), np.full((1, 1), M.var())),
    ]:
        np.testing.assert_allclose(node.value, expected, rtol=1e-14)


def test_the_advice_names_methods_that_exist():
    for name in ("exp", "log", "square", "sqrt", "tanh", "sum", "transpose", "softmax"):
        assert INSTEAD[name] == f"x.{name}()"
        assert callable(getattr(Node, name))
