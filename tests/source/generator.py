"""Random programs: source text of NumPy functions with everything that makes reversal hard.

Nested loops, branches, breaks and early returns, in-place updates through other names and views,
overlapping slices, swaps, helper functions that change their arguments. What they compute stays
bounded: values grow by additions of bounded terms alone, nothing divides by what may be zero.

A program is ``program(x, y, v, w, a, n)``: two numbers, two vectors of ``N`` entries, a matrix of
``ROWS`` rows and ``N`` columns, and the integer 3. It returns one or several of them.
"""

from __future__ import annotations

import copy
import functools
import linecache
import random
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from source import generated_views

N = 5
ROWS = 4
HELPERS = """\
import numpy as np


def mixed(s, t=0.5):
    if s > 0.4:
        return np.sin(s) * t
    return 0.5 * (s + np.tanh(t))


def smear(u, s):
    u[1:] += 0.2 * np.cos(s) * u[:-1]
    u[0] = np.sin(u[-1] + s)


def pair(u, s):
    if s < 0.1:
        return np.cos(s), u * np.sin(s)
    u[0] = 0.5 * s
    return u[-1], np.tanh(u)


def rolled(u, k):
    out = np.empty(len(u))
    for q in range(len(u)):
        out[q] = np.tanh(u[q]) * u[q - k]
    return out


"""


@dataclass
class Names:
    """What is bound at a place in the program: vectors with their lengths, indices with bounds."""

    scalars: list[str]
    vectors: dict[str, int]
    matrices: list[str]
    indices: dict[str, tuple[int, int]] = field(default_factory=dict)

    def inner(self) -> Names:
        """Names of a nested block, where new ones may be added that end with it."""
        return copy.deepcopy(self)


