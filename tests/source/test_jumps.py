"""Removing return, break and continue keeps what a function does."""

import ast
import textwrap

import pytest

from chainrule.source.jumps import RESULT, remove_jumps

PROGRAMS = {
    "early returns": """
        def f(n):
            if n > 8:
                return "big"
            if n > 4:
                if n == 6:
                    return "six"
                n = n + 1
            elif n == 2:
                return "two"
            return n
    """,
    "break, continue and else": """
        def f(n):
            seen = []
            for i in range(n):
                if i == 2:
                    continue
                for j in range(i):
                    if j == 3:
                        break
                    seen.append((i, j))
                else:
                    seen.append("all")
                    continue
                seen.append("broken")
            else:
                seen.append("end")
            return seen
    """,
    "return inside nested loops": """
        def f(n):
            for i in range(n):
                k = 0
                while True:
                    k += 1
                    if i * k > 10:
                        return i, k
                    if k > 4:
                        break
            return None
    """,
    "while with else": """
        def f(n):
            k = 0
            while k < n:
                k += 1
                if k == 5:
                    break
            else:
                k = -k
            return k
    """,
    "no value": """
        def f(n):
            if n > 3:
                return
            n += 1
    """,
    "match": """
        def f(n):
            match n:
                case 1 | 2:
                    return "few"
                case 3 if n > 2:
                    pass
                case m:
                    return m
            return "three"
    """,
    "a jump in one arm, more in the other": """
        def f(n):
            total = 0
            for i in range(n):
                if i % 2:
                    if i == 5:
                        break
                    total += 1
                else:
                    if i == 4:
                        continue
                    total += 10
                total += 100
            return total
    """,
}


def without_jumps(source):
    """Compile a function after its jumps are removed; flags get names that Python takes."""
    tree = ast.parse(textwrap.dedent(source))
    definition = tree.body[0]
    body = remove_jumps(definition.body)
    assert not [
        n for s in body for n in ast.walk(s) if isinstance(n, (ast.Return, ast.Break, ast.Continue))
    ]
    definition.body = [*body, ast.Return(ast.Name(RESULT, ast.Load()))]
    for node in ast.walk(definition):
        if isinstance(node, (ast.For, ast.While)) and getattr(node, "until", None):
            test = ast.Name(node.until, ast.Load())
            node.body = [*node.body, ast.If(test, [ast.Break()], [])]
    for node in ast.walk(definition):
        if isinstance(node, ast.Name) and node.id.startswith("<"):
            node.id = "_" + node.id[1:-1].replace(" ", "_")
    space = {}
    exec(compile(ast.fix_missing_locations(tree), "<test>", "exec"), space)
    return space["f"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_function_does_the_same_without_jumps(name):
    space = {}
    exec(textwrap.dedent(PROGRAMS[name]), space)
    made = without_jumps(PROGRAMS[name])
    for n in range(12):
        assert made(n) == space["f"](n), n


def test_code_without_jumps_stays_as_it_is():
    body = (
        ast.parse("def f(x):\n    y = x\n    for i in x:\n        y += i\n    return y")
        .body[0]
        .body
    )
    made = remove_jumps(body)
    assert [type(s).__name__ for s in made] == ["Assign", "For", "Assign"]
    assert made[1].until is None
