"""The network of the demo, as a student would write it with ``chainrule.dp``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dp import Model, Node
from .data import Array


class Classifier(Model):
    """inputs - 500 - 200 - classes, two ReLU layers and a linear one, then softmax."""

    def __init__(self, inputs: int, classes: int, seed: int) -> None:
        super().__init__(seed)
        self.h1 = self.ReLu_Layer(inputs, 500, "h1")
        self.h2 = self.ReLu_Layer(500, 200, "h2")
        self.out = self.Linear_Layer(200, classes, "out")

    def forward(self, x: Any) -> Node:
        """The probabilities of the classes, a row for each row of x."""
        return self.out(self.h2(self.h1(x))).softmax()

    def loss(self, x: Any, y: Node | Array) -> Node:
        """Cross-entropy, summed over the rows; y holds one-hot rows."""
        return (-1 * (self.forward(x).log() * y)).sum()


def predict(net: Classifier, x: Array) -> Array:
    """Return the most probable class of each row."""
    predicted: Array = np.argmax(net.forward(x).value, axis=1)
    return predicted


def accuracy(net: Classifier, x: Array, labels: Array) -> float:
    """Return the share of rows whose class is predicted rightly."""
    return float(np.mean(predict(net, x) == labels))
