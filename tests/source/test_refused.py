"""What the source engine does not take: the error names the line, the construct and the way out.

The text of a function is refused before any of it runs, so nothing is printed, drawn or stored.
"""

import heapq
import inspect
import itertools
import logging
import os
import random
import re
import statistics
import time
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.special

import chainrule as cr
from chainrule.errors import ChainruleError, UnsupportedError

X = np.array([0.3, 0.7, 1.1])
BUFFER = np.zeros(3)
HISTORY = []
TABLE = {"calls": 0.0}
SEEN = set()
NUMBERS = iter([1.0, 2.0])
SQUARES = np.vectorize(lambda v: 0 if v < 0.5 else v)
LOG = logging.getLogger("chainrule.test")
total = 0.0
runs = []


@dataclass
class Box:
    value: float = 1.0

    def scale(self, x):
        self.value = self.value * x[0]  # HERE
        return self.value


BOX = Box()


def line_of(f, marker="# HERE"):
    """The file and line of the marked line of ``f``."""
    lines, start = inspect.getsourcelines(f)
    return f"{__file__}:{start + next(i for i, text in enumerate(lines) if marker in text)}"


# -- control flow that is no loop and no branch ----------------------------------------------------


def generator(x):
    def squares():
        for v in x:
            yield v * v  # HERE

    return sum(squares())


def is_a_generator(x):
    yield x.sum()  # HERE


def delegating_generator(x):
    def values():
        yield from x  # HERE

    return sum(values())


def try_except(x):
    try:  # HERE
        y = x[0] / x[1]
    except ZeroDivisionError:
        y = x[0]
    return y


def try_finally(x):
    y = x[0]
    try:  # HERE
        if y > 2:
            return y
        y = y * x[1]
    finally:
        y = y * 2
    return y


def try_in_a_called_function(x):
    def careful(v):
        try:  # HERE
            return np.log(v)
        except FloatingPointError:
            return v

    return careful(x[0])


def with_a_file(x):
    with open("data.txt") as file:  # HERE
        return x[0] * len(file.read())


async def coroutine(x):  # HERE
    return x.sum()


def coroutine_inside(x):
    async def inner():  # HERE
        return x.sum()

    return inner().send(None)


def class_in_the_body(x):
    class Point:  # HERE
        pass

    p = Point()
    return x[0] * (p is not None)


def recursion_that_changes_a_shared_array(x):
    def note(out, same, k):
        out[k] += same[0]
        return out[k] if out[k] > 3.0 else note(out, same, k)

    out = x.copy()
    return note(out, out, 0)  # HERE


def recursion_that_sees_its_argument_twice(x):
    def note(out, k):
        out[k] += 1.0
        return out[k] if y[k] > 3.0 else note(out, k)

    y = x.copy()
    return note(y, 0)  # HERE


def recursion_whose_result_is_changed(x):
    def same(v, k):
        return v if v[0] > 3.0 * k else same(v, k - 1)

    y = x.copy()
    z = same(y, 2)
    y[0] = 5.0  # HERE
    return z.sum()


def recursion_without_end(x):
    def halve(v):
        return halve(v / 2) if v < 0.1 else halve(v / 3)

    return halve(x[0])  # HERE


def recursion_with_ever_longer_lists(x):
    def collect(found, v):
        return sum(found) if v < 0.1 else collect([*found, v], v / 2)  # HERE

    return collect([], x[0])


def recursion_that_appends(x):
    found = []

    def collect(v):
        found.append(v)
        return v if v < 0.1 else collect(v / 2)

    return collect(x[0])  # HERE


def match_statement(x):
    match {"a": x[0], "b": x[1]}:  # HERE
        case {"a": a, **rest}:
            return a * rest["b"]
        case _:
            return x[1]


# -- state that is kept outside --------------------------------------------------------------------


def global_number(x):
    global total  # HERE  # noqa: PLW0603
    total = total + x[0]
    return total


def global_array(x):
    BUFFER[0] = x[0]  # HERE
    return BUFFER.sum()


def global_list(x):
    HISTORY.append(x[0])  # HERE
    return HISTORY[-1]


