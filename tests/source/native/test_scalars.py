"""Small arrays as numbers, on the statements of a kernel."""

import numpy as np

from chainrule.source.ir import Assign, Var
from chainrule.source.native.code import Fresh, Make, Put, load, number, scalar
from chainrule.source.native.scalars import in_numbers
from chainrule.source.types import Type

F8 = np.dtype(float)
A, B = (Var(Type("array", F8, (2,)), name) for name in "ab")
TYPES = {"a": A.type, "b": B.type, "y": scalar(F8)}


def small(changes_b):
    """``a = np.empty(2); a[0] = 1; b = a``, then perhaps ``b[0] = 2``, and ``y = a[0]``."""
    block = [Make("a", F8, (number(2),)), Put(A, (number(0),), number(1)), Assign("b", A)]
    block += [Put(B, (number(0),), number(2))] * changes_b
    block.append(Assign("y", load(A, (number(0),))))
    return in_numbers(block, Fresh({*TYPES}), dict(TYPES), set())


def test_two_names_for_one_array_are_numbers():
    assert not any(isinstance(s, (Make, Put)) for s in small(changes_b=False))


def test_an_array_that_is_changed_under_another_name_stays_one():
    assert sum(isinstance(s, Put) for s in small(changes_b=True)) == 2
