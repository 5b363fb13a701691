"""Emitted text stands alone: it contains its helpers, and needs nothing of chainrule to run."""

import subprocess
import sys
import types
from typing import Any

import numpy as np
import pytest

from chainrule.errors import UnsupportedError
from chainrule.rules import _central, indexing, load, products, reductions
from chainrule.source import ir
from chainrule.source.emit import emit, namespace
from chainrule.source.helpers import helper_texts, unbroadcast
from chainrule.source.names import Names
from chainrule.source.types import OBJECT

load()


def text_of(function):
    """Return a function's text with all that it needs."""
    names = Names([])
    names.of(function)
    helpers = helper_texts(names)
    assert names.objects == {}
    return "\n\n\n".join([*names.imports(), *helpers])


def alone(function):
    """Return the function made from its text in a namespace of its own."""
    space: dict[str, Any] = {}
    exec(text_of(function), space)
    return space[function.__name__]


rng = np.random.default_rng(0)
A, B, C = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=(2, 4))
EINSUM = products.einsum_of_arrays


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (_central.plain_guarded_product, (np.array([0.0, 1.0]), np.array([np.inf, 2.0]))),
        (_central.restore, (np.ones((4, 2, 3)), np.ones((2, 1), np.float32))),
        (_central.restore, (np.ones(3) * 1j, 2.0)),
        (_central.unbroadcast, (np.ones((4, 2, 3)), (2, 1))),
        (_central.keep_axes, (A, 1, 3, False)),
        (_central.stretch, (A, (5, 2, 3))),
        (products._tensordot_left, (C, A, B, 1)),
        (products._tensordot_right, (C, A, B, 1)),
        (products._matmul_left, (C, 2, B)),
        (EINSUM.fn, (A, B)),
        (products._spread, (np.ones(2), "i", "ii", (2, 2))),
        (indexing._scatter_add, (np.ones(3), (np.array([0, 0, 1]),), (4,))),
        (indexing.last_written, (np.ones(3), np.ones(4), (np.array([0, 0, 1]),), np.ones(3))),
        (indexing.along_axis, (np.array([[0, 1, 1]]), (2, 3), 0)),
        (reductions.reduced_axes, (A, (-1,))),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_a_function_made_from_its_text_does_the_same(function, args):
    given = {}
    if function is EINSUM.fn:
        given = {"subscripts": "ij,jk->ik", "optimize": False, "order": "K"}
    made = alone(function)
    assert made is not function
    found, expected = made(*args, **given), function(*args, **given)
    assert type(found) is type(expected)
    for a, b in zip(np.atleast_1d(found), np.atleast_1d(expected), strict=True):
        np.testing.assert_array_equal(a, b)
    assert getattr(found, "dtype", None) == getattr(expected, "dtype", None)


def every_function():
    """All functions of the rule table's modules that rules may call."""
    for name, module in sorted(sys.modules.items()):
        if name.startswith("chainrule.rules.") and not name.endswith(("_forms", "_split")):
            for function in vars(module).values():
                if isinstance(function, types.FunctionType) and function.__module__ == name:
                    yield function


def test_nearly_every_function_of_the_table_has_a_text():
    refused, count = set(), 0
    for function in every_function():
        count += 1
        try:
            text = text_of(function)
        except UnsupportedError:
            refused.add(function.__name__)
            continue
        compile(text, function.__name__, "exec")
        for word in ("chainrule", "Tracer", "UnsupportedError", "Callable", ": Any"):
            assert word not in text
    assert count > 200
    assert refused <= {"vector_norm", "matrix_norm"}  # made in a loop, for several functions


def test_errors_become_those_of_python():
    ediff1d = alone(sys.modules["chainrule.rules.sorting"]._order_statistic)
    with pytest.raises(TypeError, match="weights"):
        ediff1d(np.quantile, A, 0.5, None, "linear", False, np.ones(6))


def test_what_cannot_stand_alone_is_refused():
    def closed_over():
        return rng

    closed_over.__module__ = "chainrule.rules.shape"
    names = Names([])
    names.of(closed_over)
    with pytest.raises(UnsupportedError, match="closed_over cannot be emitted"):
        helper_texts(names)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize(
    ("shape", "like"),
    [((4, 2, 3), (2, 1)), ((2, 3), (2, 3)), ((5,), ()), ((2, 3), (1, 1)), ((0, 3), (3,))],
)
def test_unbroadcast(shape, like, dtype):
    ct, x = rng.normal(size=shape).astype(dtype), np.zeros(like, np.float32)
    found = unbroadcast(ct, x)
    assert (found.shape, found.dtype) == (like, np.float32)
    np.testing.assert_allclose(found, np.real(_central.restore(ct, x)), rtol=1e-6)


def program():
    """A program with helpers, some of which use others, and with names that are in their way."""
    array = ir.Type("array", np.dtype(float), ("n",))
    has_nan, like = ir.Var(array, "has_nan"), ir.Var(array, "like")
    product = ir.Call(array, _central.plain_guarded_product, (has_nan, like))
    index = ir.Seq(OBJECT, (ir.Lit(OBJECT, np.array([0, 0, 1])),))
    shape = ir.Lit(OBJECT, (2,))
    scattered = ir.Call(array, indexing._scatter_add, (ir.Var(array, "ct"), index, shape))
    body: ir.Block = [ir.Assign("ct", product), ir.Assign("unbroadcast", scattered)]
    parameters = [ir.Parameter("has_nan"), ir.Parameter("like")]
    result = ir.Call(array, unbroadcast, (ir.Var(array, "unbroadcast"), like))
    return ir.Program("may_repeat", parameters, body, result, {}, {})


def test_a_program_runs_in_a_fresh_process_without_chainrule(tmp_path):
    prog = program()
    assert namespace(prog) == {}
    call = "may_repeat(np.array([0.0, 2.0, 3.0]), np.array([np.inf, 1.0, 1.0]))"
    code = f"{emit(prog)}\nimport sys\nprint({call}, 'chainrule' in sys.modules)\n"
    (tmp_path / "alone.py").write_text(code)
    command = [sys.executable, "-I", "-W", "error", str(tmp_path / "alone.py")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.stdout, found.stderr) == ("[2. 3.] False\n", "")


def test_helpers_and_variables_of_one_name_do_not_meet():
    text = emit(program())
    assert "def unbroadcast_2(ct, like):" in text
    assert "return unbroadcast_2(unbroadcast, like)" in text
    assert "def may_repeat_2(index):" in text
    assert "if may_repeat_2(index):" in text
