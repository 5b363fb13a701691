"""The elements of a traced array in C order, as ``ndarray.flat`` gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


class Flat:
    """Elements to be read and stored into by their flat index."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __getitem__(self, index: Any) -> Any:
        return np.copy(np.ravel(self.array)[index])[()]

    def __setitem__(self, index: Any, value: Any) -> None:
        chosen = np.arange(self.array.size)[index]
        self.array[np.unravel_index(chosen, self.array.shape)] = value

    def __len__(self) -> int:
        size: int = self.array.size
        return size

    def __iter__(self) -> Iterator[Any]:
        return iter(np.ravel(self.array))

    def __getattr__(self, name: str) -> Any:
        return getattr(np.ravel(self.array), name)
