"""Compiled functions: how they are made, and how the transforms know them.

The source engine is imported when the first function is compiled, not before.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from ._calls import Function


def compile(
    f: Function | None = None, *, backend: str | None = None, parallel: bool | None = None
) -> Any:
    """Turn a function into a ``Program``: callable like it, with readable derivatives.

    The derivative is not recorded while the function runs but written as a program of its own:
    ``cr.grad(p).source`` shows it. In-place updates, ``np.zeros`` and stores, ``while``, ``break``
    and early returns are followed. Also a decorator.

    Args:
        f: a function whose source can be read.
        backend: what runs the program: ``"numba"`` compiles it to machine code at the first call,
            ``"numpy"`` runs its text. None: the one that the environment variable CHAINRULE_BACKEND
            names, else Numba where it is installed.
        parallel: whether machine code runs large loops on several threads, where it is proved that
            their iterations do not depend on each other; ``p.explain()`` names them. Results do not
            depend on the number of threads, which is Numba's (NUMBA_NUM_THREADS,
            ``numba.set_num_threads``). None: as the program ``f``, else False.

    Raises:
        UnsupportedError: at the first call, for what is not in the language, with its line; at once
            for ``parallel`` with NumPy.

    >>> import chainrule as cr
    >>> def triple(x):
    ...     return 3 * x
    >>> compile(triple)(2.0)
    6.0
    """
    from . import compiled

    if f is None:
        return lambda fn: compiled.program_of(fn, backend, parallel)
    return compiled.program_of(f, backend, parallel)


def derivatives_of(f: Any) -> ModuleType | None:
    """Return the module with the derivatives of ``f``, if it is a compiled function, else None."""
    module = sys.modules.get(f"{__package__}.compiled")
    return module if module is not None and module.is_compiled(f) else None
