"""Memory in lowered programs: a buffer has one variable, other names for it are views."""

import re

import numpy as np
import pytest

from chainrule.errors import UnsupportedError
from chainrule.source import ir
from chainrule.source.lower import memory
from chainrule.source.lower.state import State
from chainrule.source.program import compile_
from source.aliasing_programs import random_function
from source.generator import arguments, function_of, random_program
from source.oracles import copied
from source.programs.catalogue import all_examples

X = np.linspace(0.2, 1.0, 5)


def lowered(function, args):
    program = compile_(function)
    signature = program.binder.signature_of(program.binder(copied(args), {}))
    return program.lower(signature).stages[0][1]


def faults(program):
    """Statements by which two variables would hold the same buffer, or a buffer none."""
    views = [s for s in ir.statements(program.body) if isinstance(s, ir.Alias)]
    state = State(buffers=set(program.buffers), roots={s.name: s.root for s in views})
    for s in ir.statements(program.body):
        match s:
            case ir.Move(targets=targets, sources=sources):
                names = [source.name for source in sources]
                if not state.buffers.issuperset({*targets, *names}) or len({*names}) < len(names):
                    yield s
            case ir.Assign(value=value):
                if memory.root_of(state, value) is not None:
                    yield s
            case ir.Alias(name=name, value=value, root=root):
                if name in state.buffers or memory.root_of(state, value) != root:
                    yield s
            case ir.Store(target=target):
                if memory.root_of(state, target) is None:
                    yield s


@pytest.mark.parametrize("example", all_examples(), ids=lambda e: e.name)
def test_buffers_of_programs_have_one_variable(example):
    assert list(faults(lowered(example.function, example.args))) == []


def random_programs(start, count):
    for k in range(start, start + count):
        yield function_of(random_program(k), 10**7 + k), arguments(k)
        yield random_function(k), (X, X[::-1].copy(), 3)


def test_buffers_of_random_programs_have_one_variable():
    checked = 0
    for function, args in random_programs(500, 30):
        try:
            program = lowered(function, args)
        except UnsupportedError as error:
            assert re.search(r"\.copy\(\)|make a new list", str(error))
            continue
        checked += 1
        assert list(faults(program)) == []
    assert checked > 20


# -- what is refused: whether a name shares memory is not known, and the memory changes ------------


def a_view_that_a_loop_may_leave(x):
    last = x[1:]
    for _ in range(len(x)):
        last = last * 0.5
    x[0] = 2.0
    return last


def a_view_that_is_changed_first(x):
    last = x[1:]
    for _ in range(len(x)):
        last *= 0.5
        last = last + 1.0
    return last


def a_number_or_a_part(x):
    d, y = x * x, x[2]
    if y > 0.1:
        y = d[1, ...]
    d[1] = 3.0
    return y * y


def a_number_becomes_a_part(x):
    total = np.zeros(())
    last = x[0]
    for v in x:
        total += v
        last = total
    return last * last


def a_layout_that_may_copy(x):
    y = np.ascontiguousarray(x[::2])
    x[0] = 2.0
    return y


def a_flat_array_that_may_be_a_copy(x):
    y = x[::2].ravel()
    x[0] = 2.0
    return y


@pytest.mark.parametrize(
    "function",
    [
        *(a_view_that_a_loop_may_leave, a_view_that_is_changed_first, a_number_or_a_part),
        *(a_number_becomes_a_part, a_layout_that_may_copy, a_flat_array_that_may_be_a_copy),
    ],
)
def test_what_may_share_memory_is_refused(function):
    many = np.linspace(0.3, 1.3, 100)  # a loop of few turns would be written out
    with pytest.raises(UnsupportedError, match=r"write \.copy\(\)"):
        lowered(function, (many,))


def test_a_result_whose_dtype_depends_on_its_values_is_refused():
    def closed(z):
        return np.real_if_close(z) * 2.0

    with pytest.raises(UnsupportedError, match=r"write np\.real\(x\)"):
        lowered(closed, (X + 1j,))
    np.testing.assert_array_equal(compile_(closed)(X), X * 2.0)
