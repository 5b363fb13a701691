"""Every function of the rule table is lowered, and its two products are right, as programs."""

from __future__ import annotations

import linecache

import numpy as np
import pytest

from chainrule import rules
from chainrule._core import TABLE, PiecewiseConstant
from source.oracles import Compiled

rules.load()
rng = np.random.default_rng(5)
V, W, U, S = (rng.random(4) * 0.8 + 0.1 for _ in range(4))
M, N = rng.random((4, 3)) + 0.1, rng.random((3, 2)) + 0.1
T, R = rng.random(3) + 0.1, rng.random((3, 4)) + 0.1
MASK, PLACES = np.array([True, False, True, True]), np.array([2, 0, 3, 0])
WHERE = np.array([[0], [1]])


def each(functions, calls):
    """Give several functions the same arguments."""
    return {function: calls for function in functions}


ARGUMENTS = {
    **{np.power: [(V, 3), (V, W), (V, 0.5)], np.gradient: [(V, 0.1), (M,)], np.vander: [(V, 3)]},
    **{np.interp: [(V, np.sort(W), U)], np.convolve: [(V, T)], np.correlate: [(V, T), (T, V)]},
    **each((np.polyval, np.polyadd, np.polysub, np.polymul), [(T, V)]),
    **{np.reshape: [(M, (-1,)), (V, (2, -1))], np.rollaxis: [(M, 1)], np.expand_dims: [(V, 0)]},
    **each((np.swapaxes, np.moveaxis), [(M, 0, 1)]),
    **{np.broadcast_to: [(V, (3, 4))], np.broadcast_arrays: [(T, M)], np.roll: [(V, 1)]},
    **{np.tile: [(V, 2)], np.repeat: [(V, 2)], np.resize: [(V, (3, 4))]},
    np.lib.stride_tricks.sliding_window_view: [(V, 3)],
    **{np.apply_over_axes: [(np.sum, M, (0,))], np.apply_along_axis: [(np.sum, 0, M)]},
    **{np.take: [(V, PLACES)], np.take_along_axis: [(V, PLACES, 0)], np.delete: [(V, 1)]},
    **each((np.concatenate, np.stack, np.vstack, np.hstack), [([V, W],)]),
    **each((np.dstack, np.column_stack, np.block), [([V, W],)]),
    **{np.append: [(V, W)], np.insert: [(V, 1, 2.0)], np.array_split: [(V, 3)]},
    **{np.split: [(V, 2)], np.hsplit: [(V, 2)], np.vsplit: [(M, 2)]},
    **{np.dsplit: [(np.ones((2, 2, 4)), 2)]},
    np.pad: [(V, 1), (V, 2, "edge"), (M, ((1, 1), (0, 0)), "reflect")],
    **each((np.matmul, np.dot), [(M, N), (M, T), (V, W)]),
    **each((np.linalg.matmul, np.linalg.multi_dot), [(M, N)]),
    **{np.linalg.multi_dot: [([M, N, N.T],)], np.tensordot: [(M, M, 2), (M, N, 1)]},
    **{np.linalg.tensordot: [(M, M)], np.linalg.vecdot: [(V, W)], np.vecdot: [(V, W)]},
    **each((np.inner, np.outer, np.vdot, np.linalg.outer, np.kron), [(V, W)]),
    **each((np.cross, np.linalg.cross), [(T, N[:, 0])]),
    np.einsum: [("ij,jk->ik", M, N), ("ij,ij", M, M)],
    **{np.where: [(MASK, V, 0.0)], np.clip: [(V, 0.2, 0.8)], np.select: [([MASK], [V])]},
    **{np.choose: [(PLACES % 2, [V, W])], np.piecewise: [(V, [MASK], [1.0, 2.0])]},
    **each((np.quantile, np.nanquantile), [(V, 0.3)]),
    **each((np.percentile, np.nanpercentile), [(V, 30)]),
    **{np.astype: [(V, np.float64)], np.partition: [(V, 2)]},
    **each((np.compress, np.extract), [(MASK, V)]),
    **{np.bincount: [(PLACES, V)], np.average: [(V,), (V, None, W)]},
    **each((np.linspace, np.logspace, np.geomspace), [(V[0], V[1], 5)]),
    **{np.full_like: [(V, W[0])], np.ldexp: [(V, 2)], np.linalg.norm: [(V,), (M, "fro"), (V, 3)]},
    **each((np.polyder, np.polyint), [(V,)]),
    **{np.arccosh: [(V + 1.5,)], np.cumulative_sum: [(V,)], np.cumulative_prod: [(V,)]},
    **{np.matrix_transpose: [(M,)], np.linalg.matrix_norm: [(M,)], np.cov: [(R,)]},
}
if hasattr(np, "matvec"):
    ARGUMENTS |= {np.matvec: [(M, T)], np.vecmat: [(V, M)]}
