"""From the user's function to a program: an interpreter on abstract values."""

from .driver import lower
from .state import Refine, State

__all__ = ["Refine", "State", "lower"]