class Writer:
    """Draws one program, statement by statement. ``number(low, high)`` makes every choice."""

    rows, columns = ROWS, N

    def __init__(self, number: Callable[[int, int], int], size: int) -> None:
        self.number = number
        self.lines: list[str] = []
        self.names = Names(["x", "y"], {"v": N, "w": N}, ["a"])
        self.depth = 0
        self.loops = 0
        self.names_parts = number(0, 2) == 0
        """Whether names of parts are bound anew; few statements then, as many are refused."""
        self.left = size // 2 if self.names_parts else size
        self.count = 0
        self.outputs = ""

    # -- choices

    def pick(self, options: Any) -> Any:
        options = list(options)
        return options[self.number(0, len(options) - 1)]

    def constant(self) -> str:
        return f"{self.number(-9, 9) / 10}"

    def fresh(self, base: str) -> str:
        self.count += 1
        return f"{base}{self.count}"

    def write(self, line: str) -> None:
        """Add a line; now and then a simple statement goes to the end of the last one."""
        margin = "    " * self.depth
        last = self.lines[-1] if self.lines else ":"
        is_next = len(last) - len(last.lstrip()) == len(margin)
        if is_next and ":" not in (last[-1], line[-1]) and self.number(0, 7) == 0:
            self.lines[-1] += f"; {line}"
        else:
            self.lines.append(margin + line)

    @contextmanager
    def block(self, head: str) -> Any:
        self.write(head)
        outer, self.names = self.names, self.names.inner()
        self.depth += 1
        start = len(self.lines)
        yield
        if len(self.lines) == start:
            self.write("pass")
        self.depth -= 1
        self.names = outer

    # -- expressions

    def index(self, length: int) -> str:
        """An integer expression that is a valid index into ``length`` entries."""
        options = [str(self.number(-length, length - 1))]
        for name, (low, high) in self.names.indices.items():
            options.append(f"({name} + {self.number(0, 3)}) % {length}")
            if all(-length <= k < length for k in (low, high)):
                options.append(name)
            if all(0 <= k < length for k in (low, high)):
                options.append(f"-1 - {name}")
        return self.pick(options[-3:])

    def entry(self) -> str:
        vector, length = self.pick(self.names.vectors.items())
        return f"{vector}[{self.index(length)}]"

    def cell(self) -> str:
        return f"{self.pick(self.names.matrices)}[{self.index(ROWS)}, {self.index(N)}]"

    def scalar(self, depth: int = 2) -> str:
        def e() -> str:
            return self.scalar(depth - 1)

        def part() -> str:
            return self.piece(length)

        length = self.number(2, N)
        name = self.pick(self.names.scalars)
        leaves = [lambda: name, self.entry, self.cell, self.constant]
        deeper = [
            lambda: f"0.5 * ({e()} + {e()})",
            lambda: f"({e()} - {e()}) / 2",
            lambda: f"np.sin({e()}) * {e()}",
            lambda: f"np.tanh({e()} + {e()})",
            lambda: f"{e()} / (2 + {name} ** 2)",
            lambda: f"np.sqrt(1.5 + {name} * {name})",
            lambda: f"mixed({e()}, {e()})",
            lambda: f"mixed({e()})",
            lambda: f"bent({e()})",
            lambda: f"({e()} if {self.condition()} else {e()})",
            lambda: f"0.3 * np.sum({self.vector(length, 1)})",
            lambda: f"np.tanh({part()} @ {part()})",
        ]
        return self.pick(leaves if depth == 0 else leaves[:3] + deeper)()

    def piece(self, length: int) -> str:
        """A part of some array with ``length`` entries, which may stand on the left."""
        options = []
        for name, size in self.names.vectors.items():
            start = self.number(0, max(size - length, 0))
            if size == length:
                options += [name, f"{name}[::-1]", f"{name}[:]"]
            elif size > length:
                options.append(f"{name}[{start or ''}:{start + length}]")
            if size >= 2 * length:
                options.append(f"{name}[: {2 * length} : 2]")
        if length == N:
            options.append(f"{self.pick(self.names.matrices)}[{self.index(ROWS)}]")
        if length == ROWS:
            options.append(f"{self.pick(self.names.matrices)}[:, {self.index(N)}]")
        return self.pick(options)

    def vector(self, length: int, depth: int = 2) -> str:
        def e() -> str:
            return self.vector(length, depth - 1)

        if depth == 0:
            return self.piece(length)
        options = [
            e,
            lambda: f"0.5 * ({e()} + {e()})",
            lambda: f"{e()} - 0.5 * {e()}",
            lambda: f"np.sin({e()}) * {e()}",
            lambda: f"np.tanh({e()} * {self.scalar(1)})",
            lambda: f"{e()} / (2 + {self.piece(length)} ** 2)",
            lambda: f"({self.scalar(1)} + {e()}) * 0.5",
            lambda: f"np.where({e()} > {self.constant()}, {e()}, np.cos({e()}))",
            lambda: f"rolled({e()}, {self.number(0, 2)})",
            lambda: f"{self.piece(N)}[np.array({[self.number(0, N - 1) for _ in range(length)]})]",
        ]
        return self.pick(options)()

    def condition(self) -> str:
        name = self.pick(self.names.scalars)
        options = [f"{name} > {self.constant()}", f"{self.entry()} < {self.constant()}"]
        for index in self.names.indices:
            options += [f"{index} % 2 == 0", f"{index} > 1 and {name} < 0.7", f"not {index} == 1"]
        return self.pick(options)

    # -- statements

    def statements(self, count: int) -> None:
        simple = [self.bind_number, self.bind_vector, self.bind_matrix, self.bind_view]
        simple += [self.rebind, self.rebind, self.call] + 3 * [self.update, self.store]
        simple += [self.call_for_two]
        if self.names_parts:
            simple += [functools.partial(write, self) for write in generated_views.STATEMENTS]
        nested = [self.branch, self.for_loop, self.for_loop, self.while_loop]
        nested += [self.loop_over_rows, self.loop_over_entries, self.loop_over_names]
        for _ in range(count):
            if self.left <= 0:
                return
            self.left -= 1
            jumps = [self.jump] if self.depth > 1 else []
            self.pick(simple + (2 * nested if self.depth < 4 else []) + jumps)()

    def bind_number(self) -> None:
        name = self.fresh("s")
        self.write(f"{name} = {self.scalar()}")
        self.names.scalars.append(name)

    def bind_vector(self) -> None:
        name, length = self.fresh("u"), self.number(2, N)
        piece = self.piece(length)
        value = self.pick([f"np.zeros({length})", f"{piece}.copy()", self.vector(length), piece])
        self.write(f"{name} = {value}")
        self.names.vectors[name] = length

    def bind_matrix(self) -> None:
        name, matrix = self.fresh("m"), self.pick(self.names.matrices)
        self.write(f"{name} = {self.pick([f'{matrix}.copy()', f'0.5 * {matrix}', matrix])}")
        self.names.matrices.append(name)

    def bind_view(self) -> None:
        name = self.fresh("flat")
        views = {"a.reshape(-1)": ROWS * N, "a.T[1]": ROWS, "a.ravel()[2:9]": 7, "a[1:3, 2]": 2}
        view, length = self.pick(views.items())
        self.write(f"{name} = {view}")
        self.names.vectors[name] = length

    def rebind(self) -> None:
        """Bind an old name to something else, or swap two."""
        s, t = self.pick(self.names.scalars), self.pick(self.names.scalars)
        options = [
            lambda: "v, w = w, v",
            lambda: f"{s}, {t} = {self.scalar()}, {self.scalar()}",
            lambda: f"{self.pick('vw')} = {self.vector(N)} * 1.0",
            lambda: f"{s} = np.cos({self.scalar()})",
            lambda: f"{s} {self.pick('+-')}= 0.4 * np.sin({self.scalar()})",
        ]
        self.write(self.pick(options)())

    def update(self) -> None:
        """Change part of an array in place."""
        length = self.number(2, N)
        op = self.pick(["=", "+=", "-=", "*="])
        if op == "*=":
            value = f"np.cos({self.vector(length, 1)})"
        else:
            value = f"0.3 * ({self.pick([self.vector, lambda _: self.scalar()])(length)})"
        place = self.piece(length)
        if op == "=" and place in self.names.vectors:
            place += "[:]"
        self.write(f"{place} {op} {value}")

    def store(self) -> None:
        """Change one entry, a masked part, named places or a block."""
        name, length = self.pick(self.names.vectors.items())
        matrix, other = self.pick(self.names.matrices), self.pick(self.names.matrices)
        s = self.scalar()
        places = [self.number(0, length - 1) for _ in range(3)]
        options = [
            f"{name}[{self.index(length)}] = {s}",
            f"{name}[{self.index(length)}] += 0.3 * ({s})",
            f"{self.cell()} = np.tanh({s})",
            f"{matrix}[1:, :-1] += 0.2 * {other}[:-1, 1:] * np.cos({s})",
            f"{matrix}[1:3] = np.sin({other}[:2])",
            f"{name}[{name} > {self.constant()}] *= 0.5",
            f"{name}[np.array({places})] += 0.3 * ({s})",
            f"np.add.at({name}, np.array({places}), 0.2 * ({s}))",
            f"{name}[0], {name}[-1] = {name}[-1], {s}",
        ]
        self.write(self.pick(options))

    def call(self) -> None:
        """Call a function that changes its argument."""
        self.write(f"smear({self.piece(self.number(2, N))}, {self.scalar(1)})")

    def call_for_two(self) -> None:
        """Call a function with two results, one of which it returns from either branch."""
        length = self.number(2, N)
        s, u = self.fresh("s"), self.fresh("u")
        self.write(f"{s}, {u} = pair({self.piece(length)}, {self.scalar(1)})")
        self.names.scalars.append(s)
        self.names.vectors[u] = length

    def branch(self) -> None:
        with self.block(f"if {self.condition()}:"):
            self.statements(self.number(1, 3))
        for head in self.pick([[], ["else:"], [f"elif {self.condition()}:", "else:"]]):
            with self.block(head):
                self.statements(self.number(1, 3))

    def for_loop(self) -> None:
        name = self.fresh("i")
        options = {"range(n)": (0, 2), "range(3, -1, -1)": (0, 3), "range(-4, 2, 2)": (-4, 0)}
        options["range(n, 2 * n)"] = (3, 5)
        for outer, (low, high) in self.names.indices.items():
            options[f"range({outer}, {outer} + 3)"] = (low, high + 2)
        head, bounds = self.pick(options.items())
        self.loop(f"for {name} in {head}:", name, bounds)

    def loop_over_rows(self) -> None:
        """Rows are views: stores into them change the matrix."""
        index, row = self.fresh("i"), self.fresh("row")
        matrix = self.pick(self.names.matrices)
        with self.loop_block(f"for {index}, {row} in enumerate({matrix}):"):
            self.names.indices[index] = (0, ROWS - 1)
            self.names.vectors[row] = N
            self.statements(self.number(1, 3))

    def loop_over_entries(self) -> None:
        e, f, length = self.fresh("s"), self.fresh("s"), self.number(3, N)
        with self.loop_block(f"for {e}, {f} in zip({self.piece(length)}, {self.piece(length)}):"):
            self.names.scalars += [e, f]
            self.statements(self.number(1, 3))

    def loop_over_names(self) -> None:
        """Two arrays by one name after the other."""
        name, length = self.fresh("u"), self.number(2, N)
        with self.loop_block(f"for {name} in ({self.piece(length)}, {self.piece(length)}):"):
            self.names.vectors[name] = length
            self.statements(self.number(1, 3))

    def while_loop(self) -> None:
        name = self.fresh("k")
        self.write(f"{name} = 0")
        also = self.pick(["", f" and {self.condition()}"])
        self.loop(f"while {name} < {self.number(3, 4)}{also}:", name, (1, 4))

    def loop(self, head: str, name: str, bounds: tuple[int, int]) -> None:
        with self.loop_block(head):
            if head.startswith("while"):
                self.write(f"{name} += 1")
            self.names.indices[name] = bounds
            self.statements(self.number(2, 5))

    @contextmanager
    def loop_block(self, head: str) -> Any:
        self.loops += 1
        with self.block(head):
            yield
        self.loops -= 1

    def jump(self) -> None:
        """Leave a loop or the function, under a condition."""
        words = [*(["break", "continue"] if self.loops else []), "return"]
        with self.block(f"if {self.condition()}:"):
            word = self.pick(words)
            self.write(self.result() if word == "return" else word)

    def result(self) -> str:
        """A return statement; all of one program have the same structure."""
        kinds = {"s": self.scalar(), "v": self.vector(N), "a": self.pick(self.names.matrices)}
        return "return " + ", ".join(kinds[output] for output in self.outputs)

    def program(self) -> str:
        self.outputs = self.pick(["s", "v", "a", "sv", "va", "sav"])
        with self.block("def program(x, y, v, w, a, n=3):"):
            with self.block("def bent(t, k=1):"):  # reads what the program binds later on
                self.write("return np.sin(t * x) + 0.3 * v[k]")
            self.statements(self.number(4, 10))
            self.write(self.result())
        return "\n".join(self.lines) + "\n"


@st.composite
def programs(draw: Any, size: int = 22) -> str:
    """Strategy: the source text of a module that defines ``program``."""

    def number(low: int, high: int) -> int:
        return draw(st.integers(low, high)) if high > low else low

    return HELPERS + Writer(number, size).program()


def random_program(seed: int, size: int = 22) -> str:
    """Return the source text of a random program, by its seed: for long runs."""
    return HELPERS + Writer(random.Random(seed).randint, size).program()


def arguments(seed: int) -> tuple[Any, ...]:
    """Return arguments for a program."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-1, 1, 2)
    v, w, a = (rng.uniform(-1, 1, shape) for shape in (N, N, (ROWS, N)))
    return float(x), np.float64(y), v, w, a, 3


def function_of(source: str, count: int) -> Callable[..., Any]:
    """Run the text of a module and return its program, whose source ``inspect`` can find."""
    name = f"<random program {count}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    scope: dict[str, Any] = {"__name__": name}
    exec(compile(source, name, "exec"), scope)
    return scope["program"]