A = rng.random((3, 3)) + 2 * np.eye(3)
STACK = np.stack([A, A.T, A @ A])
SINGULAR = np.outer(T, T)
ARGUMENTS |= {
    np.linalg.solve: [(A, T), (A, N), (STACK, T), (A, STACK), (STACK, STACK)],
    np.linalg.det: [(A,), (STACK,), (SINGULAR,)],
    np.linalg.cholesky: [(A @ A.T,), (np.stack([A @ A.T, np.eye(3)]),)],
    np.linalg.matrix_power: [(A, 3), (A, -2), (A, 5), (A, 0)],
    np.linalg.pinv: [(M,), (STACK,)],
    **each((np.linalg.inv, np.linalg.slogdet), [(A,), (STACK,)]),
}
SQUARE = (np.trace, np.diagonal, np.linalg.trace, np.linalg.diagonal, np.linalg.matrix_transpose)
ARGUMENTS |= each((*SQUARE, np.fliplr, np.rot90, np.triu, np.tril, np.corrcoef), [(M,)])


def cases():
    for fn, entry in TABLE.items():
        is_ours = "chainrule" in str(getattr(fn, "__module__", ""))
        if isinstance(entry, PiecewiseConstant) or is_ours:
            continue
        count = fn.nin if isinstance(fn, np.ufunc) else 1
        for args in ARGUMENTS.get(fn, [(V, W, U)[:count], (M, R.T, M)[:count]]):
            yield pytest.param(fn, args, id=f"{entry.name}-{len(args)}")


def is_float(x):
    first = x[0] if isinstance(x, list) else x
    return isinstance(first, (np.ndarray, np.floating)) and first.dtype.kind == "f"


def leaves(x):
    return (
        [x] if not isinstance(x, (tuple, list)) else [leaf for part in x for leaf in leaves(part)]
    )


def weighted(fn, args, wrt):
    """Return the weighted sum of a function's results, as a function with a source."""
    y = fn(*args)
    space = {"np": np, "fn": fn, **{f"x{k}": x for k, x in enumerate(args)}}
    several = isinstance(y, (tuple, list))
    terms = []
    for k, leaf in enumerate(leaves(y)):
        if leaf.dtype.kind == "f":
            space[f"w{k}"] = rng.random(leaf.shape)
            terms.append(f"np.sum(y{f'[{k}]' if several else ''} * w{k})")
    given = ", ".join(f"x{k}" for k in range(len(args)))
    chosen = ", ".join(f"x{k}" for k in wrt)
    text = f"def f({chosen}):\n    y = fn({given})\n    return {' + '.join(terms)}\n"
    file = f"<rule {fn.__name__} {id(space)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    exec(compile(text, file, "exec"), space)
    return space["f"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("fn", "args"), list(cases()))
def test_products_of_the_table(fn, args):
    wrt = [k for k, x in enumerate(args) if is_float(x)]
    f, given = weighted(fn, args, wrt), [args[k] for k in wrt]
    engine = Compiled(f, given, range(len(given)))
    value, cts = engine.pull(given, 1.0)
    assert np.allclose(value, f(*given), rtol=1e-12)
    assert not engine.program.specialise(*given).opaque_calls

    directions = [[rng.normal(size=np.shape(x)) for x in leaves(part)] for part in given]

    def moved(h):
        points = [
            [x + h * t for x, t in zip(part, ts, strict=True)] if isinstance(part, list)
            else part + h * ts[0]
            for part, ts in zip(given, directions, strict=True)
        ]  # fmt: skip
        return f(*points)

    expected = (moved(1e-6) - moved(-1e-6)) / 2e-6
    flat = [t for ts in directions for t in ts]
    assert np.isclose(sum(np.sum(a * b) for a, b in zip(cts, flat, strict=True)), expected, 2e-5)
    tangents = [
        ts if isinstance(part, list) else type(part)(ts[0]) if np.ndim(part) == 0 else ts[0]
        for part, ts in zip(given, directions, strict=True)
    ]
    assert np.isclose(np.ravel(leaves(engine.push(given, tangents)[1])[0])[0], expected, 2e-5)
