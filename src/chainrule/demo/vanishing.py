"""The vanishing gradient: how much of it arrives at each layer of a deep network.

Going back through a sigmoid layer multiplies the gradient by the slope of the sigmoid, at most 1/4.
After nine such layers hardly anything is left for the first. ReLU's slope is 1 where it is active,
and weights of He's size make up for the half that is not.
"""

from __future__ import annotations

from typing import Any

from ..dp import Helper, Model, Node
from .data import Array, Digits

LAYERS = 10
WIDTH = 100
EXAMPLES = 128
ACTIVATIONS = ("sigmoid", "tanh", "ReLU")


class DeepNet(Model):
    """Ten layers: nine with the same activation and 100 neurons, and a linear one."""

    def __init__(self, inputs: int, classes: int, activation: str, seed: int) -> None:
        super().__init__(seed)
        make = {"sigmoid": self.Sigmoid_Layer, "tanh": self.Tanh_Layer, "ReLU": self.ReLu_Layer}
        sizes = [inputs] + [WIDTH] * (LAYERS - 1)
        self.hidden = [
            make[activation](sizes[i], sizes[i + 1], f"layer{i + 1}") for i in range(LAYERS - 1)
        ]
        self.last = self.Linear_Layer(WIDTH, classes, f"layer{LAYERS}")

    def forward(self, x: Any) -> Node:
        """The probabilities of the classes."""
        for layer in self.hidden:
            x = layer(x)
        return self.last(x).softmax()

    def loss(self, x: Any, y: Node | Array) -> Node:
        """Cross-entropy."""
        return (-1 * (self.forward(x).log() * y)).sum()


def gradient_sizes(digits: Digits, activation: str, seed: int = 0) -> list[float]:
    """Return the sum of |dW| of each layer, first to last, in an untrained network."""
    x = digits.x_train[:EXAMPLES]
    y = Helper.one_hot_encoding(digits.y_train[:EXAMPLES], digits.classes)
    gradient, _ = DeepNet(x.shape[1], digits.classes, activation, seed).get_grad(x, y)
    return [float(abs(gradient[f"layer{i + 1}_weight"]).sum()) for i in range(LAYERS)]
