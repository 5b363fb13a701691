"""A traced value stored into a plain array, by every one of NumPy's mutators, is an error."""

import inspect
import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ChainruleError

X = np.array([0.7, -1.3, 0.4, 1.9])


def put(array, index, value):
    array[index] = value


PLAIN_STORES = {
    "element": lambda p, x: put(p, 0, x[0]),
    "slice": lambda p, x: put(p, slice(0, 2), x[:2]),
    "row": lambda p, x: put(p, Ellipsis, x),
    "mask": lambda p, x: put(p, p > 0, x[0]),
    "fancy": lambda p, x: put(p, [0, 1], x[:2]),
    "list of traced": lambda p, x: put(p, slice(0, 2), [x[0], x[1]]),
    "flat": lambda p, x: put(p.flat, 0, x[0]),
    "flat slice": lambda p, x: put(p.flat, slice(0, 2), x[:2]),
    "fill": lambda p, x: p.fill(x[0]),
    "put method": lambda p, x: p.put([0], x[0]),
    "itemset by put": lambda p, x: np.put(p, [0], x[0]),
    "copyto": np.copyto,
    "copyto where": lambda p, x: np.copyto(p, x, where=p > 0),
    "place": lambda p, x: np.place(p, p > 0, x),
    "putmask": lambda p, x: np.putmask(p, p > 0, x),
    "put_along_axis": lambda p, x: np.put_along_axis(p, np.array([0]), x[:1], 0),
    "fill_diagonal": lambda p, x: np.fill_diagonal(p.reshape(2, 2), x[0]),
    "add.at": lambda p, x: np.add.at(p, [0, 1], x[:2]),
    "subtract.at": lambda p, x: np.subtract.at(p, [0], x[0]),
    "multiply.at": lambda p, x: np.multiply.at(p, [0], x[0]),
    "in-place add": lambda p, x: p.__iadd__(x),
    "in-place multiply": lambda p, x: p.__imul__(x),
    "in-place power": lambda p, x: p.__ipow__(x),
    "in-place matmul": lambda p, x: p.reshape(2, 2).__imatmul__(x.reshape(2, 2)),
    "out of a ufunc": lambda p, x: np.sin(x, out=p),
    "positional out": lambda p, x: np.add(x, 1.0, p),
    "out in a tuple": lambda p, x: np.multiply(x, 2.0, out=(p,)),
    "out with where": lambda p, x: np.sqrt(x, out=p, where=p > 0),
    "second of two outs": lambda p, x: np.modf(x, out=(None, p)),
    "out of a reduction": lambda p, x: np.sum(x.reshape(2, 2), axis=0, out=p[:2]),
    "out of a method": lambda p, x: x.reshape(2, 2).sum(axis=0, out=p[:2]),
    "out of cumsum": lambda p, x: np.cumsum(x, out=p),
    "out of add.reduce": lambda p, x: np.add.reduce(x, keepdims=True, out=p[:1]),
    "out of add.accumulate": lambda p, x: np.add.accumulate(x, out=p),
    "out of dot": lambda p, x: np.dot(x.reshape(2, 2), p[:2].copy(), out=p[2:]),
    "out of matmul": lambda p, x: np.matmul(x.reshape(2, 2), p[:2].copy(), out=p[2:]),
    "out of clip": lambda p, x: np.clip(x, 0, 1, out=p),
    "out of concatenate": lambda p, x: np.concatenate([x[:2], x[2:]], out=p),
    "out of stack": lambda p, x: np.stack([x[0], x[1]], out=p[:2]),
    "out of take": lambda p, x: np.take(x, [0, 1], out=p[:2]),
    "out of choose": lambda p, x: np.choose([0, 1, 0, 1], [x, x * 2], out=p),
    "out of compress": lambda p, x: np.compress([True, True], x[:2], out=p[:2]),
    "out of einsum": lambda p, x: np.einsum("i,i->i", x, x, out=p),
    "out of max": lambda p, x: np.max(x, keepdims=True, out=p[:1]),
    "out of median": lambda p, x: np.median(x, keepdims=True, out=p[:1]),
    "out of round": lambda p, x: np.round(x * 1.5, out=p) * x,
    "full_like": lambda p, x: np.full_like(p, x[0]),
    "nditer": lambda p, x: [put(v, Ellipsis, x[0]) for v in np.nditer(p, [], ["writeonly"])],
    "iteration of rows": lambda p, x: [put(row, 0, x[0]) for row in p.reshape(2, 2)],
    "boolean": lambda p, x: put(np.zeros(4, bool), 0, x[0]),
    "boolean slice": lambda p, x: put(np.zeros(4, bool), slice(0, 2), x[:2]),
    "integer": lambda p, x: put(np.zeros(4, int), 0, x[0]),
    "structured": lambda p, x: put(np.zeros(4, "f8,f8"), "f0", x),
    "complex": lambda p, x: put(np.zeros(4, complex), 0, x[0]),
    "real part": lambda p, x: setattr(np.zeros(4, complex), "real", x),
}


