"""Optimizers: how a gradient changes the parameters.

>>> from chainrule.dp import Model
>>> class Line(Model):
...     def __init__(self):
...         super().__init__(seed=0)
...         self.line = self.Linear_Layer(1, 1, "line")
...
...     def forward(self, x):
...         return self.line(x)
...
...     def loss(self, x, y):
...         return (self.forward(x) - y).square().sum()
>>> x = np.linspace(-1, 1, 20).reshape(-1, 1)
>>> line = Line()
>>> loss = SGD(line, x, 3 * x + 1, {"alpha": 0.01}).train(steps=500, print_each=0)
>>> line.get_param()["line_weight"].round(3)
array([[3.]])
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ArgumentError, ChainruleError, ShapeError
from ._matrix import Matrix
from .model import Model

History = tuple[float, list[float], list[dict[str, Matrix]]]

HYPERPARAMETERS = ("alpha", "beta", "beta1", "beta2", "epsilon")


class DivergedError(ChainruleError, ArithmeticError):
    """The loss became infinite or NaN during training."""


class Optimizer(ABC):
    """Base class: draws batches, computes gradients, and lets the subclass update each parameter.

    ``hyperparam`` may hold ``alpha`` (the learning rate), ``beta``, ``beta1``, ``beta2`` and
    ``epsilon``; what it does not hold has the optimizer's default, what the optimizer does not need
    is left aside, so that one dict can serve a comparison of all. Batches are drawn without
    replacement: every example is used once before any is used again, in an order that is new each
    time. With a ``seed`` always the same.

    An optimizer of your own defines ``update``; ``self.state`` keeps what it must remember.

    >>> class SignDescent(Optimizer):
    ...     def update(self, name, w, g):
    ...         return w - self.hyperparam["alpha"] * np.sign(g)
    >>> from chainrule.dp import Model, Node
    >>> class Bowl(Model):
    ...     def loss(self, x, y):
    ...         return (self.w - y).square().sum()
    >>> bowl = Bowl()
    >>> bowl.w = Node(0, "w")
    >>> loss = SignDescent(bowl, [[1]], [[5]], {"alpha": 0.5}).train(10, print_each=0)
    >>> bowl.get_param()["w"].round(3)
    array([[5.]])
    """

    defaults: ClassVar[Mapping[str, float]] = MappingProxyType({"alpha": 0.001})

    def __init__(
        self,
        model: Model,
        x_train: ArrayLike,
        y_train: ArrayLike,
        hyperparam: Mapping[str, float] | None = None,
        batch_size: int = 128,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        if isinstance(model, type):
            raise ArgumentError(
                f"{model.__name__} is a class, not a model.", f"make one first: {model.__name__}()"
            )
        self.model = model
        self.x_train = np.asarray(x_train)
        self.y_train = np.asarray(y_train)
        _check_data(self.x_train, self.y_train, batch_size)
        self.hyperparam = {**self.defaults, **_checked({} if hyperparam is None else hyperparam)}
        self.batch_size = min(batch_size, len(self.x_train))
        self.step_count = 0  # steps taken so far, in all calls of train
        self.state: dict[tuple[str, str], Matrix] = {}  # what an optimizer remembers
        self._batches = _batches(len(self.x_train), self.batch_size, np.random.default_rng(seed))

    @abstractmethod
    def update(self, name: str, w: Matrix, g: Matrix) -> Matrix:
        """Return the new value of the parameter ``name`` from its value w and its gradient g."""

    def running_mean(self, what: str, name: str, new: Matrix, beta: float) -> Matrix:
        """Update the mean kept as (what, name): beta * old + (1 - beta) * new; return it corrected.

        The mean starts at 0: after t steps its weights add up to 1 - beta^t, by which the returned
        value is divided. The kept one is not.
        """
        mean = beta * self.state.get((what, name), 0.0) + (1 - beta) * new
        self.state[what, name] = mean
        return mean / (1 - beta**self.step_count)

    @overload
    def train(
        self, steps: int = ..., print_each: int = ..., err_hist: Literal[False] = ...
    ) -> float: ...

    @overload
    def train(self, steps: int, print_each: int, err_hist: Literal[True]) -> History: ...

    @overload
    def train(
        self, steps: int = ..., print_each: int = ..., *, err_hist: Literal[True]
    ) -> History: ...

    def train(
        self, steps: int = 1000, print_each: int = 100, err_hist: bool = False
    ) -> float | History:
        """Take ``steps`` steps, each on a new batch; return the loss of the last batch.

        Every ``print_each`` steps the loss is printed (0: never). With ``err_hist`` the result is
        (loss, loss_hist, para_hist): ``loss_hist[i]`` is the loss that step i found at the
        parameters ``para_hist[i]``, a dict of copies; for a large network that is much memory.
        A second call goes on where the first one ended, with the optimizer's state kept.
        """
        _check_count("steps", steps)
        losses: list[float] = []
        parameters: list[dict[str, Matrix]] = []
        for _ in range(steps):
            if err_hist:
                parameters.append(self.model.get_param())
            losses.append(self._step())
            if print_each and self.step_count % print_each == 0:
                print(f"step {self.step_count:6d}   loss {losses[-1]:.6g}")
        return (losses[-1], losses, parameters) if err_hist else losses[-1]

    def _step(self) -> float:
        """Take one step on the next batch; return the loss before it."""
        batch = next(self._batches)
        gradient, loss = self.model.get_grad(self.x_train[batch], self.y_train[batch])
        if not np.isfinite(loss):
            raise DivergedError(
                f"The loss is {loss} after {self.step_count} steps.",
                f"a smaller alpha than {self.hyperparam['alpha']:g}, or scale the data to about 1",
            )
        self.step_count += 1
        old = self.model.get_param()
        self.model.set_param({n: self.update(n, old[n], g) for n, g in gradient.items()})
        return loss


class SGD(Optimizer):
    """Stochastic gradient descent: w <- w - alpha g (Robbins and Monro 1951).

    >>> from chainrule.dp import Model, Node
    >>> class Bowl(Model):
    ...     def loss(self, x, y):
    ...         return (self.w - y).square().sum()
    >>> bowl = Bowl()
    >>> bowl.w = Node(0, "w")
    >>> loss = SGD(bowl, [[1]], [[5]], {"alpha": 0.1}).train(2, print_each=0)
    >>> bowl.get_param()["w"].round(3)
    array([[1.8]])
    """

    def update(self, name: str, w: Matrix, g: Matrix) -> Matrix:
        """Go down the slope."""
        return w - self.hyperparam["alpha"] * g


class SGD_Momentum(Optimizer):
    """Gradient descent with momentum: v <- beta v + g, w <- w - alpha v.

    The velocity v remembers the earlier gradients: a heavy ball rolls through small bumps
    (Polyak 1964, who writes alpha v as the last step taken).

    >>> from chainrule.dp import Model, Node
    >>> class Bowl(Model):
    ...     def loss(self, x, y):
    ...         return (self.w - y).square().sum()
    >>> bowl = Bowl()
    >>> bowl.w = Node(0, "w")
    >>> loss = SGD_Momentum(bowl, [[1]], [[5]], {"alpha": 0.1, "beta": 0.5}).train(2, print_each=0)
    >>> bowl.get_param()["w"].round(3)
    array([[2.3]])
    """

    defaults = MappingProxyType({"alpha": 0.001, "beta": 0.9})

    def update(self, name: str, w: Matrix, g: Matrix) -> Matrix:
        """Accelerate down the slope."""
        v = self.hyperparam["beta"] * self.state.get(("v", name), 0.0) + g
        self.state["v", name] = v
        return w - self.hyperparam["alpha"] * v


class RMS_Prop(Optimizer):
    """Steps in units of the gradient's usual size: w <- w - alpha g / (sqrt(s) + epsilon).

    s <- beta s + (1 - beta) g^2 is a running mean of the squared gradient. It starts at 0, so that
    after t steps its weights add up to 1 - beta^t only; what is used is s / (1 - beta^t). What is
    kept is s itself: kept after the correction, it would be corrected again at every step.
    (Hinton, Neural Networks for Machine Learning, 2012, lecture 6e; the correction is Adam's.)

    >>> from chainrule.dp import Model, Node
    >>> class Bowl(Model):
    ...     def loss(self, x, y):
    ...         return (self.w - y).square().sum()
    >>> bowl = Bowl()
    >>> bowl.w = Node(0, "w")
    >>> loss = RMS_Prop(bowl, [[1]], [[5]], {"alpha": 0.1}).train(1, print_each=0)
    >>> bowl.get_param()["w"].round(3)
    array([[0.1]])
    """

    defaults = MappingProxyType({"alpha": 0.001, "beta": 0.9, "epsilon": 1e-8})

    def update(self, name: str, w: Matrix, g: Matrix) -> Matrix:
        """Divide each gradient by its usual size."""
        s = self.running_mean("s", name, g * g, self.hyperparam["beta"])
        return w - self.hyperparam["alpha"] * g / (np.sqrt(s) + self.hyperparam["epsilon"])


class Adam(Optimizer):
    """Momentum and RMSProp together: w <- w - alpha m / (sqrt(s) + epsilon).

    m and s are running means of the gradient and of its square, both corrected for their start at 0
    (Kingma and Ba 2015, algorithm 1).

    >>> from chainrule.dp import Model, Node
    >>> class Bowl(Model):
    ...     def loss(self, x, y):
    ...         return (self.w - y).square().sum()
    >>> bowl = Bowl()
    >>> bowl.w = Node(0, "w")
    >>> loss = Adam(bowl, [[1]], [[5]], {"alpha": 0.1}).train(1, print_each=0)
    >>> bowl.get_param()["w"].round(3)
    array([[0.1]])
    """

    defaults = MappingProxyType({"alpha": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8})

    def update(self, name: str, w: Matrix, g: Matrix) -> Matrix:
        """Divide the mean gradient by its usual size."""
        m = self.running_mean("m", name, g, self.hyperparam["beta1"])
        s = self.running_mean("s", name, g * g, self.hyperparam["beta2"])
        return w - self.hyperparam["alpha"] * m / (np.sqrt(s) + self.hyperparam["epsilon"])


def _batches(size: int, batch_size: int, rng: np.random.Generator) -> Iterator[Matrix]:
    """Yield the row numbers of one batch after the other, for ever.

    Rows that do not fill a batch begin the next one. In the order that follows they come last, so
    that no batch has a row twice.
    """
    left = np.arange(0)
    while True:
        order = rng.permutation(size)
        again = np.isin(order, left)
        order = np.concatenate([left, order[~again], order[again]])
        whole = len(order) // batch_size * batch_size
        yield from order[:whole].reshape(-1, batch_size)
        left = order[whole:]


def _checked(hyperparam: Mapping[str, float]) -> dict[str, float]:
    """Refuse misspelt names and values out of range."""
    if not isinstance(hyperparam, Mapping):
        raise ArgumentError(
            f"The hyperparameters come as a dict, not as {hyperparam!r}.",
            'SGD(model, x, y, {"alpha": 0.01})',
        )
    for name, value in hyperparam.items():
        if name not in HYPERPARAMETERS:
            raise ArgumentError(
                f"There is no hyperparameter {name!r}.",
                f"the names are {', '.join(HYPERPARAMETERS)}",
            )
        if not isinstance(value, (int, float, np.number)):
            raise ArgumentError(f"{name}={value!r} is no number.", f'{{"{name}": 0.01}}')
        low_enough = value < 1 if name.startswith("beta") else value < np.inf
        if not (low_enough and (value >= 0 if name.startswith("beta") else value > 0)):
            raise ArgumentError(
                f"{name}={value!r} is out of range.",
                "alpha and epsilon are above 0; beta, beta1 and beta2 from 0 to below 1",
            )
    return dict(hyperparam)


def _check_data(x: Matrix, y: Matrix, batch_size: int) -> None:
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or len(x) == 0:
        raise ShapeError(
            f"x_train {x.shape} and y_train {y.shape} must be matrices with one row an example.",
            "labels: Helper.one_hot_encoding(labels) or labels.reshape(-1, 1)",
        )
    _check_count("batch_size", batch_size)


def _check_count(name: str, number: object) -> None:
    if not isinstance(number, (int, np.integer)) or number < 1:
        raise ArgumentError(f"{name}={number!r} is no whole number from 1.", f"{name}=100")
