"""explain_nan and why_zero: they name the line of this file where it went wrong."""

import inspect
import sys

import numpy as np
import pytest

import chainrule as cr

X = np.array([0.0, 1.0, 4.0])


def line_of(f, text):
    """The number of the line of ``f`` that holds ``text``, as 'FILE:LINE'."""
    lines, start = inspect.getsourcelines(f)
    (found,) = [start + k for k, line in enumerate(lines) if text in line]
    return f"{__file__}:{found}"


def check_nan(f, args, kind, operation, text, **kwargs):
    finding = cr.explain_nan(f, **kwargs)(*args)
    assert (finding.kind, finding.operation) == (kind, operation), str(finding)
    assert finding.location == line_of(f, text), str(finding)
    assert finding.location in str(finding)
    return finding


def test_an_infinite_value():
    def f(x):
        a = np.exp(x)
        b = np.log(x)  # here
        return np.sum(a * b)

    finding = check_nan(f, (X,), "value", "log", "# here")
    assert "0 to 4" in str(finding)


def test_the_first_of_several_in_a_loop():
    def f(x):
        for k in range(4):
            x = x - k
            x = np.sqrt(x)  # here
            x = x * 2
        return np.sum(x)

    check_nan(f, (X + 0.5,), "value", "sqrt", "# here")


def test_a_cotangent_of_finite_values():
    def f(x):
        root = np.sqrt(x)  # here
        return np.sum(root * 3)

    finding = check_nan(f, (X,), "cotangent", "sqrt", "# here")
    assert "finite" in str(finding)


def test_a_constant_that_is_bad():
    weights = np.array([1.0, np.nan, 2.0])

    def f(x):
        return np.sum(np.exp(x) * weights)  # here

    finding = check_nan(f, (X,), "value", "multiply", "# here")
    assert "constant" in str(finding)


def test_a_value_that_is_stored():
    def f(x):
        out = np.zeros_like(x)
        for k in range(3):
            out[k] = 1 / x[k]  # here
        return np.sum(out)

    check_nan(f, (X,), "value", "divide", "# here")


def test_a_helper_function_is_named_by_its_own_line():
    def normalised(v):
        return v / np.sum(v)  # here

    def f(x):
        return np.sum(normalised(x - x))

    finding = cr.explain_nan(f)(X)
    assert finding.location == line_of(normalised, "# here")


def test_a_bad_input_and_a_good_function():
    assert cr.explain_nan(np.sum)(np.array([1.0, np.inf])).operation == "input"
    assert cr.explain_nan(lambda x: np.sum(x**2))(X).kind == "none"
    assert cr.explain_nan(lambda x: 3.0)(X).kind == "none"


def test_the_trace_hook_of_a_debugger_is_put_back():
    def hook(frame, event, arg):
        return None

    before = sys.gettrace()
    sys.settrace(hook)
    try:
        cr.explain_nan(np.sum)(X)
        with pytest.raises(ZeroDivisionError):
            cr.explain_nan(lambda x: 1 / 0)(X)
        assert sys.gettrace() is hook
    finally:
        sys.settrace(before)


def check_zero(f, args, kind, operation, text, **kwargs):
    (finding,) = cr.why_zero(f, **kwargs)(*args)
    assert (finding.kind, finding.operation) == (kind, operation), str(finding)
    if text:
        assert finding.location == line_of(f, text), str(finding)


def test_a_slope_of_zero():
    def dead(x):
        hidden = np.maximum(x - 10, 0)  # here
        return np.sum(hidden**2)

    def unselected(x):
        return np.sum(np.where(x > 100, x * x, 1.0))  # here

    check_zero(dead, (X[1:],), "slope", "power", None)
    check_zero(unselected, (X,), "slope", "where", "# here")


def test_a_path_that_is_cut():
    def rounded(x):
        steps = np.round(x)  # here
        return np.sum(steps * 2.0)

    def compared(x):
        above = x > 1  # here
        return np.sum(above * 2.0)

    def stopped(x):
        constant = cr.stop_gradient(x)  # here
        return np.sum(constant**2)

    def converted(x):
        whole = x.astype(int)  # here
        return np.sum(whole) * 1.0

    check_zero(rounded, (X,), "cut", "round", "# here")
    check_zero(compared, (X,), "cut", "gt", "# here")
    check_zero(stopped, (X,), "cut", "stop_gradient", "# here")
    check_zero(converted, (X,), "cut", "astype", "# here")


def test_every_input_gets_its_own_answer():
    def f(p, unused):
        return np.sum(p["a"] ** 2) + np.sum(np.floor(p["b"]))

    findings = cr.why_zero(f, argnums=(0, 1))({"a": X, "b": X}, X)
    assert [finding.kind for finding in findings] == ["nonzero", "cut", "unused"]


@pytest.mark.parametrize("function", [np.sign, np.angle, np.floor, np.isnan])
def test_a_question_about_the_type_is_no_cut(function):
    def f(x):
        size = np.size(x) + np.ndim(x) + np.iscomplexobj(x)
        return np.sum(function(x)) * size

    [finding] = cr.why_zero(f)(np.array([1.0, -2.0]))
    assert finding.operation == function.__name__
