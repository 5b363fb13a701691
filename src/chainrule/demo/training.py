"""The training run, with a progress bar, which Ctrl-C ends without losing what is done."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import NamedTuple

from ..dp import Adam, Helper
from .data import Digits
from .network import Classifier, accuracy

BATCH_SIZE = 128
SMOOTHING = 0.9  # of the loss that the progress bar shows


class Measurement(NamedTuple):
    """The accuracies after a number of steps."""

    steps: int
    train: float
    test: float


@dataclass
class History:
    """What happened: the loss of each step, and both accuracies after each epoch (from epoch 0)."""

    steps_per_epoch: int
    losses: list[float] = field(default_factory=list)  # mean cross-entropy of an example
    measured: list[Measurement] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def epochs(self) -> float:
        """Passes through the training data."""
        return len(self.losses) / self.steps_per_epoch


def train(net: Classifier, digits: Digits, epochs: int, seed: int) -> History:
    """Train with Adam for ``epochs`` passes through the data, or until Ctrl-C."""
    one_hot = Helper.one_hot_encoding(digits.y_train, digits.classes)
    adam = Adam(net, digits.x_train, one_hot, batch_size=BATCH_SIZE, seed=seed)
    history = History(steps_per_epoch=max(1, len(digits.x_train) // adam.batch_size))
    start = time.perf_counter()
    try:
        _measure(net, digits, history)
        _steps(net, digits, adam, epochs, history)
    except KeyboardInterrupt:
        history.interrupted = True
    if not history.measured or history.measured[-1].steps != len(history.losses):
        _measure(net, digits, history)
    history.seconds = time.perf_counter() - start
    return history


def _steps(net: Classifier, digits: Digits, adam: Adam, epochs: int, history: History) -> None:
    from tqdm import tqdm

    total = epochs * history.steps_per_epoch
    smooth = 0.0
    with tqdm(total=total, desc="training", unit="step", mininterval=0.2) as bar:
        for step in range(1, total + 1):
            loss = adam.train(steps=1, print_each=0) / adam.batch_size
            history.losses.append(loss)
            smooth = loss if step == 1 else SMOOTHING * smooth + (1 - SMOOTHING) * loss
            bar.set_postfix(loss=f"{smooth:.4f}", refresh=False)
            bar.update()
            if step % history.steps_per_epoch == 0:
                _measure(net, digits, history)


def _measure(net: Classifier, digits: Digits, history: History) -> None:
    """Note both accuracies."""
    train_accuracy = accuracy(net, digits.x_train, digits.y_train)
    test_accuracy = accuracy(net, digits.x_test, digits.y_test)
    history.measured.append(Measurement(len(history.losses), train_accuracy, test_accuracy))
