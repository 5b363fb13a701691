"""Random programs that change one array through views of it in several shapes."""

from __future__ import annotations

import linecache
import random
from collections.abc import Callable

import numpy as np

SHAPE = (3, 4)
VIEWS = {
    "b": SHAPE,
    "b.ravel()": (12,),
    "b.reshape(4, 3)": (4, 3),
    "b.reshape(2, 6)": (2, 6),
    "b.reshape(4, 3).T": (3, 4),
    "b.T": (4, 3),
    "b[1:].reshape(2, 2, 2)": (2, 2, 2),
    "b[:2].ravel()": (8,),
    "b[1]": (4,),
    "b[:, 1]": (3,),
    "b[::2]": (2, 4),
    "b[:, ::-1]": (3, 4),
}


def text_of(seed: int) -> str:
    """Return the text of a function of a matrix, of the shape ``SHAPE``."""
    rnd = random.Random(seed)
    lines, names = ["def program(a):", "    b = a.copy()"], {"b": SHAPE}
    for k, view in enumerate(rnd.sample(list(VIEWS), 4)):
        lines.append(f"    v{k} = {view}")
        names[f"v{k}"] = VIEWS[view]
    for _ in range(rnd.randint(2, 5)):
        indent = "    "
        if rnd.random() < 0.2:
            lines.append("    for _ in range(2):")
            indent *= 2
        lines.append(indent + _statement(rnd, names))
    result = rnd.choice(list(names))
    lines.append("    weights = np.arange(12.0).reshape(3, 4)")
    lines.append(f"    return np.sum(b**2 * weights) + np.sum(np.cos({result}))")
    return "\n".join(lines) + "\n"


def _statement(rnd: random.Random, names: dict[str, tuple[int, ...]]) -> str:
    while True:
        (target, shape), (source, found) = (_part(rnd, names) for _ in range(2))
        if found in (shape, ()):
            value = rnd.choice(["{}", "{} * 0.5", "np.sin({0}) - {0}", "{0} + {0}"]).format(source)
            return f"{target} {rnd.choice(['=', '+=', '-=', '*='])} {value}"


def _part(rnd: random.Random, names: dict[str, tuple[int, ...]]) -> tuple[str, tuple[int, ...]]:
    """Return a part of one of the arrays, and its shape."""
    name, shape = rnd.choice(list(names.items()))
    entries = [_entry(rnd, size) for size in shape]
    return (
        f"{name}[{', '.join(text for text, _ in entries)}]",
        tuple(count for _, count in entries if count is not None),
    )


def _entry(rnd: random.Random, size: int) -> tuple[str, int | None]:
    kind = rnd.random()
    if kind < 0.25:
        return str(rnd.randrange(-size, size)), None
    if kind < 0.5:
        return ":", size
    start = rnd.randrange(size)
    stop = rnd.randrange(start + 1, size + 1)
    step = rnd.choice([1, 1, 1, 2, -1])
    if step == -1:
        return f"{stop - 1}:{start - 1 if start else ''}:-1", stop - start
    return f"{start}:{stop}:{step}", len(range(start, stop, step))


def program(seed: int) -> Callable[[np.ndarray], float]:
    """Return the function, whose text can be looked up."""
    file, text = f"<reshaped views {seed}>", text_of(seed)
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    space = {"np": np, "__name__": __name__}
    exec(compile(text, file, "exec"), space)
    return space["program"]


def check(seed: int, backend: str) -> None:
    """Compare value and gradient of a program on a backend with NumPy and a complex step."""
    import chainrule as cr
    from source.oracles import assert_close, complex_step

    f, a = program(seed), np.random.default_rng(seed).uniform(-0.5, 0.5, SHAPE)
    compiled = cr.compile(f, backend=backend)
    direction = np.random.default_rng(seed + 1).normal(size=SHAPE)
    slope = complex_step(f, [a], (0,), direction.ravel())
    assert_close(compiled(a), f(a), f"value of\n{text_of(seed)}", 1e-12)
    assert_close(np.sum(cr.grad(compiled)(a) * direction), slope, f"slope of\n{text_of(seed)}")
