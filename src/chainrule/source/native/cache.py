"""Compiled kernels: taken from the cache of machine code, else made by Numba and kept there."""

from __future__ import annotations

import functools
import glob
import hashlib
import linecache
import pickle
import secrets
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..._collector import COLLECTOR_PAUSED
from . import store

OPTIONS: dict[str, Any] = {"error_model": "numpy", "no_cfunc_wrapper": True}


def compiled(
    name: str,
    text: str,
    types: str,
    outside: dict[str, Any],
    intrinsics: dict[str, Callable[[str], Any]],
    nogil: bool = True,
) -> Callable[..., Any]:
    """Return the function ``kernel`` of a text as machine code, for arguments of these types.

    ``name``: what the machine code is kept under. ``types`` is a signature as Numba writes it, such
    as ``(float64[::1], int64)``; ``outside``: objects of this process that the text mentions;
    ``intrinsics``: makers of the functions that stand for its loops, which the text shows as
    comments, and for what the interpreter runs.
    """
    file = f"<chainrule kernel {name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    space: dict[str, Any] = {"__name__": __name__, **outside}
    space |= {name_: make(name) for name_, make in intrinsics.items()}
    exec(compile(text, file, "exec"), space)
    function = space["kernel"]
    function.__qualname__ = f"kernel_{name}"  # names of machine code must differ in a process
    where = None if outside else store.store()
    return _with_machine_code(function, types, Cached(where, name) if where else None, nogil)


def machine_name(text: str, types: str) -> str:
    """Return the name that the machine code of a text is kept under."""
    return _digest(text, types, *surroundings())


def is_kept(name: str) -> bool:
    """Tell whether machine code is kept under a name."""
    where = store.store()
    return where is not None and name in where


def kept(name: str, types: str, parameters: Sequence[str]) -> Callable[..., Any] | None:
    """Return the function whose machine code is kept under a name, None if there is none."""
    where = store.store()
    data = None if where is None else where.load(name)
    if where is None or data is None:
        return None
    space: dict[str, Any] = {}
    exec(f"def kernel({', '.join(parameters)}): ...", space)  # what Numba asks it for
    return _with_machine_code(space["kernel"], types, Cached(where, name, data))


def _with_machine_code(
    function: Any, types: str, cache: Cached | None, nogil: bool = True
) -> Callable[..., Any]:
    """Compile a function for arguments of these types, or take what is in a cache."""
    import numba
    from numba.core.errors import NumbaWarning

    from .pipeline import Pipeline

    made: Any = numba.njit(pipeline_class=Pipeline, nogil=nogil, **OPTIONS)(function)
    if cache is not None:
        made._cache = cache
    with COLLECTOR_PAUSED, warnings.catch_warnings():
        warnings.simplefilter("ignore", NumbaWarning)  # they are about lines that we wrote
        made.compile(types)
    made.disable_compile()
    kernel: Callable[..., Any] = made
    return kernel


def _digest(*parts: str) -> str:
    """Return a name for what these texts determine."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@functools.cache
def code_in(folder: Path) -> str:
    """Return a name for the texts of all modules in a folder."""
    digest = hashlib.sha256()
    names = sorted(glob.glob("**/*.py", root_dir=folder, recursive=True))
    if not names:  # they lie in an archive: it may hold another version in another process
        return secrets.token_hex()
    for name in names:
        text = (folder / name).read_bytes()
        digest.update(f"{name} {len(text)}\n".encode() + text)
    return digest.hexdigest()


@functools.cache
def surroundings() -> tuple[str, ...]:
    """Return all that machine code depends on besides the text: our code, versions, processor."""
    import platform

    import llvmlite
    import numba
    import numpy
    from numba.core.registry import cpu_target

    packages = (llvmlite, numba, numpy)
    settings: Any = numba.config
    return (
        code_in(Path(__file__).parent),
        *(package.__version__ for package in packages),
        platform.python_implementation() + platform.python_version(),
        repr(cpu_target.target_context.codegen().magic_tuple()),
        repr((settings.OPT, settings.LOOP_VECTORIZE, settings.SLP_VECTORIZE, settings.BOUNDSCHECK)),
        repr(OPTIONS),
    )


class Cached:
    """Stands for Numba's own cache of one function: here each kernel is a file of its own."""

    cache_path = None

    def __init__(self, where: store.Store, name: str, data: bytes | None = None) -> None:
        self.where = where
        self.name = name
        self.data = data
        """What is kept, if it was read before."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return compiled code from the cache, or None.

        What Numba reads before it can compile, most of a second, is left out: machine code needs
        Numba's memory manager alone.
        """
        from numba.core.compiler import CompileResult
        from numba.core.runtime.nrt import rtsys

        data, self.data = self.data or self.where.load(self.name), None
        if data is None:
            return None
        rtsys.initialize(target_context)
        result: Any = CompileResult
        return result._rebuild(target_context, *pickle.loads(data))

    def save_overload(self, sig: Any, result: Any) -> None:
        """Keep compiled code, unless it holds addresses of this process."""
        from numba.core.serialize import dumps

        if any(not part.can_cache for part in result.lifted) or result.library.has_dynamic_globals:
            return
        *code, environments = result._reduce()
        # Of Numba's functions, those without constants of Python: to load them would be to import
        # all modules that compiling needs.
        used = tuple(environment for environment in environments if environment.consts)
        data: bytes = dumps((*code, used))  # type: ignore[no-untyped-call]
        self.where.save(self.name, data)

    def enable(self) -> None:
        """Do nothing: this cache is always on."""

    disable = flush = enable
