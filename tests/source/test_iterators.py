"""Lists that change while they are gone through, and iterators that are shared."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import UnsupportedError

P = np.array([0.3, 0.8, 0.5, 1.2])


def pairs_of_one_iterator(p):
    it = iter([p[0], p[1], p[2], p[3]])
    grouped = [a * b for a, b in zip(*[iter([p[3], 2.0, p[1], p[0]])] * 2, strict=True)]
    return sum(a * b for a, b in zip(it, it, strict=True)) + grouped[0] * grouped[1]


def mapped_in_turn(p):
    it = iter([p[0], p[1], p[2], p[3]])
    return sum(map(lambda a, b: a * b**2, it, it))


def the_next_item_within_a_loop(p):
    it = iter([p[0], p[1], p[2], p[3], 2.0])
    total = 0.0
    for a in it:
        total += a * next(it, p[0])
    return total


def what_a_loop_leaves(p):
    it = iter([p[0], p[1], p[2], p[3]])
    a = 0.0
    for k, a in enumerate(it):  # noqa: B007 (read after the loop)
        if k == 1:
            break
    return p[0] * sum(it) * a


def a_shorter_column(p):
    it, total = iter([p[0], p[1], p[2], p[3]]), 0.0
    for a, b in zip(it, [2.0, p[1]]):  # noqa: B905 (takes the third item too)
        total += a * b
    return total * sum(it)


def a_list_of_work(p):
    todo, total = [(p[0], 0)], 0.0
    for value, depth in todo:
        total += value
        if depth < 2:
            todo.append((value * p[1], depth + 1))
            todo.append((value * p[2], depth + 1))
    return total


def items_that_are_replaced(p):
    values, total = [p[0], p[1], p[2]], 0.0
    for k, value in enumerate(values):
        if k < 2:
            values[k + 1] = value * values[k + 1]
        total += value
    return total


def a_list_that_shrinks(p):
    values, total = [p[0], p[1], p[2], p[3]], 0.0
    for value in values:
        total += value * values.pop()
    return total


def a_dict_that_changes_within_its_loop(p):
    d, total = {"a": p[0], "b": p[1], "c": 1.0}, 0.0
    for value in d.values():
        d["c"] = value * 2
        total += value
    for key, value in d.items():
        d["b"] = value * p[2]
        total += value * len(key)
    return total * d["b"]


def views_of_a_dict(p):
    d = {"a": p[0]}
    values, keys = d.values(), d.keys()
    d["b"] = p[1]
    for _ in range(len(p)):
        d["a"] = d["a"] * 1.5
    return sum(values) * len(keys)


def until_a_number_says_stop(p):
    pairs = zip(p, p[::-1], strict=True)
    total = 0.0
    for a, b in [(1.0, p[1]), *pairs]:
        if a * b > 0.7:
            break
        total += a * b
    return total


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize(
    "f",
    [
        pairs_of_one_iterator,
        mapped_in_turn,
        the_next_item_within_a_loop,
        what_a_loop_leaves,
        a_shorter_column,
        a_list_of_work,
        items_that_are_replaced,
        a_list_that_shrinks,
        a_dict_that_changes_within_its_loop,
        views_of_a_dict,
        until_a_number_says_stop,
    ],
)
def test_items_are_taken_when_their_turn_comes(f, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    program = cr.compile(f, backend=backend)
    np.testing.assert_allclose(program(P), f(P), rtol=1e-14)
    cr.check_grads(program, (P,))


def bound_again(p):
    k = 2.0
    made = (x * k for x in p)
    k = 3.0
    return sum(made)


def a_longer_list(p):
    values = [p[0]]
    made = (x * 2 for x in values)
    values.append(p[1])
    return sum(made)


def left_somewhere(p):
    it = iter([p[0], p[1], p[2], p[3]])
    for a in it:
        if a > 0.6:
            break
    return a * sum(it)


def longer_beside_an_array(p):
    values, total = [p[0], p[1]], 0.0
    for a, b in zip(values, p):  # noqa: B905 (the list grows)
        if len(values) < 3:
            values.append(a * 2)
        total += a * b
    return total


def a_dict_that_grows_within_its_loop(p):
    d = {"a": p[0]}
    for value in d.values():
        d[f"a{len(d)}"] = value * 2
    return sum(d.values())


@pytest.mark.parametrize(
    "f",
    [
        bound_again,
        a_longer_list,
        left_somewhere,
        longer_beside_an_array,
        a_dict_that_grows_within_its_loop,
    ],
)
def test_items_of_which_it_is_not_known_what_they_are_are_refused(f):
    with pytest.raises(UnsupportedError, match=r"gone|grows"):
        cr.compile(f, backend="numpy")(P)


def read_at_once(p):
    k = p[0]
    made = (x * k for x in p)
    first = next(made)
    return first + sum(made) * k


def test_a_generator_whose_names_stay_is_taken():
    program = cr.compile(read_at_once, backend="numpy")
    np.testing.assert_allclose(program(P), read_at_once(P), rtol=1e-14)
    cr.check_grads(program, (P,))
