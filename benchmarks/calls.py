"""Small calls of compiled functions and their derivatives, beside Numba's own dispatch.

    python -m benchmarks.calls
    python -m benchmarks.calls --quick

Of each call the table shows the microseconds of processor time, and those beyond what the machine
code itself takes when Numba calls it with the same numbers: its dispatch, as often as the
derivative needs it. Calls on the tape are steps of a loop in a plain function, there and back.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks._report import table

X = np.array([0.5, -1.0, 2.0])
ONES = np.ones(3)
WEIGHTS, SCALE = np.array([0.5, 0.25, 2.0]), 0.75


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def of_a_number(x):
    return x * x * np.sin(x)


def of_two(a, b):
    return np.sum(a * b)


def of_a_dict(s):
    return np.sum(s["v"] ** 2) * s["k"]


def with_a_default(x, n=2.0):
    return np.sum(x * x) * n


def closing_over(x):
    return np.sum(x * x * WEIGHTS) * SCALE


def squared(x):
    return x * x


def wave(x):
    return np.sin(x) * x


def mixed(a, b):
    return a * b + np.sin(b)


def residuals(x):
    return np.array([x[0] - 1, x[1] * x[2], np.sin(x[2]), x[0] * x[1]])


GRADIENTS: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {
    "a number": (of_a_number, (2.0,), {}),
    "an array": (rosenbrock, (X,), {}),
    "two arrays": (of_two, (X, ONES), {}),
    "a dict": (of_a_dict, ({"v": X, "k": 2.0},), {}),
    "a default": (with_a_default, (X,), {}),
    "a keyword": (with_a_default, (X,), {"n": 3.0}),
    "closed-over values": (closing_over, (X,), {}),
}


def dispatch(native: Any, call: Callable[[], Any], given: tuple[Any, ...]) -> Callable[[], Any]:
    """Return Numba's own call of a kernel, with the numbers that it gets in a call of ours."""
    entry, function = native.code.entry, native.code.function
    if function is entry:
        return lambda: entry(*given)
    space, found = function.__globals__, []
    names = [name for name, value in space.items() if value is entry]
    for name in names:
        space[name] = lambda *args: found.append(args) or entry(*args)
    call()
    space.update(dict.fromkeys(names, entry))
    (args,) = found[-1:]
    return lambda: entry(*args)


