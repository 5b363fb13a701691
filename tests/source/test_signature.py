"""Signatures: what of a call's arguments decides which program serves it."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, NamedTuple

import numpy as np
import pytest

from chainrule.errors import ArgumentError
from chainrule.source import signature as sig
from chainrule.source.ir import Access, Var
from chainrule.source.typestrings import parse
from chainrule.source.values import Items, Known, Leaf, Mapping, Record


class Pair(NamedTuple):
    a: Any
    b: Any


@dataclasses.dataclass
class State:
    position: Any
    name: str


class Model:
    def __init__(self, w: Any) -> None:
        self.w = w


def signature(f, *args, **kwargs):
    binder = sig.Binder(f)
    return binder.signature_of(binder(args, kwargs))


def key(*args):
    return signature(lambda *args: None, *args).key


# ------------------------------------------------------------------------------------- binding


def test_binding_is_that_of_python():
    def f(a, b=2, /, c=3, *rest, d, e=5, **more):
        pass

    binder = sig.Binder(f)
    assert binder((1,), {"d": 4}) == (1, 2, 3, (), 4, 5, {})
    assert binder((1, 0, 9, 8, 7), {"d": 4, "z": 1}) == (1, 0, 9, (8, 7), 4, 5, {"z": 1})
    with pytest.raises(TypeError, match="missing"):
        binder((1,), {})
    with pytest.raises(TypeError):
        binder((), {"a": 1, "d": 4})


def test_parameters_keep_kinds_and_defaults():
    def f(a, b=2, *, c): ...

    a, b, c = sig.Binder(f).parameters
    assert (a.kind, a.has_default) == ("positional or keyword", False)
    assert (b.default, b.has_default) == (2, True)
    assert c.kind == "keyword-only"


def test_a_partial_leaves_the_rest():
    binder = sig.Binder(functools.partial(lambda a, b, c: None, 1.0, c=2.0))
    assert binder.names == ["b", "c"]
    assert binder((5.0,), {}) == (5.0, 2.0)


# ---------------------------------------------------------------------------------------- keys


def test_sizes_count_as_equal_or_different():
    u, v, w = np.ones(3), np.ones(4), np.ones(5)
    assert key(u, u) == key(v, v)
    assert key(u, v) == key(v, w)
    assert key(u, v) != key(u, u)
    assert key(np.ones((3, 4)), v) == key(np.ones((7, 2)), np.ones(2))
    assert key(np.ones((3, 4)), u) != key(np.ones((3, 4)), v)


def test_an_axis_of_size_one_is_another_type():
    assert key(np.ones((1, 4))) != key(np.ones((3, 4)))
    assert key(np.ones((1, 4))) == key(np.ones((1, 3)))


def test_dtype_and_kind_count():
    keys = [key(x) for x in (1, 1.0, 1j, np.float64(1), np.float32(1), np.ones(()), np.ones(2))]
    keys += [key(np.ones(2, np.float32)), key(np.ones(2, int)), key(True), key(None)]
    assert len(set(keys)) == len(keys)


def test_numbers_do_not_count_by_value():
    assert key(1.0, 2) == key(3.0, 7)


@pytest.mark.parametrize("a, b", [("x", "y"), (True, False), (np.sin, np.cos), (float, int)])
def test_what_is_no_number_counts_by_value(a, b):
    assert key(a) == key(a)
    assert key(a) != key(b)


def test_structure_counts():
    keys = [key(x) for x in ([1.0], (1.0,), {"a": 1.0}, [1.0, 2.0], Pair(1.0, 2.0), (1.0, 2.0))]
    assert len(set(keys)) == len(keys)
    assert key({"a": 1.0, "b": 2.0}) != key({"b": 1.0, "a": 2.0})


def test_the_quick_key_is_finer_than_the_key():
    calls = [
        (np.ones(3), 1.0),
        (np.ones(4), 1.0),
        (np.ones(3), 1),
        (np.ones(3), np.float32(1)),
        (np.ones(3, np.float32), 1.0),
        ([np.ones(3)], {"a": (1.0, "x")}),
        ([np.ones(3)], {"a": (1.0, "y")}),
        (State(np.ones(2), "x"), Model(np.ones(2))),
        (State(np.ones(2), "y"), Model(np.ones(2))),
    ]
    quick = [sig.exact_key(call) for call in calls]
    assert len(set(quick)) == len(quick)
    for i, a in enumerate(calls):
        for j, b in enumerate(calls):
            if key(*a) != key(*b):
                assert quick[i] != quick[j]


def test_masked_arrays_are_refused():
    with pytest.raises(ArgumentError, match="MaskedArray"):
        key(np.ma.ones(3))


# ----------------------------------------------------------------------------- abstract values


def test_numbers_and_arrays_are_variables_and_accesses():
    def f(u, params): ...

    found = signature(f, np.ones((3, 4)), {"w": [np.ones(4), "text"], "n": 2}).arguments()
    u, params = found["u"], found["params"]
    assert isinstance(u, Leaf)
    assert u.expr == Var(u.type, "u")
    assert isinstance(params, Mapping)
    w = params.items["w"]
    assert isinstance(w, Items)
    assert w.kind == "list"
    first, text = w.items
    assert isinstance(first, Leaf)
    assert first.expr == Access(first.type, "params", (("item", "w"), ("item", 0)))
    assert first.type.sizes == (u.type.sizes[1],)
    assert text == Known("text")


def test_objects_with_arrays_are_records():
    def f(state, model, pair): ...

    found = signature(f, State(np.ones(2), "x"), Model(1.0), Pair(1.0, 2)).arguments()
    state, model, pair = found.values()
    assert isinstance(state, Record)
    assert state.cls is State
    assert state.attributes["name"] == Known("x")
    assert isinstance(model, Record)
    assert isinstance(model.attributes["w"], Leaf)
    assert isinstance(pair, Items)
    assert pair.cls is Pair


def test_static_places_are_known():
    def f(u, n, opts): ...

    made = signature(f, np.ones((3, 4)), 7, {"k": 5})
    found = made.arguments({("n", ()), ("opts", (("item", "k"),)), ("u", ())})
    assert found["n"].value == 7
    assert found["opts"].items["k"] == Known(5)
    assert found["u"].type.sizes == (3, 4)


def test_places_are_shown_as_written():
    assert sig.show(("u", ())) == "u"
    assert sig.show(("p", (("item", 0), ("attr", "w"), ("item", "b")))) == "p[0].w['b']"


# ------------------------------------------------------------------------------- types as text


def test_types_as_text():
    u, n, steps, flag = parse("f8[:, n], i8, i8=3, b1=True")
    assert u.type.dtype == np.float64
    assert u.type.ndim == 2
    assert u.type.sizes[1] == "n"
    assert (n.type.kind, n.type.dtype) == ("python", np.dtype(np.int64))
    assert (steps, flag) == (3, True)


def test_named_sizes_are_shared():
    def f(u, v): ...

    a, b = parse("f8[n], f8[n]")
    found = signature(f, a, b).arguments()
    assert found["u"].type.sizes == found["v"].type.sizes
    a, b = parse("f8[:], f8[:]")
    found = signature(f, a, b).arguments()
    assert found["u"].type.sizes != found["v"].type.sizes


@pytest.mark.parametrize("text", ["q9", "f8[", "f8 i8", "f8[3]=2", "float:"])
def test_wrong_types_are_refused(text):
    with pytest.raises(ArgumentError, match="no types"):
        parse(text)


def test_a_value_that_is_needed_must_be_given():
    def f(n): ...

    made = signature(f, *parse("i8"))
    with pytest.raises(ArgumentError, match="value or the shape of n"):
        made.arguments({("n", ())})
