"""Reverse mode in C as a source-transformation tool such as Tapenade writes it, compiled by `cc`.

The sources in `c/` are derived by hand, statement by statement: a forward sweep that pushes what it
overwrites, a reverse sweep that pops it, nothing cleverer than the compiler's own -O3.
"""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SOURCES = Path(__file__).parent / "c"


def in_c(name: str, args: tuple[Any, ...]) -> Callable[[], Any] | None:
    """The gradient in C, where the case has one and there is a compiler."""
    if name not in CALLS or shutil.which("cc") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "gradient.so"
        source = SOURCES / f"{name}.c"
        flags = ["-O3", "-fPIC", "-shared", "-o", str(library), str(source), "-lm"]
        subprocess.run(["cc", *flags], check=True)
        function = ctypes.CDLL(str(library)).gradient
    function.restype = None
    sizes, inputs, wrt = CALLS[name](*args)
    arrays = [np.ascontiguousarray(x) for x in inputs]

    def gradient() -> Any:
        results = [np.zeros(x.shape) for x in wrt]
        function(*sizes, *(ctypes.c_void_p(x.ctypes.data) for x in [*arrays, *results]))
        return results

    return gradient


def gmm(alphas: Any, means: Any, log_diag: Any, lower: Any, x: Any) -> Any:
    wrt = [alphas, means, log_diag, lower]
    return [*x.shape, len(alphas)], [*wrt, x], wrt


def bundle(cams: Any, points: Any, weights: Any, obs: Any, features: Any) -> Any:
    wrt = [cams, points, weights]
    return [len(obs)], [*wrt, obs, features], wrt


def lstm(main: Any, extra: Any, state: Any, text: Any) -> Any:
    return [*text.shape, len(state) // 2], [main, extra, state, text], [main, extra]


CALLS: dict[str, Callable[..., Any]] = {"gmm": gmm, "bundle": bundle, "lstm": lstm}
