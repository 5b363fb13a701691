"""What holds for the repository as a whole: file sizes, the way modules import, import cost."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "chainrule"
MODULES = sorted(PACKAGE.rglob("*.py"))

MAX_LINES = 400
HEAVY = {"dask", "matplotlib", "mlxtend", "numba", "pandas", "scipy", "tqdm"}

each_module = pytest.mark.parametrize(
    "path", MODULES, ids=[path.relative_to(PACKAGE).as_posix() for path in MODULES]
)


def imports(source: str) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import statement of a module, also those inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node


def absolute_imports(source: str) -> list[int]:
    """Lines that import chainrule by its name."""

    def is_own(name: str | None) -> bool:
        return name is not None and name.split(".")[0] == "chainrule"

    return [
        node.lineno
        for node in imports(source)
        if (isinstance(node, ast.Import) and any(is_own(alias.name) for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and node.level == 0 and is_own(node.module))
    ]


def wildcard_imports(source: str) -> list[int]:
    """Lines that import everything a module has."""
    return [
        node.lineno
        for node in imports(source)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    ]


def imports_from_the_face(source: str, depth: int) -> list[str]:
    """Names that a module ``depth`` folders below the package takes from its ``__init__``.

    Those are the re-exports, which need every room to be loaded already. Taking a room itself
    (``from . import errors``) is a different thing with the same spelling.
    """
    return [
        alias.name
        for node in imports(source)
        if isinstance(node, ast.ImportFrom) and node.module is None and node.level == depth + 1
        for alias in node.names
        if not any((PACKAGE / name).exists() for name in (alias.name, f"{alias.name}.py"))
    ]


def run_python(code: str) -> str:
    """Run ``code`` in a fresh interpreter, warnings as errors, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_is_found():
    assert PACKAGE / "__init__.py" in MODULES
    assert (PACKAGE / "py.typed").exists()


@each_module
def test_every_folder_is_a_package(path):
    # Without __init__.py it still imports, but the import contract and doctest overlook it.
    assert (path.parent / "__init__.py").exists()


@each_module
def test_a_file_is_short_enough_to_read(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines < MAX_LINES


@each_module
def test_the_package_imports_itself_relatively(path):
    if path == PACKAGE / "__main__.py":
        pytest.skip("may be run as a file, and then has no package to be relative to")
    assert absolute_imports(path.read_text(encoding="utf-8")) == []


@each_module
def test_no_wildcard_imports(path):
    assert wildcard_imports(path.read_text(encoding="utf-8")) == []


@each_module
def test_no_room_imports_from_the_public_face(path):
    depth = len(path.relative_to(PACKAGE).parts) - 1
    assert imports_from_the_face(path.read_text(encoding="utf-8"), depth) == []


def test_the_checks_find_what_they_look_for():
    assert absolute_imports("import numpy, chainrule.dp\ndef f():\n    import chainrule") == [1, 3]
    assert absolute_imports("from chainrule import grad\nfrom .a import chainrule") == [1]
    assert absolute_imports("import chainrules\nfrom chainrules.x import y") == []
    assert wildcard_imports("import a\ndef f(): pass\nfrom .b import *") == [3]
    assert imports_from_the_face("from . import errors, grad", 0) == ["grad"]
    assert imports_from_the_face("from . import grad\nfrom .. import rules, jvp", 1) == ["jvp"]


def test_importing_chainrule_loads_no_heavy_library():
    loaded = run_python("import chainrule, sys; print(*sys.modules)").split()
    assert "chainrule" in loaded
    assert HEAVY.isdisjoint(name.split(".")[0] for name in loaded)


def test_importing_chainrule_prints_nothing():
    assert run_python("import chainrule") == ""


def test_tests_have_no_packages_that_could_hide_a_library():
    # tests is on the import path, so that a package tests/scipy would be imported as scipy.
    assert list((ROOT / "tests").rglob("__init__.py")) == []