def medians(calls: dict[str, Callable[[], Any]], rounds: int, count: int) -> dict[str, float]:
    """Return microseconds a call, the contenders in turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(4):
            call()
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.thread_time()
            for _ in range(count):
                call()
            times[name].append((time.thread_time() - start) / count * 1e6)
    return {name: statistics.median(found) for name, found in times.items()}


def row(
    name: str, call: Callable[[], Any], own: Callable[[], Any], many: int, rounds: int, count: int
) -> list[str]:
    """Measure a call that runs ``many`` kernels, and a dispatch of one."""
    found = medians({"call": call, "own": own}, rounds, count)
    beyond = found["call"] - many * found["own"]
    ratio = found["call"] / (many * found["own"])
    return [
        name,
        f"{found['call']:.2f}",
        f"{found['own']:.2f} x {many}",
        f"{beyond:.2f}",
        f"{ratio:.2f}",
    ]


def gradients(rounds: int, count: int) -> list[list[str]]:
    """Programs and gradients with arguments of all kinds."""
    rows = []
    for name, (f, args, kwargs) in GRADIENTS.items():
        p = cr.compile(f, backend="numba")
        gradient = cr.grad(p, argnums=(0, 1) if name == "two arrays" else 0)
        for what, run in ((f"program, {name}", p), (f"gradient, {name}", gradient)):

            def call(run=run, args=args, kwargs=kwargs):
                return run(*args, **kwargs)

            call()
            native = (run if run is p else run.shown)._last.native
            own = dispatch(native, call, p.binder(args, kwargs))
            rows.append(row(what, call, own, 1, rounds, count))
    return rows


def others(rounds: int, count: int) -> list[list[str]]:
    """Products, Jacobians and Hessians; their kernels are the tangents and the pullbacks."""
    cases = [*products(of_a_number, 2.0, "a number"), *products(rosenbrock, X, "an array")]
    p = cr.compile(residuals, backend="numba")
    columns, rows = cr.jacfwd(p), cr.jacrev(p)
    cases += [
        ("jacfwd, 3 to 4", lambda: columns(X), _tangent(p, X, ONES), 3),
        ("jacrev, 3 to 4", lambda: rows(X), _pullback(p, X), 4),
    ]
    return [row(*case, rounds, count) for case in cases]


def products(f: Any, x: Any, kind: str) -> list[tuple[str, Any, Any, int]]:
    """The calls, what dispatches their kernel, and how often they need it."""
    p, t = cr.compile(f, backend="numba"), np.ones_like(x)[()]
    gradient, hessian = cr.grad(p), cr.hessian(p)
    gradient(x)
    once, twice = _tangent(p, x, t), _tangent(gradient.shown, x, t)
    return [
        (f"jvp, {kind}", lambda: cr.jvp(p, (x,), (t,)), once, 1),
        (f"hvp, {kind}", lambda: cr.hvp(p, (x,), (t,)), twice, 1),
        (f"hessian, {kind}", lambda: hessian(x), twice, np.size(x)),
        (f"vjp and its pullback, {kind}", lambda: cr.vjp(p, x)[1](1.0), _pullback(p, x), 1),
    ]


def _tangent(p: Any, x: Any, t: Any) -> Callable[[], Any]:
    from chainrule.source.products import tangent_of

    return _own(tangent_of(p, [("x", ())]), [x, t])


def _pullback(p: Any, x: Any) -> Callable[[], Any]:
    from chainrule.source.products import pullback_of

    return _own(pullback_of(p, [("x", ())]), [x, np.ones_like(p(x))[()]])


def _own(made: Any, values: list[Any]) -> Callable[[], Any]:
    spec = made.specialised(values)
    function = spec.function
    return dispatch(spec.native, lambda: function(*values), tuple(values))


def taped(rounds: int, count: int) -> list[list[str]]:
    """Calls of a program in a plain function, forwards and back."""
    cases = {
        "a number": (squared, 0.9, lambda p, x: p(x)),
        "an array": (wave, X, lambda p, x: p(x)),
        "an array and a number": (mixed, X, lambda p, x: p(x, 0.4)),
        "an array and one that is not traced": (mixed, X, lambda p, x: p(x, WEIGHTS)),
    }
    return [line for name, case in cases.items() for line in steps(name, *case, rounds)]


def steps(name: str, f: Any, x: Any, step: Any, rounds: int, many: int = 100) -> list[list[str]]:
    """Measure a step: the difference of two loops, one twice as long as the other."""
    p = cr.compile(f, backend="numba")

    def looped(n: int) -> Callable[[Any], Any]:
        def run(x: Any) -> Any:
            for _ in range(n):
                x = step(p, x)
            return np.sum(x * 1.0)

        return run

    long, short = looped(2 * many), looped(many)
    found = medians(
        {
            "grad, long": lambda: cr.grad(long)(x),
            "grad, short": lambda: cr.grad(short)(x),
            "jvp, long": lambda: cr.jvp(long, (x,), (x,)),
            "jvp, short": lambda: cr.jvp(short, (x,), (x,)),
        },
        rounds,
        count=1,
    )
    each = {way: (found[f"{way}, long"] - found[f"{way}, short"]) / many for way in ("grad", "jvp")}
    return [[f"{way} on the tape, {name}", f"{us:.2f}", "", "", ""] for way, us in each.items()]


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calls", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--quick", action="store_true", help="few rounds: shows that it runs")
    rounds, count = (3, 50) if parser.parse_args().quick else (101, 200)
    rows = [["call", "us", "dispatch", "beyond", "ratio"]]
    for part in (gradients, others, taped):
        rows += part(rounds, count)
        print(part.__name__, file=sys.stderr)
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
