"""NeuralNode: layers of a network, y = activation(x W + b).

>>> layer = ReLu(3, 2, "h1", seed=0)
>>> layer(np.ones((5, 3))).shape
(5, 2)
>>> sorted(layer.parameters())
['h1_bias', 'h1_weight']
"""

from __future__ import annotations

import operator
from typing import Any, ClassVar

import numpy as np

from ..errors import ArgumentError
from ._matrix import Matrix
from .node import Node, Operand

Seed = int | np.random.Generator | None


class NeuralNode:
    """A layer: a weight (fan_in, fan_out), a bias (1, fan_out) and an activation function.

    The name of the layer begins the names of its parameters: "h1" has "h1_weight" and "h1_bias".
    Subclasses say which activation, and how large the first weights are: with too small ones the
    signal dies away from layer to layer, with too large ones it explodes. A layer of your own
    defines ``activation``:

    >>> class Softplus(NeuralNode):
    ...     def activation(self, z):
    ...         return (1 + z.exp()).log()
    >>> layer = Softplus(3, 2, "h1", seed=0)
    >>> layer(np.ones((5, 3))).shape
    (5, 2)
    >>> {name: p.shape for name, p in layer.parameters().items()}
    {'h1_weight': (3, 2), 'h1_bias': (1, 2)}
    """

    he: ClassVar[bool] = False  # He's rule for the size of the first weights, or Xavier's

    weight: Node
    bias: Node

    def __init__(self, fan_in: int, fan_out: int, name: str, seed: Seed = None) -> None:
        if not (isinstance(name, str) and name):
            raise ArgumentError(
                f"A layer needs a name for its parameters, not {name!r}.", 'Linear(2, 3, "h1")'
            )
        self.fan_in = _size("fan_in", fan_in)
        self.fan_out = _size("fan_out", fan_out)
        self.name = name
        rng = np.random.default_rng(seed)
        self.weight = Node(self.first_weights(rng), f"{name}_weight")
        self.bias = Node(np.zeros((1, self.fan_out)), f"{name}_bias")

    def first_weights(self, rng: np.random.Generator) -> Matrix:
        """Draw the weights: He's variance 2 / fan_in for ReLU, Xavier's 2 / (in + out) else.

        He, Zhang, Ren and Sun 2015, equation 10; (Xavier) Glorot and Bengio 2010, equation 12.
        """
        fan = self.fan_in if self.he else (self.fan_in + self.fan_out) / 2
        variance = (2.0 if self.he else 1.0) / fan
        return rng.normal(0.0, np.sqrt(variance), (self.fan_in, self.fan_out))

    def __call__(self, x: Operand) -> Node:
        """Compute activation(x W + b) for the rows of ``x`` (n, fan_in): a Node (n, fan_out)."""
        x = x if isinstance(x, Node) else Node(x)
        return self.activation(x.dot(self.weight) + self.bias)

    def activation(self, z: Node) -> Node:
        """The activation function; a linear layer has none."""
        return z

    def parameters(self) -> dict[str, Node]:
        """The parameters by name."""
        return {f"{self.name}_weight": self.weight, f"{self.name}_bias": self.bias}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.fan_in}, {self.fan_out}, {self.name!r})"


class Linear(NeuralNode):
    """x W + b.

    >>> layer = Linear(2, 1, "out")
    >>> layer.weight, layer.bias = Node([[2], [3]], "out_weight"), Node(1, "out_bias")
    >>> layer([[10, 100]]).value
    array([[321.]])
    """


class ReLu(NeuralNode):
    """max(0, x W + b) (Nair and Hinton 2010).

    >>> layer = ReLu(1, 1, "h1")
    >>> layer.weight = Node(2, "h1_weight")
    >>> layer([[-1], [1]]).value.round(4)
    array([[0.],
           [2.]])
    """

    he = True

    def activation(self, z: Node) -> Node:
        """max(0, z)."""
        return z.relu()


class LeakyReLu(NeuralNode):
    """x W + b where that is positive, else a hundredth of it (Maas, Hannun and Ng 2013).

    >>> layer = LeakyReLu(1, 1, "h1")
    >>> layer.weight = Node(2, "h1_weight")
    >>> layer([[-1], [1]]).value.round(4)
    array([[-0.02],
           [ 2.  ]])
    """

    he = True

    def activation(self, z: Node) -> Node:
        """z, or 0.01 z where z is negative."""
        return z.leaky_relu()


class Tanh(NeuralNode):
    """tanh(x W + b).

    >>> layer = Tanh(1, 1, "h1")
    >>> layer.weight = Node(2, "h1_weight")
    >>> layer([[-1], [1]]).value.round(4)
    array([[-0.964],
           [ 0.964]])
    """

    def activation(self, z: Node) -> Node:
        """tanh(z)."""
        return z.tanh()


class Sigmoid(NeuralNode):
    """1 / (1 + exp(-(x W + b))).

    >>> layer = Sigmoid(1, 1, "h1")
    >>> layer.weight = Node(2, "h1_weight")
    >>> layer([[-1], [1]]).value.round(4)
    array([[0.1192],
           [0.8808]])
    """

    def activation(self, z: Node) -> Node:
        """1 / (1 + exp(-z))."""
        return z.sigmoid()


def _size(what: str, number: Any) -> int:
    try:
        size = operator.index(number)
    except TypeError:
        size = 0
    if size < 1:
        raise ArgumentError(
            f"{what} is a whole number from 1, not {number!r}.", "Linear(2, 3, 'h')"
        )
    return size
