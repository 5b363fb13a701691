"""Linear maps that come from compiled functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..source.specialise import Specialisation
from ..source.two_sweeps import Split
from ._calls import Function


class LinearMap:
    """A pullback, or the map from tangents to tangents; ``source`` is the text that computes it."""

    def __init__(
        self, name: str, function: Function, made: Callable[[], Specialisation | Split]
    ) -> None:
        self.__name__ = name
        self._function = function
        self._made = made

    def __call__(self, *given: Any) -> Any:
        """Apply the map."""
        return self._function(*given)

    def __repr__(self) -> str:
        return f"<{self.__name__}>"

    @property
    def source(self) -> str:
        """The text: of a pullback the run of the function, then the way back."""
        return self._made().text

    def explain(self) -> str:
        """Return the program after each pass."""
        return self._made().explain()
