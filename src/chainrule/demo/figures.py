"""The pictures of the report. Each function returns a piece of HTML that needs no other file."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from ..dp import Node
from .data import Array, Digits
from .training import History

matplotlib.use("Agg")

BLUE, ORANGE, GREY, RED, GREEN = "#3b76af", "#d98324", "#9a9a9a", "#c43c39", "#4c9a5b"
MOST_CELLS = 20  # classes of a confusion matrix up to which its cells are labelled


def curves(history: History) -> str:
    """Loss of each step, and accuracy after each epoch, against epochs."""
    figure = Figure(figsize=(9.2, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = np.arange(1, len(history.losses) + 1) / history.steps_per_epoch
    left.plot(epochs, history.losses, color=BLUE, alpha=0.35, linewidth=0.9, label="each batch")
    left.plot(epochs, _smooth(history.losses), color=BLUE, linewidth=2, label="smoothed")
    left.set(xlabel="epoch", ylabel="cross-entropy of an example", title="Loss")
    if history.losses:
        left.set_yscale("log")
        left.legend(frameon=False)
    at = [m.steps / history.steps_per_epoch for m in history.measured]
    train = [100 * m.train for m in history.measured]
    test = [100 * m.test for m in history.measured]
    right.plot(at, train, "o-", markersize=3, color=GREY, label="training")
    right.plot(at, test, "o-", markersize=3, color=ORANGE, label=f"test: {test[-1]:.1f} %")
    right.set(xlabel="epoch", ylabel="right, in %", title="Accuracy", ylim=(0, 102))
    right.legend(frameon=False, loc="lower right")
    for axes in (left, right):
        _plain(axes)
    return _image(figure, "Loss and accuracy curves")


def samples(digits: Digits, probabilities: Array) -> str:
    """Test pictures with their predictions: two rows as they come, and one row of mistakes."""
    if digits.picture is None:
        return "<p>The rows of these data are no square pictures.</p>"
    predicted = np.argmax(probabilities, axis=1)
    columns = 10
    first = min(2 * columns, len(predicted))
    wrong = first + np.flatnonzero(predicted[first:] != digits.y_test[first:])
    chosen = [*range(first), *wrong[:columns]]
    rows = -(-len(chosen) // columns)
    figure = Figure(figsize=(9.2, 1.18 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, i in zip(grid.flat, chosen, strict=False):
        axes.imshow(digits.x_test[i].reshape(digits.picture), cmap="gray_r", vmin=0, vmax=1)
        right = predicted[i] == digits.y_test[i]
        text = f"{predicted[i]} ({100 * probabilities[i, predicted[i]]:.0f} %)"
        truth = "" if right else f", is {digits.y_test[i]}"
        axes.set_title(text + truth, fontsize=8, color=GREEN if right else RED, pad=2)
    return _image(figure, "Sample digits with predictions")


def confusion(labels: Array, predicted: Array, classes: int) -> str:
    """Count how often each class was taken for each other one."""
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (labels, predicted), 1)
    figure = Figure(figsize=(5.2, 4.8), layout="constrained")
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="predicted", ylabel="is", title="Confusion matrix")
    if classes <= MOST_CELLS:
        axes.set(xticks=range(classes), yticks=range(classes))
        for i, j in zip(*np.nonzero(counts), strict=True):
            color = "white" if shares[i, j] > 0.5 else RED if i != j else "black"
            axes.text(j, i, counts[i, j], ha="center", va="center", fontsize=8, color=color)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return _image(figure, "Confusion matrix")


def vanishing(sizes: Mapping[str, Sequence[float]]) -> str:
    """Sum of |dW| of each layer, a group of bars for each activation, on a logarithmic scale."""
    figure = Figure(figsize=(9.2, 3.6), layout="constrained")
    axes = figure.subplots()
    colors = (BLUE, ORANGE, GREEN)
    width = 0.8 / len(sizes)
    for k, (activation, values) in enumerate(sizes.items()):
        layers = np.arange(1, len(values) + 1)
        ratio = f"{values[0] / values[-1]:.2g}" if values[-1] else f"{values[0]:.2g} / 0"
        label = f"{activation}: first / last = {ratio}"
        shift = (k - (len(sizes) - 1) / 2) * width
        axes.bar(layers + shift, values, width, color=colors[k % len(colors)], label=label)
    axes.set(xlabel="layer", ylabel="sum of |dW|", yscale="log", xticks=layers)
    axes.set_title("Gradient that arrives at each layer of a 10-layer network")
    figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False
    )
    _plain(axes)
    return _image(figure, "Sum of |dW| for each layer")


def small_graph() -> str:
    """The graph of one layer of two neurons with softmax and cross-entropy."""
    x = Node(np.array([[0.0, 0.5, 1.0], [1.0, 0.5, 0.0]]), "x")
    weight = Node(np.array([[0.1, -0.2], [0.3, 0.1], [-0.1, 0.2]]), "W")
    bias = Node(np.array([[0.0, 0.1]]), "b")
    y = Node(np.array([[1.0, 0.0], [0.0, 1.0]]), "y")
    out = (x.dot(weight) + bias).softmax()
    cost = (-1 * (y * out.log())).sum()
    return cost._repr_svg_() or ""


def _smooth(values: Sequence[float]) -> Array:
    """The geometric mean over the ten values before and after each: a line among the dots."""
    i = np.arange(len(values))
    sums = np.concatenate([[0.0], np.cumsum(np.log(np.maximum(values, 1e-12)))])
    start, end = np.maximum(i - 10, 0), np.minimum(i + 11, len(values))
    means: Array = np.exp((sums[end] - sums[start]) / (end - start))
    return means


def _plain(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)


def _image(figure: Figure, description: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img alt="{description}" src="data:image/png;base64,{data}">'
