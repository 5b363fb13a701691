"""Model: a network whose ``forward`` and ``loss`` the user writes.

>>> class Net(Model):
...     def __init__(self):
...         super().__init__(seed=0)
...         self.h1 = self.Tanh_Layer(2, 3, "h1")
...         self.out = self.Linear_Layer(3, 1, "out")
...
...     def forward(self, x):
...         return self.out(self.h1(x))
...
...     def loss(self, x, y):
...         return (self.forward(x) - y).square().sum()
>>> net = Net()
>>> gradient, loss = net.get_grad(np.ones((4, 2)), np.zeros((4, 1)))
>>> {name: g.shape for name, g in gradient.items()}
{'h1_weight': (2, 3), 'h1_bias': (1, 3), 'out_weight': (3, 1), 'out_bias': (1, 1)}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError, ShapeError
from . import nn
from ._matrix import Matrix
from .node import Node, Operand

Layer = TypeVar("Layer", bound=nn.NeuralNode)


class Model:
    """Base class of a network.

    A subclass makes its layers in ``__init__`` (after ``super().__init__()``) and defines
    ``forward(self, x)`` and ``loss(self, x, y)``. The parameters are those of the layers, and named
    Nodes that are attributes of the model. With a ``seed`` the first weights are always the same.

    >>> class Scale(Model):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = Node(3, "factor")
    ...
    ...     def forward(self, x):
    ...         return self.factor * x
    ...
    ...     def loss(self, x, y):
    ...         return (self.forward(x) - y).square().sum()
    >>> model = Scale()
    >>> for _ in range(50):  # gradient descent by hand
    ...     g, loss = model.get_grad([[1, 2]], [[5, 10]])
    ...     p = model.get_param()
    ...     model.set_param({n: p[n] - 0.05 * g[n] for n in p})
    >>> model.get_param()
    {'factor': array([[5.]])}
    """

    _places: dict[str, tuple[object, str]]  # name of a parameter -> the object and its attribute

    def __init__(self, seed: int | np.random.Generator | None = None) -> None:
        self._places = {}
        self._rng = np.random.default_rng(seed)

    def forward(self, x: Any) -> Node:
        """Compute the output of the network: to be written by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, x)")

    def loss(self, x: Any, y: Any) -> Node:
        """Compute the loss as a Node (1, 1): to be written by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} must define loss(self, x, y)")

    # ------------------------------------------------------------------ layers

    def Linear_Layer(self, fan_in: int, fan_out: int, name: str) -> nn.Linear:
        """Make a layer x W + b, with parameters NAME_weight and NAME_bias."""
        return self._add(nn.Linear(fan_in, fan_out, name, self._generator()))

    def ReLu_Layer(self, fan_in: int, fan_out: int, name: str) -> nn.ReLu:
        """Make a layer relu(x W + b)."""
        return self._add(nn.ReLu(fan_in, fan_out, name, self._generator()))

    def LeakyReLu_Layer(self, fan_in: int, fan_out: int, name: str) -> nn.LeakyReLu:
        """Make a layer leaky_relu(x W + b)."""
        return self._add(nn.LeakyReLu(fan_in, fan_out, name, self._generator()))

    def Tanh_Layer(self, fan_in: int, fan_out: int, name: str) -> nn.Tanh:
        """Make a layer tanh(x W + b)."""
        return self._add(nn.Tanh(fan_in, fan_out, name, self._generator()))

    def Sigmoid_Layer(self, fan_in: int, fan_out: int, name: str) -> nn.Sigmoid:
        """Make a layer sigmoid(x W + b)."""
        return self._add(nn.Sigmoid(fan_in, fan_out, name, self._generator()))

    # ------------------------------------------------------------------ gradients and parameters

    def get_grad(self, x: Operand, y: Operand) -> tuple[dict[str, Matrix], float]:
        """Return the gradient of ``loss(x, y)`` by every parameter, and the loss as a number.

        A parameter that the loss does not use has the gradient zero.
        """
        loss = self.loss(_as_node(x), _as_node(y))
        if not isinstance(loss, Node) or loss.shape != (1, 1):
            got = f"shape {loss.shape}" if isinstance(loss, Node) else type(loss).__name__
            raise ShapeError(f"loss must return a Node (1, 1), not {got}.", "end it with .sum()")
        gradient = loss.grad(1)
        current = self._nodes()
        unknown = sorted(set(gradient) - set(current))
        if unknown:
            raise ArgumentError(
                f"The loss depends on named Nodes that are no parameters of the model: {unknown}.",
                "make layers with self.Linear_Layer(...), and give data no name",
            )
        full = {
            n: gradient[n] if n in gradient else np.zeros_like(node.value)
            for n, node in current.items()
        }
        return full, float(loss.value[0, 0])

    def get_param(self) -> dict[str, Matrix]:
        """Return copies of all parameters, by name."""
        return {name: node.value.copy() for name, node in self._nodes().items()}

    def set_param(self, param: Mapping[str, ArrayLike]) -> None:
        """Give parameters new values (copied), which the next ``forward`` uses.

        Parameters that are not named keep theirs. A wrong name or shape is an error, and then
        nothing is changed.
        """
        current = self._nodes()
        new: dict[str, Node] = {}
        for name, value in param.items():
            if name not in current:
                raise ArgumentError(
                    f"The model has no parameter {name!r}.", f"its names are {sorted(current)}"
                )
            new[name] = Node(value, name)
            if new[name].shape != current[name].shape:
                raise ShapeError(
                    f"{name!r} has shape {current[name].shape}, the new value {new[name].shape}.",
                    f"give an array of shape {current[name].shape}",
                )
        for name, node in new.items():
            holder, attribute = self._places[name]
            setattr(holder, attribute, node)

    # ------------------------------------------------------------------ how parameters are found

    def __setattr__(self, attribute: str, value: object) -> None:
        """Register layers and named Nodes that become attributes."""
        if isinstance(value, nn.NeuralNode):
            self._add(value)
        elif isinstance(value, Node) and value.name is not None:
            self._register(value.name, self, attribute)
        object.__setattr__(self, attribute, value)

    def _add(self, layer: Layer) -> Layer:
        self._register(f"{layer.name}_weight", layer, "weight")
        self._register(f"{layer.name}_bias", layer, "bias")
        return layer

    def _register(self, name: str, holder: object, attribute: str) -> None:
        places = self._started()
        for other, place in list(places.items()):
            if place == (holder, attribute) and other != name:
                del places[other]  # the attribute holds a new Node of another name
        if places.setdefault(name, (holder, attribute)) != (holder, attribute):
            raise ArgumentError(
                f"The model has a parameter {name!r} already.", "give each layer its own name"
            )

    def _nodes(self) -> dict[str, Node]:
        return {
            name: getattr(holder, attribute)
            for name, (holder, attribute) in self._started().items()
        }

    def _generator(self) -> np.random.Generator:
        self._started()
        return self._rng

    def _started(self) -> dict[str, tuple[object, str]]:
        if "_places" not in self.__dict__:
            raise ArgumentError(
                f"{type(self).__name__}.__init__ must begin with super().__init__().",
                "call super().__init__() before making layers",
            )
        return self._places


def _as_node(x: Operand) -> Node:
    return x if isinstance(x, Node) else Node(x)
