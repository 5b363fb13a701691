"""The eager engine: operator overloading, reverse mode on a tape and forward mode on duals."""

from . import operators as operators
from .dual import Dual, Forward
from .node import Node, Tape
from .sweep import sweep

__all__ = ["Dual", "Forward", "Node", "Tape", "sweep"]
