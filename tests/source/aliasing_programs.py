"""Random programs in which names share arrays and lists, which are then changed through them."""

import linecache
import random

ARRAYS, NUMBERS = ["u", "v", "w"], ["s", "t"]
RESULT = "u.copy(), v.copy(), w.copy(), s, t, *[x.copy() for x in (h[0], h[1], g[0], g[1])]"

HEAD = """import numpy as np

def change(x, k):
    x[1] = k
    x *= 0.5

def mix(x, k):
    if k > 0.5:
        return x
    y = x * k
    y[0] = 2.0
    return y

def f(a, b, n):
    u = a.copy()
    v = b
    w = np.zeros(5)
    s = 1.0
    t = 0
    h = [w, a * 2]
    g = [u, b]
"""


class Generator:
    """Writes the lines of one program."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pick = self.random.choice
        self.count = 0

    def place(self, loops):
        return self.pick([*loops, "0", "1", "2", "-1"])

    def number(self, loops):
        array, number = self.pick(ARRAYS), self.pick(NUMBERS)
        return self.pick(
            [
                number,
                f"{array}[{self.place(loops)}]",
                f"np.sum({array})",
                "0.5",
                "3",
                f"{number} * {array}[{self.place(loops)}]",
                f"{number} - {self.pick(NUMBERS)}",
            ]
        )

    def array(self):
        one, other = self.pick(ARRAYS), self.pick(ARRAYS)
        return self.pick(
            [
                "np.zeros(5)",
                f"{one}.copy()",
                one,
                f"{one} * 0.5",
                f"{one} + {other}",
                f"{one}[::-1]",
                f"np.sin({one})",
                f"mix({one}, {self.pick(NUMBERS)})",
                "h[1]",
            ]
        )

    def simple(self, loops):
        """A statement, or some, without blocks."""
        one, other = self.random.sample(ARRAYS, 2)
        number, k = self.number(loops), self.pick([0, 1])
        place, target = self.place(loops), self.pick(NUMBERS)
        return self.pick(
            [
                [f"{one} = {self.array()}"],
                [f"{one}, {other} = {other}, {one}"],
                [f"{one}[{place}] = {number}"],
                [f"{one}[1:] = {other}[:-1]"],
                [f"{one}[1:] = {one}[:-1]"],
                [f"{one} {self.pick(['+=', '*=', '-='])} {self.pick([one, other, target])}"],
                [f"{one}[{place}] += {number}"],
                [f"{target} = {number}"],
                [f"{target} += {number}"],
                [f"s, t = t, {number}"],
                [f"change({one}, {target})"],
                [f"h = [{one}, {self.pick(ARRAYS)}]"],
                [f"{self.pick('gh')}[{k}] = {self.array()}"],
                [f"{self.pick('gh')}[{k}][{place}] = {number}"],
                [f"p = {one}[1:4]", f"p[{k}] = {number}", f"{target} = p[1]"],
                [self.pick(["g = h", "h = g", "h = list(g)"])],
            ]
        )

    def statement(self, depth, loops, in_loop):
        kind = self.random.random()
        if kind < 0.62 or depth == 3:
            return self.simple(loops)
        test = f"{self.number(loops)} > {self.pick(['0.3', '1.0', '-5'])}"
        if kind < 0.7:
            leave = self.pick(["break", "continue"] if in_loop else [f"return {RESULT}"])
            return [f"if {test}:", "    s = s * 0.5", f"    {leave}"]
        if kind < 0.85:
            arms = [f"if {test}:", *self.block(depth + 1, loops, in_loop)]
            if self.random.random() < 0.6:
                arms += ["else:", *self.block(depth + 1, loops, in_loop)]
            return arms
        self.count += 1
        name = f"k{self.count}"
        if kind < 0.93:
            head = f"for {name} in range({self.pick(['3', '2', 'n'])}):"
            return [head, *self.block(depth + 1, [*loops, name], True)]
        head = f"while {name} < 3 and {self.number(loops)} < 9:"
        return [f"{name} = 0", head, f"    {name} += 1", *self.block(depth + 1, loops, True)]

    def block(self, depth, loops, in_loop):
        count = self.random.randrange(1, 4 if depth else 8)
        lines = [x for _ in range(count) for x in self.statement(depth, loops, in_loop)]
        return ["    " + line for line in lines]


def random_function(seed):
    """Return a random function of two arrays of five numbers and an integer."""
    lines = [*Generator(seed).block(0, [], False), f"    return {RESULT}"]
    text, file = HEAD + "\n".join(lines) + "\n", f"<aliasing {seed}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    space = {}
    exec(compile(text, file, "exec"), space)
    return space["f"]
