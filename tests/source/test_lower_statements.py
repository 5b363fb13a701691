"""Statements, loops, branches, calls, memory: the program does what the function does."""

import dataclasses
import importlib.util

import numpy as np
import pytest

from chainrule.errors import UnsupportedError
from chainrule.source.emit import emit
from chainrule.source.lower import lower
from chainrule.source.signature import Binder
from chainrule.source.specialise import Specialisation
from source import call_programs, statement_programs
from source.aliasing_programs import random_function
from source.oracles import copied


def lowered(fn, *args):
    """Return the program of a function, and a function that runs it."""
    binder = Binder(fn)
    signature = binder.signature_of(binder(args, {}))
    program = lower(fn, signature)
    made = Specialisation([("lower", program)], signature.arguments(program.static))
    return program, lambda *values: made.run(binder.names, binder(values, {}))


def assert_same(a, b):
    if isinstance(a, (tuple, list)):
        assert type(a) is type(b) and len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same(a[key], b[key])
    elif dataclasses.is_dataclass(a):
        assert_same(vars(a), vars(b))
    else:
        np.testing.assert_array_equal(a, b)


def check(fn, *args):
    """Run the program and the function; the caller's arrays are left alone by the program."""
    _, made = lowered(fn, *args)
    given = copied(args)
    got = made(*given)
    assert_same(args, given)
    assert_same(fn(*copied(args)), got)


PROGRAMS = [*statement_programs.PROGRAMS, *call_programs.PROGRAMS]


@pytest.mark.parametrize("case", PROGRAMS, ids=lambda c: getattr(c[0], "__name__", "object"))
def test_the_program_does_what_the_function_does(case):
    check(*case)


def test_arrays_that_are_only_read_stay_values():
    def f(u, n):
        un = np.zeros(5)
        u = u.copy()
        for _ in range(n):
            un = u.copy()
            v = un
            u[1:-1] = v[2:] + un[:-2]
        return u

    program, _ = lowered(f, np.ones(5), 3)
    assert program.buffers == {"u_2"}
    assert emit(program).count("copy") == 2


def test_closed_over_values_are_read_at_every_call():
    box = np.ones(3)

    def f(x):
        return x * box

    program, _ = lowered(f, np.ones(3))
    (read,) = program.hidden.values()
    box = np.full(3, 2.0)
    assert read() is box


def test_a_known_value_from_outside_is_guarded():
    count = 2

    def f(x):
        for _ in range(count):
            x = x * 2.0
        return x

    program, _ = lowered(f, 1.0)
    assert all(read() == value for read, value in program.guards)
    count = 3
    assert not all(read() == value for read, value in program.guards)


def test_an_unbound_name_raises_as_python_does():
    def f(x):
        if x > 5.0:
            y = x
        return y

    _, made = lowered(f, 1.0)
    with pytest.raises(NameError):
        made(1.0)
    assert made(6.0) == 6.0


def test_random_programs_keep_what_names_share():
    """Stores through every name of an array, in loops and branches: right, or refused."""
    counts = {"right": 0, "refused": 0}
    for seed in range(250):
        function = random_function(seed)
        args = (*np.random.default_rng(seed).random((2, 5)), 2)
        with np.errstate(all="ignore"):
            try:
                check(function, *args)
            except UnsupportedError:
                counts["refused"] += 1
            else:
                counts["right"] += 1
    assert counts["right"] > 150


REFUSED = [
    (
        "for i in range(3):\n        if i > 0:\n            s = p\n        p = i\n    return s",
        "p may be",
    ),
    ("class A:\n        pass\n    return x", "class A"),
    ("try:\n        return x\n    except ValueError:\n        return 0 * x", "try"),
    ("global K\n    K = 1\n    return x", "global K"),
    ("with open('a') as f:\n        return x", "with open"),
    ("yield x", "generator"),
    ("TABLE[0] = x[0]\n    return x", "TABLE"),
]


@pytest.mark.parametrize(("body", "message"), REFUSED)
def test_what_is_not_in_the_language_is_refused_with_its_line(body, message, tmp_path):
    file = tmp_path / "refused.py"
    file.write_text(f"import numpy as np\nTABLE = np.ones(3)\n\ndef f(x):\n    {body}\n")
    spec = importlib.util.spec_from_file_location("refused", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(UnsupportedError, match="Instead: ") as caught:
        lowered(module.f, np.ones(3))
    assert message in caught.value.problem
    assert caught.value.location.startswith(f"{file}:")
    assert int(caught.value.location.rpartition(":")[2]) >= 4
