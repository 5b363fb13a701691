"""``chainrule source`` prints the derivative of a function in a file, ``cache`` what is kept."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, ChainruleError

if TYPE_CHECKING:
    from .program import Program
    from .specialise import Specialisation

MODES = {
    "grad": "the gradient of a function with one number as its result",
    "vjp": "result, and cotangents of the arguments for one of the result",
    "jvp": "result, and its tangent for tangents of the arguments",
    "hvp": "gradient, and its tangent: second derivatives times a vector",
    "primal": "the function itself, as it is differentiated",
}
MISUSED = 2


def add_parser(commands: Any) -> None:
    """Add ``source`` to the subcommands of the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "source",
        help="print the derivative of a function as Python",
        description="Print the derivative of a function as a Python program that runs without "
        "chainrule. The file is imported.",
        epilog="modes: " + "; ".join(f"{mode}: {text}" for mode, text in MODES.items()) + ".",
    )
    parser.add_argument("target", metavar="FILE.py:FUNCTION")
    parser.add_argument(
        "--types",
        required=True,
        metavar="TYPES",
        help="of the arguments, such as 'f8[:,:], i8': f4 f8 c8 c16 i8 b1, a colon per axis, or a "
        "name, which stands for one size wherever it is used, or a number; i8=3 is the number 3",
    )
    parser.add_argument(
        "--wrt",
        metavar="NAMES",
        help="parameters by which the derivative is taken, as in u,v (default: the first one)",
    )
    parser.add_argument("--mode", choices=MODES, default="grad", help="default: %(default)s")
    parser.set_defaults(run=run)


def add_cache_parser(commands: Any) -> None:
    """Add ``cache`` to the subcommands of the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "cache",
        help="show or clear the machine code that is kept on disk",
        description="Show where compiled programs are kept, how many and how large they are.",
        epilog="CHAINRULE_CACHE_DIR names another folder, or none if it is empty; "
        "CHAINRULE_CACHE_MB how many megabytes are kept at most.",
    )
    parser.add_argument("--clear", action="store_true", help="delete them")
    parser.set_defaults(run=run_cache)


def run_cache(options: argparse.Namespace) -> int:
    """Print what is kept, or delete it; return the exit status."""
    from .native import store

    found = store.store()
    if found is None:
        print(f"{store.FOLDER} is empty: compiled programs are not kept")
        return 0
    files = found.files()
    size = sum(file.size for file in files) / 2**20
    print(f"{found.path}: {len(files)} files, {size:.1f} MB of at most {store.limit() / 2**20:g}")
    if options.clear:
        print(f"{found.clear()} deleted")
    return 0


def run(options: argparse.Namespace) -> int:
    """Print the program; return the exit status."""
    try:
        print(source(options.target, options.types, options.wrt, options.mode), end="")
    except ChainruleError as error:
        print(f"chainrule source: {error}", file=sys.stderr)
        return MISUSED
    return 0


def source(target: str, types: str, wrt: str | None = None, mode: str = "grad") -> str:
    """Return the text of a derivative of a function in a file, for arguments of these types.

    Raises ``ArgumentError`` where the command line does not fit, ``UnsupportedError`` where the
    function cannot be differentiated.
    """
    from . import typestrings
    from .program import Program

    program = Program(load(target))
    try:
        values = program.binder(tuple(typestrings.parse(types)), {})
    except TypeError as error:
        if isinstance(error, ChainruleError):
            raise
        named = ", ".join(program.binder.names)
        raise _misused(
            f"--types {types!r} does not fit {program.__name__}({named}): {error}",
            "give one type per parameter, those with a default may be left out",
        ) from None
    return _derived(program.specialised(values), _names(program, wrt), mode).text


def _derived(made: Specialisation, names: list[str], mode: str) -> Specialisation:
    places: list[Any] = [(name, ()) for name in names]
    if mode == "primal":
        return made
    if mode == "jvp":
        return made.tangent(places)
    if mode == "vjp":
        return made.pullback(places)
    gradient = made.gradient(places, len(places) == 1, has_aux=False, with_value=False)
    return gradient.tangent(places) if mode == "hvp" else gradient


def _names(program: Program, wrt: str | None) -> list[str]:
    """Return the parameters that ``--wrt`` names."""
    known = program.binder.names
    names = known[:1] if wrt is None else [name.strip() for name in wrt.split(",")]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise _misused(
            f"--wrt: {program.__name__} has no parameter {', '.join(unknown) or 'at all'}",
            f"name one or more of {', '.join(known)}" if known else "give it one",
        )
    return names


def load(target: str) -> Any:
    """Import ``FILE.py`` and return ``FUNCTION`` of ``FILE.py:FUNCTION``."""
    file, colon, name = target.rpartition(":")
    if not colon or not file.endswith(".py"):
        raise _misused(f"{target!r} names no function", "write FILE.py:FUNCTION")
    module = _imported(Path(file))
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        own = [key for key, value in vars(module).items() if callable(value) and key[0] != "_"]
        listed = ", ".join(own) or "none"
        raise _misused(f"{file} has no function {name!r}", f"it has: {listed}")
    return found


def _imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise _misused(f"there is no file {path}", "give its path, as in models/heat.py:loss")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # as dataclasses and pickling need it
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return module


def _misused(problem: str, instead: str) -> ArgumentError:
    return ArgumentError(problem, instead, "the command line")
