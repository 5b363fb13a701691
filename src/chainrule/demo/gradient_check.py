"""Is the gradient right? A comparison with finite differences at a few weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..dp import Helper
from .data import Digits
from .network import Classifier

EXAMPLES = 32
PER_PARAMETER = 3
LARGEST = 100  # weights are drawn among those with the largest gradients: 0 proves nothing
STEP = 1e-5


@dataclass(frozen=True)
class Comparison:
    """One weight: its gradient, and (f(w + h) - f(w - h)) / 2h."""

    weight: str
    gradient: float
    difference: float

    @property
    def relative_error(self) -> float:
        """|gradient - difference| over the larger of the two."""
        size = max(abs(self.gradient), abs(self.difference))
        return abs(self.gradient - self.difference) / size if size else 0.0


def compare(net: Classifier, digits: Digits, seed: int) -> list[Comparison]:
    """Compare the gradient with finite differences, at a few weights of each parameter.

    The network is the same before and after.
    """
    x = digits.x_test[:EXAMPLES]
    y = Helper.one_hot_encoding(digits.y_test[:EXAMPLES], digits.classes)
    gradient, _ = net.get_grad(x, y)
    rng = np.random.default_rng(seed)
    found = []
    for name, g in gradient.items():
        largest = np.argsort(np.abs(g), axis=None)[-LARGEST:]
        for i in rng.choice(largest, min(PER_PARAMETER, largest.size), replace=False):
            place = tuple(int(k) for k in np.unravel_index(i, g.shape))
            difference = _difference(net, name, place, x, y)
            found.append(Comparison(f"{name}{list(place)}", float(g[place]), difference))
    return found


def _difference(
    net: Classifier, name: str, place: tuple[int, ...], x: np.ndarray, y: np.ndarray
) -> float:
    """The central difference of the loss at one weight."""
    original = net.get_param()[name]
    losses = []
    for step in (STEP, -STEP):
        moved = original.copy()
        moved[place] += step
        net.set_param({name: moved})
        losses.append(float(net.loss(x, y).value[0, 0]))
    net.set_param({name: original})
    return (losses[0] - losses[1]) / (2 * STEP)
