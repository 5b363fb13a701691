"""Random programs that call much of NumPy on parts of arrays, and change those in place.

A program is ``program(x, v, w, a, c)``: of a number, two vectors, a matrix and an array of three
axes; ``k`` is the integer 3. It returns a tuple. Each statement runs as it is drawn, and stays if
NumPy takes it and numbers stay small: so the table of expressions need not say which shapes fit.
"""

from __future__ import annotations

import copy
import math
import random
import re
import warnings
from typing import Any

import numpy as np

from source.expression_table import EXPRESSIONS

NAMES = ("x", "v", "w", "a", "c", "k")
HEAD = "import math\n\nimport numpy as np\n\n\ndef body(x, v, w, a, c, k):\n"
TAIL = "\n\ndef program(x, v, w, a, c):\n    return body(x, v, w, a, c, 3)\n"
MODULES = {"np": np, "math": math}
LARGEST, MOST = 80, 300
"""What a program's numbers, and the sizes of its arrays, stay below."""

PARTS = """
{} ; {} ; {} ; {}[1:] ; {}[::-1] ; {}[::2] ; {}.T ; {}[0] ; {}[-1] ; {}[:, 0] ; {}[:, 1:]
{}[..., 0] ; {}.ravel() ; {}.reshape(-1) ; {}[:2] ; {}[None] ; {}[:, ::-1] ; {}.reshape(2, -1)
{}.reshape(-1, 3) ; {}.reshape(2, -1, 2) ; {}[:, None] ; {}[..., 1:3] ; {}[k - 3:] ; {}.T[1:]
np.squeeze({}) ; {}[:, :, 0] ; {}[0, ..., :2] ; {}.swapaxes(0, -1) ; np.transpose({}) ; {}[:1]
{}[2:3] ; {}[-1:] ; {}[...] ; {}[1, ...] ; {}[0][None]
"""
NUMBERS = "x ; v[0] ; a[1, 0] ; 0.3 ; np.sum(v) ; len(v) ; k ; 1 ; float(k) ; v[k - 3] ; a.shape[0]"
PLACES = "0 ; -1 ; 1: ; k - 2 ; ::2 ; [0, 1] ; {} > 0.2 ; ..., 0 ; [0, 0]"
CHANGES = [
    *("np.add.at({}, [0, 1, 0], {S})", "{}.sort()", "np.copyto({}, {E})", "{}.fill({S})"),
    *("np.multiply({}, 0.7, out={})", "np.put({}, [0, 2], {S})", "np.fill_diagonal({}, {E})"),
    *("np.sin({}, {})", "np.negative({}[::-1], out={})", "{}[...] = {E}"),
]
HEADS = [
    *("for {i} in range(2):", "for {i} in range(k):", "while {i} < 2:", "if {S} > 0.2:"),
    *("if x < {S}:", "if {S} > x:\n...\nelse:"),
]


def program(seed: int) -> tuple[str, list[Any]]:
    """Return the text of a module with a random program, and arguments for it."""
    writer = Writer(seed)
    return writer.text(), writer.arguments


