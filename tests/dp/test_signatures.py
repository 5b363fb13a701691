"""The teaching API is frozen: its names and signatures are those of signatures.txt.

An addition is written there by hand; a removal or a change would break somebody's exercises.
"""

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from chainrule import dp

FILE = Path(__file__).with_name("signatures.txt")


def public(name: str) -> bool:
    """Names without an underscore, Python's special methods, and what a notebook calls."""
    special = name.startswith("__") and name.endswith("__")
    return special or name == "_repr_svg_" or not name.startswith("_")


def call(function: object) -> str:
    """The parameters with their defaults; annotations may change."""
    signature = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=signature.empty))


def members(prefix: str, cls: type) -> Iterator[str]:
    for name, member in sorted(vars(cls).items()):
        if not public(name):
            continue
        if isinstance(member, property):
            yield f"{prefix}.{name} (property)"
        elif isinstance(member, staticmethod):
            yield f"{prefix}.{name}{call(member.__func__)} (static)"
        elif inspect.isfunction(member):
            yield f"{prefix}.{name}{call(member)}"
        elif name == "defaults":
            yield f"{prefix}.{name} = {dict(member)}"


def lines() -> Iterator[str]:
    for name in sorted(dp.__all__):
        thing = getattr(dp, name)
        if isinstance(thing, ModuleType):
            classes = [
                n
                for n, c in sorted(vars(thing).items())
                if inspect.isclass(c) and c.__module__ == thing.__name__
            ]
            yield f"module {name}: {', '.join(classes)}"
        else:
            yield f"class {name}({', '.join(base.__name__ for base in thing.__bases__)})"
            yield from members(name, thing)


def test_names_and_signatures_are_those_of_the_file():
    assert "\n".join(lines()) + "\n" == FILE.read_text(encoding="utf-8")


def test_the_file_has_the_names_that_exercises_use():
    text = FILE.read_text(encoding="utf-8")
    for line in (
        "Node.__init__(self, value, name=None)",
        "Node.grad(self, seed=1)",
        "Node.sum(self, axis=None)",
        "Model.ReLu_Layer(self, fan_in, fan_out, name)",
        "Optimizer.train(self, steps=1000, print_each=100, err_hist=False)",
        "Helper.one_hot_encoding(labels, classes=None) (static)",
    ):
        assert line in text.splitlines()