def global_dict(x):
    TABLE["calls"] = x[0]  # HERE
    return TABLE["calls"]


def attribute_of_a_global(x):
    BOX.value = x[0]  # HERE
    return BOX.value * 2


def attribute_changed_by_a_method(x):
    return BOX.scale(x)


def attribute_of_a_function(x):
    attribute_of_a_function.calls = x[0]  # HERE
    return x[1]


def by_setattr(x):
    setattr(BOX, "value", x[0])  # HERE  # noqa: B010
    return x[1]


def changed_outside():
    count = 0.0

    def inner(x):
        nonlocal count  # HERE
        count = count + x[0]
        return count

    return inner


closed_over_number = changed_outside()


def global_set(x):
    SEEN.add(1)  # HERE
    return x[0] * len(SEEN)


def default_list(x, kept=[]):  # noqa: B006
    kept.append(x[0])  # HERE
    return sum(kept)


def opened_file(x):
    file = open("never_made.txt", "w")  # HERE  # noqa: SIM115
    file.close()
    return x[0]


def asked(x):
    return x[0] * len(input())  # HERE


def default_dict(x, kept={}):  # noqa: B006
    kept["x"] = x[0]  # HERE
    return kept["x"]


def default_array(x, kept=np.zeros(3)):  # noqa: B008
    kept[0] = x[0]  # HERE
    return kept.sum()


def set_changed_in_a_branch(x):
    seen = set()
    if x[0] > 0.1:
        seen.add(1)  # HERE
    return x[0] * len(seen)


def shuffled(x):
    order = np.arange(3)
    np.random.shuffle(order)  # HERE  # noqa: NPY002
    return x[order[0]]


def list_given_away(x):
    heap = [3, 1]
    heapq.heapify(heap)  # HERE
    return x[heap[0]]


def read_from_a_file(x):
    return (np.load("data.npy") * x).sum()  # HERE


def iterator_from_outside(x):
    return x[0] * sum(v for v in NUMBERS)  # HERE


def endless(x):
    return sum(v * k for v, k in zip(x, itertools.cycle([1, 2]), strict=False))  # HERE


# -- text that is made at run time -----------------------------------------------------------------


def with_exec(x):
    exec("runs.append(1)")  # HERE
    return x.sum()


def with_eval(x):
    return eval("x.sum()")  # HERE


def with_locals(x):
    return locals()["x"].sum()  # HERE


def with_globals(x):
    return globals()["X"].sum() * x[0]  # HERE


# -- structure that depends on numbers -------------------------------------------------------------


def filtered(x):
    large = [v for v in x if v > 0.5]  # HERE
    return large[0] * len(large)


def list_of_unknown_length(x):
    path, v = [], x[0]
    while v > 0.01:  # HERE
        v = v / 2
        path.append(v)
    return sum(path)


def chosen_by_a_number(x):
    weights = [1.0, "two"]
    return x[0] * len(str(weights[int(x[1])]))  # HERE


def store_into_what_a_number_chose(x):
    rows = [x.copy(), 2 * x]
    row = rows[int(x[1])]
    row[0] = 1.0  # HERE
    return rows[0].sum()


def structure_that_differs_between_arms(x):
    def parts():
        if x[0] > 0:  # HERE
            return x[0], x[1]
        return [x[0]]

    return parts()[0]


def keyed_by_a_number(x):
    table = {}
    table[x[0]] = x[1]  # HERE
    return sum(table.values())


def array_of_objects(x):
    box = np.empty(2, dtype=object)  # HERE
    box[0] = x
    return box[0].sum()


# -- memory of which it is not known what it is ----------------------------------------------------


def view_or_copy(x):
    a = np.zeros((3, 4))
    a[:, 0] = x
    flat = a[:, :2].ravel()  # HERE
    flat[0] = x[1]
    return a.sum() + flat.sum()


# -- functions without a rule ----------------------------------------------------------------------


def no_rule(x):
    return np.i0(x).sum()  # HERE


def ufunc_without_a_rule(x):
    return scipy.special.struve(1, x).sum()  # HERE


