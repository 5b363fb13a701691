"""``chainrule source``: what it prints, and what it says to a wrong command line."""

import argparse
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from chainrule.errors import ArgumentError
from chainrule.source.command import add_parser, source

FILE = """
    import helper_beside_it
    import numpy as np

    limit = 3

    def loss(u, v, n=2):
        for k in range(n):
            u = u * np.sin(v)
        return np.sum(u)

    class Model:
        @staticmethod
        def energy(x):
            return np.sum(x**2)
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(textwrap.dedent(FILE))
    (tmp_path / "helper_beside_it.py").write_text("")
    return path


def command(*arguments):
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    options = parser.parse_args(["source", *map(str, arguments)])
    return options.run(options)


def executed(text, name):
    space = {}
    exec(text, space)
    return space[name]


def test_it_prints_a_gradient_that_runs(file, capsys):
    assert command(f"{file}:loss", "--types", "f8[n], f8[n], i8") == 0
    u, v = np.array([1.0, 2.0]), np.array([0.5, -0.3])
    gradient = executed(capsys.readouterr().out, "loss_grad")
    np.testing.assert_allclose(gradient(u, v, 3), np.sin(v) ** 3, rtol=1e-12)


def test_by_several_arguments(file):
    gradient = executed(source(f"{file}:loss", "f8[n], f8[n], i8", "u,v"), "loss_grad")
    u, v = np.array([1.0, 2.0]), np.array([0.5, -0.3])
    by_u, by_v = gradient(u, v, 2)
    np.testing.assert_allclose(by_u, np.sin(v) ** 2, rtol=1e-12)
    np.testing.assert_allclose(by_v, u * 2 * np.sin(v) * np.cos(v), rtol=1e-12)


def test_a_parameter_with_a_default_may_be_left_out(file):
    primal = executed(source(f"{file}:loss", "f8[n], f8[n]", mode="primal"), "loss")
    assert primal(np.ones(2), np.full(2, np.pi / 2)) == 2


def test_a_function_in_a_class(file):
    gradient = executed(source(f"{file}:Model.energy", "f8[:]"), "energy_grad")
    np.testing.assert_array_equal(gradient(np.array([1.0, 2.0])), [2.0, 4.0])


@pytest.mark.parametrize("mode", ["grad", "vjp", "jvp", "hvp", "primal"])
def test_every_mode_prints_a_program(file, mode):
    text = source(f"{file}:loss", "f8[:], f8[:], i8", mode=mode)
    name = {"primal": "loss", "hvp": "loss_grad_jvp"}.get(mode, f"loss_{mode}")
    assert callable(executed(text, name))
    assert "chainrule" not in text


@pytest.mark.parametrize(
    ("target", "types", "wrt", "problem"),
    [
        ("{}", "f8", None, "names no function"),
        ("{}:", "f8", None, "has no function ''"),
        ("{}:missing", "f8", None, "it has: loss, Model"),
        ("{}:limit", "f8", None, "has no function 'limit'"),
        ("missing.py:loss", "f8", None, "there is no file missing.py"),
        ("{}:loss", "f8", None, r"does not fit loss\(u, v, n\): .*'v'"),
        ("{}:loss", "f8, f8, f8, f8", None, r"does not fit loss\(u, v, n\)"),
        ("{}:loss", "f8[", None, r"'f8\[' are no types of arguments"),
        ("{}:loss", "q8, f8", None, "'q8, f8' are no types"),
        ("{}:loss", "f8, f8", "w", "loss has no parameter w(.|\n)*one or more of u, v, n"),
    ],
)
def test_a_wrong_command_line_is_explained(file, target, types, wrt, problem):
    with pytest.raises(ArgumentError, match=problem):
        source(target.format(file), types, wrt)


def test_errors_go_to_the_error_stream(file, capsys):
    assert command(f"{file}:missing", "--types", "f8") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("chainrule source: ")
    assert "has no function 'missing'" in err


def test_the_printed_program_needs_no_chainrule(file, tmp_path):
    text = source(f"{file}:loss", "f8[n], f8[n], i8")
    alone = tmp_path / "alone.py"
    call = "loss_grad(np.ones(2), np.full(2, np.pi / 2), 2)"
    alone.write_text(f"{text}\nimport sys\nprint({call}, 'chainrule' in sys.modules)\n")
    found = subprocess.run(
        [sys.executable, "-I", alone], capture_output=True, text=True, check=False
    )
    assert (found.stdout, found.stderr) == ("[1. 1.] False\n", "")
