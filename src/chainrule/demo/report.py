"""The report: one HTML file that holds its pictures."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from . import figures
from .data import Digits
from .gradient_check import Comparison
from .network import Classifier
from .training import History
from .vanishing import ACTIVATIONS, EXAMPLES, LAYERS, WIDTH, gradient_sizes

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.2rem; margin-top: 2.4rem; }
table { border-collapse: collapse; margin: 1rem 0; }
td, th { border-bottom: 1px solid #e4e4e4; padding: .25rem 1.2rem .25rem 0; text-align: left; }
td.number, th.number { font-variant-numeric: tabular-nums; text-align: right; }
img, svg { max-width: 100%; height: auto; }
p.note { color: #666; font-size: .9rem; }
"""


@dataclass(frozen=True)
class Results:
    """What a run of the demo has found."""

    net: Classifier
    digits: Digits
    history: History
    comparisons: Sequence[Comparison]
    seed: int

    @property
    def accuracy(self) -> float:
        """The share of the test pictures that are recognized."""
        return self.history.measured[-1].test

    @property
    def largest_error(self) -> float:
        """The largest relative error of the gradient's comparison."""
        return max(c.relative_error for c in self.comparisons)


def html(results: Results) -> str:
    """Write the report."""
    digits = results.digits
    probabilities = results.net.forward(digits.x_test).value
    predicted = np.argmax(probabilities, axis=1)
    sizes = {name: gradient_sizes(digits, name, results.seed) for name in ACTIVATIONS}
    sections = [
        "<h1>A network learns to read digits</h1>",
        _facts(results),
        _section("Training", figures.curves(results.history), CURVES),
        _section("What it sees", figures.samples(digits, probabilities), SAMPLES),
        _section(
            "What it confuses",
            figures.confusion(digits.y_test, predicted, digits.classes),
            CONFUSED,
        ),
        _section("The computational graph of one layer with cost", figures.small_graph(), GRAPH),
        _section("The vanishing gradient", figures.vanishing(sizes), VANISHING),
        _section("Is the gradient right?", _comparison_table(results.comparisons), CHECK),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>chainrule: digits</title><style>{STYLE}</style></head>\n"
        f"<body>{''.join(sections)}</body></html>\n"
    )


CURVES = "Cross-entropy of the training batches, and the share of digits that are recognized."
SAMPLES = (
    "Pictures that were not used in training, with the prediction and its probability, red where "
    "it is wrong; first those that come first, then up to ten more mistakes."
)
CONFUSED = "Test pictures by true class (rows) and predicted class (columns)."
GRAPH = (
    "Two examples x of three numbers, weights W, biases b, one-hot labels y: softmax(x · W + b), "
    "and the cross-entropy −Σ y log. The backward walk goes through this graph from right to left."
)
VANISHING = (
    f"Sum of |dW| over the weights of each layer, for {EXAMPLES} examples, in an untrained network "
    f"with {LAYERS} layers, {WIDTH} neurons in each hidden one. The slope of the sigmoid is at "
    "most 1/4, so that little of the gradient reaches the first layers; with ReLU and weights of "
    "He's size it arrives undiminished. (The first layer has more weights than the others, the "
    "last one fewer; the layers between have the same number.)"
)
CHECK = (
    "The gradient of the trained network's loss at a few weights, beside the finite difference "
    "(f(w + h) − f(w − h)) / 2h."
)


def _section(title: str, content: str, note: str) -> str:
    return f'<h2>{title}</h2>\n{content}\n<p class="note">{note}</p>\n'


def _facts(results: Results) -> str:
    digits, history = results.digits, results.history
    layers = f"{digits.x_train.shape[1]} – 500 – 200 – {digits.classes}"
    epochs = f"{history.epochs:.4g} ({len(history.losses)} steps, {history.seconds:.1f} s)"
    if history.interrupted:
        epochs += ", stopped by Ctrl-C"
    rows = {
        "Test accuracy": f"<b>{100 * results.accuracy:.1f} %</b>",
        "Data": f"{escape(digits.name)}: {len(digits.x_train)} for training, "
        f"{len(digits.x_test)} for testing",
        "Network": f"{layers}, two ReLU layers, a linear layer, softmax",
        "Epochs": epochs,
        "Gradient": f"relative error {results.largest_error:.1e} against finite differences",
        "Seed": str(results.seed),
        "Computed with": f"Python {platform.python_version()}, NumPy {np.__version__}",
    }
    cells = "".join(f"<tr><th>{name}</th><td>{text}</td></tr>" for name, text in rows.items())
    return f"<table>{cells}</table>"


def _comparison_table(comparisons: Sequence[Comparison]) -> str:
    head = (
        "<tr><th>weight</th><th class='number'>gradient</th>"
        "<th class='number'>finite difference</th><th class='number'>relative error</th></tr>"
    )
    rows = "".join(
        f"<tr><td>{escape(c.weight)}</td><td class='number'>{c.gradient:.8f}</td>"
        f"<td class='number'>{c.difference:.8f}</td>"
        f"<td class='number'>{c.relative_error:.1e}</td></tr>"
        for c in comparisons
    )
    return f"<table>{head}{rows}</table>"