class Writer:
    """Draws one program. ``values``: what its names stand for after the statements so far."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.arguments = self._arguments(np.random.default_rng(seed))
        self.values: dict[str, Any] = dict(zip(NAMES, [*copied(self.arguments), 3], strict=True))
        self.lines: list[str] = []
        self.depth = 1
        self.count = 0

    def text(self) -> str:
        for _ in range(self.random.randint(3, 8)):
            self.statement()
        arrays = self.arrays()
        made = [name for name in arrays if name.startswith("t")]
        results = [*self.random.sample(arrays, min(len(arrays), 2)), *made[-2:]]
        self.write(f"return {', '.join(dict.fromkeys(results))},")
        return HEAD + "\n".join(self.lines) + TAIL

    def _arguments(self, rng: np.random.Generator) -> list[Any]:
        """Draw arguments: most of usual shapes, some of few places; in several layouts."""
        shapes: list[tuple[int, ...]] = [(5,), (6,), (3, 4), (2, 3, 4)]
        if self.random.random() < 0.4:
            n, m, p = (self.random.choice([1, 1, 2, 3, 4]) for _ in range(3))
            shapes = [(self.random.choice([n, 5, 0]),), (m,), (n, m), (p, n, m)]
        return [0.37, *(self._laid_out(rng.normal(size=s) * 0.8) for s in shapes)]

    def _laid_out(self, x: np.ndarray) -> np.ndarray:
        layout = self.random.choice(["C", "C", "F", "steps", "backwards"])
        if layout == "steps":
            wide = np.zeros([2 * n for n in x.shape])
            part = wide[(slice(None, None, 2),) * x.ndim]
            part[...] = x
            return part
        return x[::-1] if layout == "backwards" else np.array(x, order=layout)

    # ------------------------------------------------------------------------------ expressions

    def drawn(self, text: str) -> str:
        return self.random.choice(text.strip().replace("\n", " ; ").split(" ; "))

    def arrays(self) -> list[str]:
        """Names of float arrays."""
        return [n for n, x in self.values.items() if is_array(x) and x.dtype == np.float64]

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression, None where it has none that a program may have."""
        try:
            with np.errstate(all="ignore"):
                value = eval(expression, {**MODULES, **self.values})
            x = np.asarray(value)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError):
            return None
        return value if x.dtype.kind in "fi" and is_small(x) else None

    def part(self, ndim: int | None = None) -> str | None:
        """Draw a part of an array, with so many axes."""
        for _ in range(60):
            drawn = self.drawn(PARTS).format(self.random.choice(self.arrays()))
            x = self.evaluate(drawn)
            if isinstance(x, np.ndarray) and x.size and ndim in (None, x.ndim):
                return drawn
        return None

    def number(self) -> str:
        name = self.random.choice(self.arrays())
        shape = np.shape(self.values[name])
        if self.random.random() < 0.3 and shape and min(shape):
            return f"{name}[{', '.join(str(self.random.randrange(n)) for n in shape)}]"
        return self.drawn(NUMBERS)

    def expression(self) -> str:
        """Draw an expression of the table, with parts of arrays in it."""
        for _ in range(60):
            template = self.random.choice(EXPRESSIONS)
            given = {"S": self.number()}
            for letter, ndim in (("V", 1), ("W", 1), ("M", 2), ("C", 3)):
                given[letter] = self.part(ndim) or "None"
            words = re.split(r"\b", template)
            drawn = "".join(given.get(word, word) for word in words)
            if self.evaluate(drawn) is not None:
                return drawn
        return "x"

    # ------------------------------------------------------------------------------- statements

    def write(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    def statement(self) -> None:
        """Draw statements until one runs."""
        kinds = [self.binding, self.naming, self.store, self.update, self.change, self.swap]
        for _ in range(30):
            if self.depth < 3 and self.random.random() < 0.08:
                self.block()
                return
            drawn = self.random.choices(kinds, [10, 4, 6, 4, 2, 1])[0]()
            if self.runs(drawn):
                self.write(drawn)
                return

    def binding(self) -> str:
        return f"{self.fresh('t')} = {self.expression()}"

    def naming(self) -> str:
        return f"{self.fresh('t')} = {self.part()}"

    def store(self) -> str:
        name = self.random.choice(self.arrays())
        place = f"{name}[{self.drawn(PLACES).format(name)}]"
        target = self.random.choice([place, f"{self.part() or name}[...]"])
        return f"{target} {self.random.choice(['=', '+=', '*=', '-='])} {self.right()}"

    def update(self) -> str:
        name, op = self.random.choice(self.arrays()), self.random.choice(["+=", "*=", "-=", "="])
        return f"{name} {op} {self.right()}"

    def change(self) -> str:
        arrays = [name for name in self.arrays() if isinstance(self.values[name], np.ndarray)]
        drawn = self.random.choice(CHANGES).replace("{}", self.random.choice([*arrays, "w"]))
        return drawn.replace("{S}", self.number()).replace("{E}", self.expression())

    def swap(self) -> str:
        a, b = (self.random.choice(self.arrays()) for _ in range(2))
        return self.random.choice(
            [f"{a}, {b} = {b}, {a}", f"{a} = {a} if x > {self.number()} else {b}"]
        )

    def right(self) -> str:
        return self.random.choice([self.number(), self.expression(), "0.5 * " + self.expression()])

    def fresh(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def runs(self, statement: str) -> bool:
        """Run a statement; take it back where it fails or makes large numbers."""
        before = copy.deepcopy(self.values)
        scope = {**MODULES, **self.values}
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("error", DeprecationWarning)
                exec(statement, scope)
            fits = all(map(is_small, filter(is_array, scope.values())))
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, Warning):
            fits = False
        self.values = before
        if fits:
            self.values = {n: x for n, x in scope.items() if n not in (*MODULES, "__builtins__")}
        return fits

    def block(self) -> None:
        """Write a loop or a branch; what it binds first is forgotten after it."""
        counter, known = self.fresh("i"), set(self.values)
        self.values[counter] = 0
        heads = self.random.choice(HEADS).format(i=counter, S=self.number()).split("\n...\n")
        is_while = heads[0].startswith("while")
        if is_while:
            self.write(f"{counter} = 0")
        for head in heads:
            self.write(head)
            self.depth += 1
            self.write(f"{counter} += 1" if is_while else "pass")
            for _ in range(self.random.randint(1, 3)):
                self.statement()
            self.depth -= 1
            self.values = {name: x for name, x in self.values.items() if name in known}


def is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.generic)


def is_small(x: Any) -> bool:
    """Whether an array and its numbers are small, and of a kind that a program may have."""
    is_plain = x.dtype.kind in "fib" and x.size <= MOST
    return is_plain and bool(np.all(np.isfinite(x)) and np.max(np.abs(x), initial=0) < LARGEST)


def copied(arguments: list[Any]) -> list[Any]:
    """Copy arguments, in their layouts."""
    return [laid_out_as(x) if is_array(x) else x for x in arguments]


def laid_out_as(x: np.ndarray) -> np.ndarray:
    """Copy an array into memory with the same strides."""
    if x.flags.forc:
        return x.copy("K")
    if min(x.strides, default=1) < 0:
        return laid_out_as(x[::-1])[::-1]
    wide = np.zeros([2 * n for n in x.shape])
    part = wide[(slice(None, None, 2),) * x.ndim]
    part[...] = x
    return part
