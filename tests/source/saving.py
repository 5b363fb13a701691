"""Reverse sweeps that save no more than they need: what is asked of each of them."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.source import derivatives
from chainrule.source.emit import emit, namespace
from chainrule.source.program import compile_

A, X = np.linspace(0.5, 1.2, 7), np.linspace(0.4, 0.9, 7)


def adjoint(f, **options):
    """The reverse of a program of two vectors."""
    spec = compile_(f, backend="numpy").specialised([A, X])
    return derivatives.pullback(spec.program, spec.arguments, [("a", ()), ("x", ())], **options)


def check_gradients(f, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    cr.check_grads(cr.compile(f, backend=backend), (A, X))


def check_against_saving_everything(f):
    def pulled(**options):
        made = adjoint(f, **options)
        space = dict(namespace(made))
        exec(emit(made), space)
        return space[made.name](A, X, 1.0)[1]

    for one, other in zip(pulled(), pulled(store_all=True), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
