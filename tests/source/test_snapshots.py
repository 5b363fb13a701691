"""Emitted programs, compared with the texts in ``snapshots``.

After a change that is meant, write them again with ``python tests/source/test_snapshots.py`` and
read what has changed.
"""

import pathlib

import pytest

from chainrule.source import command

HERE = pathlib.Path(__file__).parent
CASES = {
    "heat_grad": ("heat", "f8[:], f8", "u,nu", "grad"),
    "heat_hvp": ("heat", "f8[:], f8", "u", "hvp"),
    "heat_jvp": ("heat", "f8[:], f8", "u,nu", "jvp"),
    "seidel_vjp": ("seidel", "f8[n,n], i8", "a", "vjp"),
    "lu_vjp": ("lu", "f8[n,n]", "a", "vjp"),
    "lu_jvp": ("lu", "f8[n,n]", "a", "jvp"),
    "square_root_grad": ("square_root", "f8", "a", "grad"),
    "capped_sum_grad": ("capped_sum", "f8[:], f8", "x,cap", "grad"),
    "perceptron_grad": (
        "perceptron",
        "f8[n,m], f8[m], f8[m,k], f8[b,n], f8[b,k]",
        "w1,b1,w2",
        "grad",
    ),
    "leapfrog_grad": ("leapfrog", "f8[n], f8[n], f8", "x,v", "grad"),
    "softmax_loss_grad": ("softmax_loss", "f8[n], i8", "z", "grad"),
    "softmax_in_place_grad": ("softmax_in_place", "f8[n,m]", "x", "grad"),
    "rank_update_grad": ("rank_update", "f8, f8, f8[n,n], f8[n,m]", "alpha,beta,c,a", "grad"),
    "softmax_loss_primal": ("softmax_loss", "f8[n], i8", None, "primal"),
}


def text_of(name):
    function, types, wrt, mode = CASES[name]
    return command.source(f"{HERE / 'snapshot_programs.py'}:{function}", types, wrt, mode)


@pytest.mark.parametrize("name", CASES)
def test_the_text_is_the_one_that_was_read(name):
    assert text_of(name) == (HERE / "snapshots" / f"{name}.py").read_text()


def test_there_is_no_other_text():
    assert {p.stem for p in (HERE / "snapshots").glob("*.py")} == set(CASES)


if __name__ == "__main__":
    for case in CASES:
        (HERE / "snapshots" / f"{case}.py").write_text(text_of(case))