def vectorized(x):
    return np.frompyfunc(lambda v: v * v, 1, 1)(x).sum()  # HERE


def vectorized_outside(x):
    return SQUARES(x).sum()  # HERE


def in_a_library(x):
    return statistics.mean([x[0], x[1]])  # HERE


def unknown_number(x):
    return x[0] * os.getpid()  # HERE


def array_of_records(x):
    table = np.zeros(2, dtype=[("a", float)])  # HERE
    table["a"] = x[:2]
    return table["a"].sum()


def view_chosen_by_a_function(x):
    y = x.copy()
    part = np.abs(y[:2] if x[0] < 1 else y[1:], out=y[:2] if x[1] < 1 else y[1:])  # HERE
    return part.sum()


def view_of_unknown_layout(x):
    a = np.zeros_like(x.reshape(3, 1) * np.ones(2)).T.copy("A")
    flat = a.ravel()  # HERE
    flat[0] = x[1]
    return a.sum()


def store_into_a_diagonal(x):
    a = np.outer(x, x)
    np.diagonal(a)[1:] *= 2.0  # HERE
    return a.sum()


def store_into_a_named_diagonal(x):
    a = np.outer(x, x)
    part = np.diag(a).T
    part[0] = x[1]  # HERE
    return a.sum()


def store_into_windows(x):
    windows = np.lib.stride_tricks.sliding_window_view(x * 1.0, 2)
    windows[0] = 0.0  # HERE
    return windows.sum()


REFUSED = [
    (generator, r"generator|yield", r"list|loop"),
    (is_a_generator, r"generator|yield", r"list|return|loop"),
    (delegating_generator, r"generator|yield", r"list|loop"),
    (try_except, r"try", r"\bif\b"),
    (try_finally, r"try", r"."),
    (try_in_a_called_function, r"try", r"\bif\b"),
    (with_a_file, r"with", r"before|outside|errstate"),
    (coroutine, r"async", r"function"),
    (coroutine_inside, r"async", r"function"),
    (class_in_the_body, r"class", r"outside|module|before"),
    (recursion_that_changes_a_shared_array, r"calls itself.*share", r"copy"),
    (recursion_that_sees_its_argument_twice, r"calls itself.*another name", r"copy"),
    (recursion_whose_result_is_changed, r"result of same.*changed", r"\.copy\(\)"),
    (recursion_without_end, r"calls itself|without end", r"return|loop"),
    (recursion_with_ever_longer_lists, r"calls itself|kinds", r"same|loop"),
    (recursion_that_appends, r"calls itself.* list", r"return|loop"),
    (match_statement, r"match", r"\bif\b"),
    (global_number, r"global", r"argument|return"),
    (global_array, r"BUFFER", r"argument|copy"),
    (global_list, r"HISTORY|list", r"argument|return|local"),
    (global_dict, r"TABLE|dict", r"argument|return|local|copy"),
    (attribute_of_a_global, r"attribute", r"return|argument|variable"),
    (attribute_changed_by_a_method, r"attribute", r"return|argument|variable"),
    (attribute_of_a_function, r"attribute", r"return|argument|variable"),
    (by_setattr, r"setattr", r"return|argument|variable"),
    (global_set, r"SEEN|set", r"argument|return|local|new"),
    (default_list, r"kept|list", r"argument|return|local|new"),
    (opened_file, r"open", r"outside|before"),
    (asked, r"input", r"outside|before"),
    (closed_over_number, r"nonlocal|count", r"return|argument"),
    (with_exec, r"exec", r"."),
    (with_eval, r"eval", r"."),
    (with_locals, r"locals", r"."),
    (with_globals, r"globals", r"."),
    (filtered, r"comprehension|condition", r"for loop|np\.where"),
    (list_of_unknown_length, r"list|append", r"array|np\.(zeros|empty)"),
    (chosen_by_a_number, r"index|value", r"."),
    (store_into_what_a_number_chose, r"different arrays", r"\.copy\(\)"),
    (structure_that_differs_between_arms, r"tuple.*list", r"one kind"),
    (keyed_by_a_number, r"key|dict|value", r"."),
    (array_of_objects, r"object", r"list|array|dtype"),
    (view_or_copy, r"view|copy", r"\.copy\(\)"),
    (default_dict, r"dict", r"argument|return|new"),
    (default_array, r"kept", r"argument|copy"),
    (set_changed_in_a_branch, r"set", r"list|array"),
    (shuffled, r"shuffle", r"permutation"),
    (list_given_away, r"heapify", r"outside"),
    (read_from_a_file, r"np\.load", r"outside"),
    (iterator_from_outside, r"taken apart", r"list"),
    (endless, r"cycle", r"range"),
    (no_rule, r"^np\.i0 ", r"cr\.primitive"),
    (ufunc_without_a_rule, r"^scipy\.special\.struve ", r"cr\.primitive"),
    (vectorized, r"np\.frompyfunc", r"np\.vectorize|loop"),
    (vectorized_outside, r"np\.vectorize", r"0\.0"),
    (in_a_library, r"mean", r"NumPy"),
    (unknown_number, r"type", r"float\(\)"),
    (array_of_records, r"records", r"one array for each field"),
    (view_chosen_by_a_function, r"different arrays", r"\.copy\(\)"),
    (view_of_unknown_layout, r"view or a copy", r"\.copy\(\)"),
    (store_into_a_diagonal, r"diagonal.*read-only", r"\.copy\(\)"),
    (store_into_a_named_diagonal, r"np\.diag .*read-only", r"\.copy\(\)"),
    (store_into_windows, r"sliding_window_view.*read-only", r"\.copy\(\)"),
]


