"""What ``vjp`` and ``jacrev`` leave behind: a run of the program, and the way back from it."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

import chainrule as cr
from chainrule._trees import leaves_of
from chainrule.errors import UnsupportedError
from chainrule.source.residuals import run_once
from source.oracles import Compiled, assert_close, copied, numbers_of, random_like, vector
from source.programs.catalogue import all_examples

EXAMPLES = all_examples()


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape)


def heat(u, nu):
    u = u.copy()
    for _ in range(3):
        u[1:-1] += nu * (u[2:] - u[1:-1] * u[:-2])
    return {"u": u, "total": np.sum(u) * nu}


def swapped(u):
    new = np.zeros_like(u)
    for _ in range(3):
        new[1:] = u[1:] * u[:-1]
        new[0] = u[0] ** 2
        u, new = new, u
    return u


def renewed(x):
    """What a loop leaves goes on being changed after it."""
    v, w = x.copy(), x * 0.5
    for _ in range(3):
        for _ in range(3):
            v = w * 1.5
            v[1:] *= np.cos(v[:-1])
            w[0] = v[1] * v[2]
        v[0] = np.sin(v[1] * v[0])
        w[1:] *= v[1:]
    return v


def counted(x, limit):
    steps = 0
    while np.sum(x**2) < limit:
        square = x**2
        x = x + 0.3 * square
        steps += 1
    return x * 2.0


def spoil(*trees):
    """Overwrite all arrays."""
    for x in leaves_of(trees):
        if isinstance(x, np.ndarray) and x.flags.writeable:
            x[...] = np.nan


def same(found, expected):
    for a, b in zip(leaves_of(found), leaves_of(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


# -- what runs, and how often ------------------------------------------------------------------


def test_a_pullback_runs_nothing_of_the_function(capsys):
    def f(x, rng):
        print("run")
        return np.sin(x) * rng.normal(size=3)

    x, rng = numbers(3), np.random.default_rng(5)
    drawn = np.random.default_rng(5).normal(size=3)
    p = cr.compile(f)
    _, pullback = cr.vjp(cr.compile(lambda x: p(x, rng)), x)
    state = rng.bit_generator.state
    for _ in range(3):
        same(pullback(np.ones(3)), (np.cos(x) * drawn,))
    assert capsys.readouterr().out == "run\n"
    assert rng.bit_generator.state == state


def test_a_nan_is_mended_from_the_same_residuals(capsys):
    def f(x):
        print("run")
        return np.where(x > 0, np.sqrt(x), 0.0) * 2.0

    x = np.array([0.0, 4.0])
    with np.errstate(divide="ignore"):
        _, pullback = cr.vjp(cr.compile(f), x)
        same(pullback(np.ones(2)), (np.array([0.0, 0.5]),))
    assert capsys.readouterr().out == "run\n"


def test_a_jacobian_by_rows_runs_the_function_once(capsys):
    def f(x, rng):
        print("run")
        return np.sin(x) * np.sum(x) + rng.normal()

    rng, once = np.random.default_rng(1), np.random.default_rng(1)
    once.normal()
    found = cr.jacrev(cr.compile(f))(numbers(4), rng)
    same(found, cr.jacfwd(lambda x: np.sin(x) * np.sum(x))(numbers(4)))
    assert rng.bit_generator.state == once.bit_generator.state
    assert capsys.readouterr().out == "run\n"


def test_warnings_of_the_function_are_kept():
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        _, pullback = cr.vjp(cr.compile(lambda x: np.where(x > 0, np.log(x), 0.0)), np.zeros(2))
    same(pullback(np.ones(2)), (np.zeros(2),))


def test_functions_without_source_are_run_once(capsys):
    space = {"np": np}
    exec("def hidden(x):\n    print('run')\n    return np.sin(x) * x", space)
    hidden = space["hidden"]
    x = numbers(3)
    p = cr.compile(lambda x: hidden(x * 2.0) * 3.0).specialise(x)
    capsys.readouterr()  # its type has been found by calling it on samples
    _, pullback = cr.vjp(p, x)
    expected = (3 * (np.cos(2 * x) * 4 * x + 2 * np.sin(2 * x)),)
    for _ in range(2):
        same(pullback(np.ones(3)), expected)
    assert capsys.readouterr().out == "run\n"


def test_draws_from_a_closed_over_generator_are_repeated_by_no_one():
    rng = np.random.default_rng(5)
    p = cr.compile(lambda x: np.sum(x * rng.normal(size=3)))
    _, pullback = cr.vjp(p, numbers(3))
    drawn = np.random.default_rng(5).normal(size=3)
    same(pullback(1.0), (drawn,))
    same(pullback(2.0), (2 * drawn,))


# -- called many times -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f, args",
    [
        (heat, (numbers(6), 0.2)),
        (swapped, (numbers(4),)),
        (renewed, (numbers(4),)),
        (counted, (numbers(3), 40.0)),
    ],
)
def test_pullbacks_in_any_order_with_everything_overwritten_between(f, args):
    p = cr.compile(f)
    y = f(*copied(args))
    cts = [random_like(np.random.default_rng(k), y) for k in range(3)]
    expected = [Compiled(f, args, range(len(args))).pull(copied(args), ct)[1] for ct in cts]
    given = copied(args)
    out, pullback = cr.vjp(p, *given)
    same(out, y)
    spoil(out, given)
    for k in (0, 2, 1, 1, 0, 2):
        ct = copied(cts[k])
        found = pullback(ct)
        same(found, expected[k])
        same(ct, cts[k])
        spoil(found, ct)


def test_pullbacks_from_many_threads():
    p, u = cr.compile(heat), numbers(40)
    _, pullback = cr.vjp(p, u, 0.2)
    cts = [{"u": numbers(40, seed=k), "total": 1.0 * k} for k in range(8)]
    expected = [pullback(ct) for ct in cts]
    found = [[] for _ in cts]

    def work(k):
        for _ in range(20):
            found[k].append(pullback(cts[k]))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for mine, right in zip(found, expected, strict=True):
        assert len(mine) == 20
        for cotangents in mine:
            same(cotangents, right)


def test_two_points_do_not_disturb_each_other():
    p = cr.compile(swapped)
    (_, first), (_, second) = cr.vjp(p, numbers(4)), cr.vjp(p, numbers(4, seed=1))
    one = first(np.ones(4))
    second(np.ones(4))
    same(first(np.ones(4)), one)


def test_cotangents_own_their_memory():
    p = cr.compile(lambda x, w: x @ w)
    x, w, ct = numbers(3), numbers(3), np.float64(1.0)
    _, pullback = cr.vjp(p, x, w)
    a, b = pullback(ct)
    spoil(a, b)
    same((x, w), (numbers(3), numbers(3)))
    same(pullback(ct), (w, x))
    _, pullback = cr.vjp(cr.compile(lambda x: x), x)
    ct = numbers(3)
    (a,) = pullback(ct)
    assert not np.shares_memory(a, ct)


@pytest.mark.parametrize("example", EXAMPLES[::4], ids=lambda e: e.name)
def test_both_halves_are_the_whole(example):
    """Against the program that runs forwards and back at once, its guarded form too."""
    rng = np.random.default_rng(len(example.name))
    y = example.function(*copied(example.args))
    cts = [random_like(rng, y) for _ in range(2)]
    engine = Compiled(example.function, example.args, example.wrt)
    expected = [engine.pull(copied(example.args), copied(ct))[1] for ct in cts]
    values = engine.values(copied(example.args))
    out, pulled = run_once(engine.program, values, engine.places)
    assert_close(vector(out), vector(y), "value", 1e-13)
    spoil(out, [x for x in numbers_of(values) if isinstance(x, np.ndarray)])
    for k in (1, 0, 1):
        found = pulled(copied(cts[k]))
        assert_close(vector(list(found)), vector(expected[k]), "cotangent", 1e-13)
        spoil(found)
    with np.errstate(all="ignore"):
        guarded = pulled.made.guarded.function(*pulled.residuals, copied(cts[0]))
    assert_close(vector(list(guarded)), vector(expected[0]), "guarded cotangent", 1e-13)


# -- the text ----------------------------------------------------------------------------------


def test_the_text_shows_both_functions_and_runs_alone():
    u, ct = numbers(5), {"u": numbers(5, seed=1), "total": 0.5}
    _, pullback = cr.vjp(cr.compile(heat), u, 0.2)
    text = pullback.source
    assert "def heat_forward(u, nu):" in text
    assert "def heat_pullback(nu, t1, u, stack, y_ct):" in text
    assert "after reverse" in pullback.explain()
    code = text + (
        f"\ny, residuals = heat_forward(np.array({u.tolist()}), 0.2)\n"
        f"ct = {{'u': np.array({ct['u'].tolist()}), 'total': 0.5}}\n"
        "for _ in range(2):\n"
        "    a, b = heat_pullback(*residuals, ct)\n"
        "    print(repr([a.tolist(), float(b)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    a, b = pullback(ct)
    assert [eval(line) for line in done.stdout.splitlines()] == [[a.tolist(), float(b)]] * 2


def test_the_text_of_the_linear_map():
    _, f_jvp = cr.linearize(cr.compile(heat), numbers(5), 0.2)
    assert "def heat_jvp(u, nu, u_dot, nu_dot):" in f_jvp.source
    assert "after tangent" in f_jvp.explain()


# -- with the rest of the library --------------------------------------------------------------


def test_derivatives_of_a_pullback():
    f = lambda x: np.sin(x) * x
    x, ct = numbers(3), numbers(3, seed=1)
    _, pullback = cr.vjp(cr.compile(f), x)
    _, expected = cr.vjp(f, x)
    loss = lambda back: lambda ct: np.sum(back(ct)[0] ** 3)
    same(cr.grad(loss(pullback))(ct), cr.grad(loss(expected))(ct))
    same(cr.jvp(loss(pullback), (ct,), (ct,)), cr.jvp(loss(expected), (ct,), (ct,)))


def test_a_pullback_within_a_derivative():
    f = lambda x: np.sin(x) * x
    p = cr.compile(f)
    loss = lambda f: lambda x: np.sum(cr.vjp(f, x)[1](np.ones(3))[0] ** 2)
    same(cr.grad(loss(p))(numbers(3)), cr.grad(loss(f))(numbers(3)))
    x, t = numbers(3), numbers(3, seed=1)
    same(cr.jvp(loss(p), (x,), (t,)), cr.jvp(loss(f), (x,), (t,)))


def test_aux_and_none_among_the_outputs():
    f = lambda x: ({"a": x**2, "n": 3}, {"note": "text", "x": x})
    x = numbers(3)
    _, pullback, aux = cr.vjp(cr.compile(f), x, has_aux=True)
    assert aux["note"] == "text"
    spoil(aux["x"])
    same(pullback({"a": np.ones(3), "n": None}), (2 * numbers(3),))


def test_what_cannot_be_reversed_is_refused_before_anything_runs(capsys):
    def f(x):
        print("run")
        return complicated(x)

    def complicated(x):
        with open(x) as file:
            return file

    with pytest.raises(UnsupportedError, match="with"):
        cr.vjp(cr.compile(f), 1.0)
    assert capsys.readouterr().out == ""
