"""The programs, in every mode to second order, against each other and against differences."""

import numpy as np
import pytest

import chainrule as cr
from derivatives import check
from programs import PROGRAMS

SINGLE = ("heat_1d", "lstm", "thomas", "mlp_cross_entropy")
each_program = pytest.mark.parametrize("program", PROGRAMS, ids=[p.name for p in PROGRAMS])


def test_there_are_programs_of_every_kind():
    assert len(PROGRAMS) >= 20
    assert len({p.name for p in PROGRAMS}) == len(PROGRAMS)
    assert any(np.iscomplexobj(arg) for p in PROGRAMS for arg in p.args)


@each_program
def test_both_orders_and_all_modes(program):
    with np.errstate(all="raise", under="ignore"):
        program.function(*[np.array(a)[()] for a in program.args])
    check(program.function, *program.args)


@each_program
def test_the_whole_first_jacobian(program):
    """Forward and reverse mode agree entry by entry, not only along random directions."""

    def first(*args):
        y = program.function(*args)
        return y[-1] if isinstance(y, tuple) else y

    if any(np.iscomplexobj(a) for a in program.args):
        pytest.skip("the Jacobian of a complex function is two real ones")
    argnums = tuple(range(len(program.args)))
    forward = cr.jacfwd(first, argnums=argnums)(*program.args)
    reverse = cr.jacrev(first, argnums=argnums)(*program.args)
    for f, r in zip(forward, reverse, strict=True):
        assert f.shape == r.shape
        np.testing.assert_allclose(f, r, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p.name in SINGLE], ids=lambda p: p.name)
def test_single_precision(program):
    args = [np.asarray(a).astype(np.float32)[()] for a in program.args]
    check(program.function, *args)
