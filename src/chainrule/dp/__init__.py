"""The teaching API: build a computational graph, look at it, take its gradient, train with it.

    a = Node(np.array([[1, 1, 1], [2, 2, 2]]), "A")
    b = Node(np.array([[1, 2, 3]]), "B")
    e = (a * b).exp().sum()
    e.grad(1)                   # {"A": ..., "B": ...}

Its names and their meaning do not change: exercises that were written for it keep working. Every
derivative comes from the engine that the rest of chainrule uses.
"""

from . import nn, optimizer
from ._refused import ReadOnlyError
from .helper import Helper
from .model import Model
from .nn import LeakyReLu, Linear, NeuralNode, ReLu, Sigmoid, Tanh
from .node import Node
from .optimizer import SGD, Adam, DivergedError, Optimizer, RMS_Prop, SGD_Momentum

__all__ = [
    "SGD",
    "Adam",
    "DivergedError",
    "Helper",
    "LeakyReLu",
    "Linear",
    "Model",
    "NeuralNode",
    "Node",
    "Optimizer",
    "RMS_Prop",
    "ReLu",
    "ReadOnlyError",
    "SGD_Momentum",
    "Sigmoid",
    "Tanh",
    "nn",
    "optimizer",
]