@pytest.mark.parametrize("name", PLAIN_STORES)
def test_a_traced_value_in_a_plain_array_is_loud_or_right(name):
    store = PLAIN_STORES[name]
    plain_store = np.array(X)
    with np.errstate(invalid="ignore"):  # the numbers do not matter here
        returned = store(plain_store, X)

    def f(x):
        p = X.copy()
        result = store(p, x)
        return result * x if name in LOSSLESS else p * x

    try:
        value = cr.vjp(f, X)[0]
    except (ChainruleError, TypeError, AttributeError) as error:
        assert isinstance(error, ChainruleError) or name in PYTHONS_OWN, repr(error)
        with pytest.raises(type(error)):
            cr.jvp(f, (X,), (np.ones(4),))
        return
    assert name in LOSSLESS, f"silent: {value}"
    np.testing.assert_allclose(value, np.asarray(returned) * X)


LOSSLESS = {"full_like", "out of round"}
"""Stores that may succeed: a new array is returned, or what is written has derivative zero."""

PYTHONS_OWN: set[str] = set()


WRITES = re.compile(
    r"Modif|Replaces specified|Change elements|Changes elements|Put values|Fill the main diagonal"
    r"|Copies values from one array"
)


def test_each_mutator_of_numpy_is_tried():
    """Functions of NumPy whose summary says that they write, so that a new one is noticed."""
    found = set()
    for name in dir(np):
        function = getattr(np, name)
        if callable(function) and not isinstance(function, type):
            summary = (inspect.getdoc(function) or "").split("\n\n")
            if WRITES.search(" ".join(summary[:2])):
                found.add(name)
    assert {"copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"} <= found
    missing = [name for name in found if name not in " ".join(PLAIN_STORES)]
    assert set(missing) <= {"i0"}, "i0 is a modified Bessel function"


def test_an_object_array_of_traced_values_is_right():
    def f(x):
        o = np.empty(2, object)
        o[0], o[1] = x[0], x[1] * x[2]
        return (o[0] + np.multiply(o[0], o[1])) * x

    np.testing.assert_allclose(cr.vjp(f, X)[0], (X[0] + X[0] * X[1] * X[2]) * X)


@pytest.mark.parametrize("name", sorted(n for n in dir(np) if isinstance(getattr(np, n), np.ufunc)))
def test_out_of_every_ufunc(name):
    """A ufunc of a traced value never writes into a plain array and stays silent."""
    ufunc = getattr(np, name)
    if ufunc.signature or not any("d" in t.split("->")[0] for t in ufunc.types):
        pytest.skip("takes no floats elementwise")

    def f(x):
        kinds = next(t for t in ufunc.types if set(t.split("->")[0]) <= set("dl") and "d" in t)
        outs = tuple(np.zeros(4, t) for t in kinds.split("->")[1])
        args = [x if t == "d" else np.ones(4, int) for t in kinds.split("->")[0]]
        ufunc(*args, out=outs)
        floats = [o for o in outs if o.dtype.kind == "f"]
        return sum((o * x for o in floats), x)

    constant = {"ceil", "floor", "rint", "sign", "trunc", "spacing", "floor_divide", "heaviside"}
    with np.errstate(all="ignore"):
        try:
            cr.vjp(f, X)
        except ChainruleError:
            return
        except StopIteration:
            pytest.skip("has no loop in double precision")
    only_booleans = all(t.split("->")[1].strip("?il") == "" for t in ufunc.types)
    assert name in constant or only_booleans, "silent"