def marked(f):
    """The function that has the marked line: the program itself, or the one that it calls."""
    return Box.scale if f is attribute_changed_by_a_method else f


@pytest.mark.parametrize(
    ("f", "construct", "advice"), REFUSED, ids=[f.__name__ for f, _, _ in REFUSED]
)
def test_a_construct_is_refused(f, construct, advice, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = outside()
    with pytest.raises(UnsupportedError) as caught:
        cr.grad(cr.compile(f))(X)
    problem, instead, location = parts(caught.value)
    assert location == line_of(marked(f))
    assert re.search(construct, problem, re.IGNORECASE), problem
    assert re.search(advice, instead), instead
    assert outside() == before, "it was run"


def outside():
    """All that the functions above would change."""
    kept = default_list.__defaults__
    return repr((runs, BUFFER, HISTORY, TABLE, SEEN, BOX.value, total, kept, os.listdir()))


def parts(error):
    """Problem, advice and place, as the message shows them."""
    found = re.fullmatch(r"(.*)\n  Instead: (.*)\n  At: (.*)", str(error), re.DOTALL)
    assert found, f"a part of the message is missing: {error}"
    return found.groups()


def test_a_function_without_source():
    namespace = {}
    exec("def f(x):\n    return x.sum()", namespace)
    with pytest.raises(UnsupportedError) as caught:
        cr.grad(cr.compile(namespace["f"]))(X)
    problem, instead, location = parts(caught.value)
    assert re.search(r"source", problem)
    assert re.search(r"file", instead)
    assert location == "<string>:1"


@pytest.mark.parametrize("f", [np.sin, len, 3, "f", np.float64])
def test_what_is_no_function_with_a_text(f):
    with pytest.raises(ChainruleError) as caught:
        cr.grad(cr.compile(f))(X)
    assert "Instead: " in str(caught.value)


def test_a_statement_that_is_not_reached_is_not_refused():
    """What is decided before the call, such as the kind of an argument, leaves one arm out."""

    def f(x, debug=False):
        if debug:
            exec("runs.append(1)")
        return (x * x).sum()

    np.testing.assert_allclose(cr.grad(cr.compile(f))(X), 2 * X)


# -- what is not refused, and must happen at every call --------------------------------------------


def draws(x):
    return x[0] * random.random() * np.random.rand() * np.random.normal()  # noqa: NPY002


def test_what_is_drawn_is_drawn_at_every_call():
    gradient = cr.grad(cr.compile(draws))
    first, second = gradient(X), gradient(X)
    assert first[0] != second[0]
    assert first[0] != 0


def clocked(x):
    return x[0] * time.perf_counter()


def seeded(x):
    random.seed(3)
    return x[0] * random.gauss(0.0, 1.0)


@pytest.mark.parametrize("f", [draws, clocked])
def test_lowering_itself_draws_nothing(f):
    program = cr.compile(f)
    random.seed(1)
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    program.specialise(X)
    assert before == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002


def test_a_clock_is_read_at_every_call():
    gradient = cr.grad(cr.compile(clocked))
    first, second = gradient(X), gradient(X)
    assert 0 < first[0] < second[0]
    assert cr.compile(seeded)(X) == seeded(X)


def says(x):
    LOG.warning("the first is %.1f", x[0])
    logging.getLogger("chainrule.test").info("not shown")
    warnings.warn("careful", stacklevel=1)
    return x[0] * x[1]


def test_messages_are_written_at_every_call(caplog):
    gradient = cr.grad(cr.compile(says))
    for _ in range(2):
        caplog.clear()
        with pytest.warns(UserWarning, match="careful"):
            assert gradient(X).tolist() == [0.7, 0.3, 0.0]
        assert [r.getMessage() for r in caplog.records] == ["the first is 0.3"]


class Node:
    """Objects that lead to each other in circles."""

    def __init__(self, weight):
        self.weight = weight
        self.parent = None
        self.children = []

    def add(self, child):
        child.parent = self
        self.children.append(child)


TREE = Node(np.array([1.0, 2.0, 3.0]))
TREE.add(Node(2.0))


def of_a_tree(x):
    return (TREE.children[0].parent.weight * x).sum() * TREE.children[0].weight


def test_an_object_with_circles_is_read_attribute_by_attribute():
    gradient = cr.grad(cr.compile(of_a_tree))
    assert gradient(X).tolist() == [2.0, 4.0, 6.0]
    TREE.children[0].weight = 3.0
    try:
        assert gradient(X).tolist() == [3.0, 6.0, 9.0]
    finally:
        TREE.children[0].weight = 2.0


def test_a_library_s_own_text_is_not_blamed():
    """Where the refused construct is in a library, the line is that of the user's call."""

    def f(x):
        logging.getLogger("chainrule.test").warning("here")  # HERE
        return x[0]

    try:
        gradient = cr.grad(cr.compile(f))(X)
    except UnsupportedError as error:
        assert parts(error)[2] == line_of(f)
    else:
        assert gradient.tolist() == [1.0, 0.0, 0.0]


# -- derivatives that a function takes itself ------------------------------------------------------


def checks_itself(x):
    cr.check_grads(np.sin, (x,))  # HERE
    return x[0]


def derivative_chosen_by_a_number(x):
    return (cr.grad(np.sin) if x[0] > 0 else cr.grad(np.cos))(x[1])  # HERE


def differentiates_what_changes_its_own(x):
    buffer = np.zeros(3)

    def fill(z):
        buffer[0] = z[0]
        return np.sum(z * buffer)

    return np.sum(cr.grad(fill)(x))  # HERE


def differentiates_what_keeps_values(x):
    kept = []

    def keep(z):
        kept.append(np.sin(z))
        return np.sum(z)

    return np.sum(cr.grad(keep)(x) + kept[0])  # HERE


def differentiates_an_unknown_function(x):
    return np.sum(cr.grad(lambda z: np.sum(np.i0(z)))(x))  # HERE


@pytest.mark.parametrize(
    ("f", "construct", "advice"),
    [
        (checks_itself, "check_grads of chainrule", "outside"),
        (derivative_chosen_by_a_number, "derivative after one arm", "both arms"),
        (differentiates_what_changes_its_own, "changes buffer", "copy"),
        (differentiates_what_keeps_values, "keeps a value in kept", "has_aux"),
        (differentiates_an_unknown_function, "i0", "cr.primitive"),
    ],
)
def test_a_derivative_is_refused(f, construct, advice):
    with pytest.raises(UnsupportedError, match=construct) as caught:
        cr.compile(f)(X)
    _, instead, location = parts(caught.value)
    assert advice in instead
    assert location == line_of(f)
