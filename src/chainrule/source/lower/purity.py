"""Which functions may be called while a program is made, and which must wait until it runs.

A pure function of known values is called at once. All other functions are called by the emitted
program, where they stand, at every run: what they do happens as often as the user wrote it.
"""

from __future__ import annotations

import builtins
import collections
import enum
import functools
import logging
import os
import random
import sys
import sysconfig
import time
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..._core import DERIVATIVE_OF
from ..types import FLOAT, INT, NONE, OBJECT, Type

_BUILTINS = frozenset(
    getattr(builtins, name)
    for name in (
        *("abs", "all", "any", "ascii", "bin", "callable", "chr", "divmod", "format", "getattr"),
        *("hasattr", "hash", "hex", "isinstance", "issubclass", "len", "max", "min", "oct", "ord"),
        *("pow", "repr", "round", "sorted", "sum"),
    )
) | {collections.namedtuple}

_MODULES = frozenset(
    {
        *("math", "cmath", "operator", "_operator", "itertools", "functools", "_functools"),
        *("string", "fractions", "decimal", "_decimal", "datetime", "typing", "chainrule"),
    }
)
"""Modules whose functions are pure, classes included; ``now`` and ``today`` of dates are not."""

_IMMUTABLE = (
    *(bool, int, float, complex, str, bytes, tuple, frozenset, range, slice),
    *(np.generic, np.dtype, np.iinfo, np.finfo, enum.Enum),
)
_CLASSES = (*_IMMUTABLE, type(None), list, dict, set, np.ndarray, np.poly1d, BaseException)

_NUMPY_IO = frozenset(
    {
        *("load", "loadtxt", "genfromtxt", "fromfile", "fromregex", "memmap", "open_memmap"),
        *("save", "savez", "savez_compressed", "savetxt", "info", "show_config", "show_runtime"),
        *("seterr", "seterrcall", "setbufsize", "set_printoptions", "errstate", "printoptions"),
        *("loadmat", "savemat", "whosmat", "mmread", "mmwrite", "read", "write", "test"),
    }
)


def is_reader(fn: Any) -> bool:
    """Tell whether a function of NumPy or SciPy reads, writes or sets something for all."""
    is_library = module_of(fn) in ("numpy", "scipy")
    return is_library and getattr(fn, "__name__", "") in _NUMPY_IO


def module_of(fn: Any) -> str:
    """Return the top package of a function or class, or that of the class of its object."""
    owner = getattr(fn, "__self__", None)
    if isinstance(owner, types.ModuleType):
        return owner.__name__.partition(".")[0]
    home = getattr(fn, "__module__", None)
    if home is None and owner is not None:
        home = type(owner).__module__
    return (home or "").partition(".")[0].lstrip("_") or (home or "")


def is_pure(fn: Any) -> bool:
    """Tell whether a function does nothing but compute its result."""
    if isinstance(fn, np.ufunc) or _is_in(fn, _BUILTINS):
        return True
    owner = getattr(fn, "__self__", None)
    top = module_of(fn)
    if is_random(fn) or getattr(fn, "__name__", "") in ("now", "today", "utcnow"):
        return False
    if isinstance(fn, type):
        return fn is object or issubclass(fn, _CLASSES) or top in _MODULES
    if isinstance(owner, (*_IMMUTABLE, np.ufunc)):
        return True
    if isinstance(owner, type) or isinstance(getattr(fn, "__objclass__", None), type):
        cls = owner if isinstance(owner, type) else fn.__objclass__
        return issubclass(cls, _IMMUTABLE) or cls in (dict, list) or top in _MODULES
    if top in ("numpy", "scipy"):
        return not is_reader(fn)
    return top in _MODULES


def _is_in(fn: Any, table: frozenset[Any]) -> bool:
    try:
        return fn in table
    except TypeError:  # it cannot be a key
        return False


def is_random(fn: Any) -> bool:
    """Tell whether a function draws random numbers: it must be called once, where it stands."""
    owner = getattr(fn, "__self__", None)
    drawing = (np.random.Generator, np.random.RandomState, random.Random)
    home = getattr(fn, "__module__", None) or ""
    return isinstance(owner, drawing) or home.startswith(("numpy.random", "random"))


# ------------------------------------------------------------------------ what they return

_CLOCKS = ("time", "perf_counter", "monotonic", "process_time", "thread_time")
_RETURNS: dict[Any, Type] = {
    **{getattr(time, name): FLOAT for name in _CLOCKS},
    **{getattr(time, f"{name}_ns"): INT for name in _CLOCKS},
    time.sleep: NONE,
    np.random.seed: NONE,
    random.seed: NONE,
    warnings.warn: NONE,
}
_ANNOTATED: dict[Any, Type] = {float: FLOAT, int: INT, None: NONE, "float": FLOAT, "int": INT}
_SPEAKING = (logging, warnings)


def declared_type(fn: Any) -> Type:
    """Return the type of what a function returns, as far as it is known without calling it."""
    if _is_in(fn, frozenset(_RETURNS)):
        return _RETURNS[fn]
    if module_of(fn) in {module.__name__ for module in _SPEAKING}:
        return NONE if getattr(fn, "__name__", "") in _MESSAGES else OBJECT
    wanted = getattr(fn, "__annotations__", {}).get("return", OBJECT)
    return _ANNOTATED.get(wanted, OBJECT) if isinstance(wanted, (type, str, type(None))) else OBJECT


_MESSAGES = frozenset(
    {
        *("debug", "info", "warning", "warn", "error", "exception", "critical", "log", "fatal"),
        *("basicConfig", "warn_explicit", "simplefilter", "filterwarnings", "setLevel", "disable"),
    }
)


def is_message(fn: Any) -> bool:
    """Tell whether a function only says something, as ``print`` does."""
    return declared_type(fn) == NONE


def sampled(fn: Any) -> Any:
    """Return a function to draw samples with: the user's own generator keeps its state."""
    owner = getattr(fn, "__self__", None)
    if isinstance(owner, random.Random):
        return getattr(random.Random(0), fn.__name__)
    if isinstance(owner, np.random.RandomState):
        return getattr(np.random.RandomState(0), fn.__name__)
    if isinstance(owner, np.random.Generator):
        return getattr(np.random.default_rng(0), fn.__name__)
    return fn


# ------------------------------------------------------------------------------- whose text


@functools.cache
def _roots() -> tuple[str, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple({str(Path(sysconfig.get_path(name))) + "/" for name in names})


def is_library_file(file: str) -> bool:
    """Tell whether a file is of Python or of an installed package, not of the user."""
    return file.startswith(("<frozen", *_roots()))


def is_standard(fn: Any) -> bool:
    """Tell whether a function or class is of Python's standard library."""
    return module_of(fn) in sys.stdlib_module_names - {"__main__"}


def is_library(fn: Any) -> bool:
    """Tell whether a function or class is of Python, NumPy or SciPy."""
    return is_standard(fn) or module_of(fn) in ("numpy", "scipy")


# --------------------------------------------------------------------- derivatives as functions

_TRANSFORMS = os.sep.join(("chainrule", "transforms", ""))


def is_transform(fn: Any) -> bool:
    """Tell ``cr.grad`` and the like, and the derivatives that they return."""
    made = getattr(fn, "__code__", getattr(type(fn).__call__, "__code__", None))
    return _TRANSFORMS in getattr(made, "co_filename", "")


def derivative_of(fn: Any) -> Any:
    """Return transform, function, argnums and has_aux of a derivative; None of anything else."""
    return getattr(fn, DERIVATIVE_OF, None) if is_transform(fn) else None
