"""``chainrule demo``: its options, and what it does with them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from .data import INSTALL, DataError, load

EPOCHS = 12
STOPPED = 130  # the exit status of a command that Ctrl-C ended
MISUSED = 2


def add_parser(commands: Any) -> None:
    """Add ``demo`` to the subcommands of the command line."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "demo",
        help="train a network on handwritten digits and write a report",
        description="Train a network on handwritten digits, check its gradient against finite "
        "differences, and write DIR/report.html. Ctrl-C ends the training early and keeps what is "
        "done.",
    )
    parser.add_argument(
        "--data",
        default="mnist5k",
        metavar="mnist5k|digits|PATH.npz",
        help="5,000 MNIST images (28 x 28), scikit-learn's 1,797 digits (8 x 8), or a file with "
        "arrays x (n, pixels) or (n, height, width) and y (n,) with classes 0, 1, ... "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--epochs",
        type=_positive,
        default=EPOCHS,
        metavar="N",
        help="passes through the training data (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=_seed,
        default=0,
        metavar="S",
        help="of the split, the first weights and the batches (default: %(default)s)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("demo"), metavar="DIR", help="default: %(default)s"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the demo; return the exit status."""
    try:
        digits = load(options.data, options.seed)
        options.out.mkdir(parents=True, exist_ok=True)
        return _train_and_report(digits, options)
    except DataError as error:
        return _fail(str(error), MISUSED)
    except ImportError as error:
        return _fail(f"{error}; {INSTALL}", MISUSED)
    except OSError as error:
        return _fail(f"cannot write to {options.out}: {error.strerror or error}", MISUSED)
    except KeyboardInterrupt:
        return _fail("stopped before the report was written", STOPPED)


def _train_and_report(digits: Any, options: argparse.Namespace) -> int:
    # Imported here, so that --help and a wrong file name need neither NumPy code nor matplotlib.
    from . import report
    from .gradient_check import compare
    from .network import Classifier
    from .training import train

    inputs = digits.x_train.shape[1]
    print(
        f"{digits.name}: {len(digits.x_train)} examples for training, {len(digits.x_test)} for "
        f"testing; network {inputs}-500-200-{digits.classes}"
    )
    net = Classifier(inputs, digits.classes, options.seed)
    history = train(net, digits, options.epochs, options.seed)
    if history.interrupted:
        print(f"stopped after {len(history.losses)} steps; reporting what is done so far")
    results = report.Results(net, digits, history, compare(net, digits, options.seed), options.seed)
    print(f"test accuracy   {results.accuracy:.4f}")
    print(
        f"gradient check  relative error {results.largest_error:.1e} at most, "
        f"at {len(results.comparisons)} weights against finite differences"
    )
    _write(results, options.out, report.html(results))
    return STOPPED if history.interrupted else 0


def _write(results: Any, out: Path, page: str) -> None:
    np.savez_compressed(out / "weights.npz", **results.net.get_param())
    (out / "report.html").write_text(page, encoding="utf-8")
    print(f"report          {out / 'report.html'}")
    print(f"weights         {out / 'weights.npz'}")


def _fail(message: str, status: int) -> int:
    print(f"chainrule demo: {message}", file=sys.stderr)
    return status


def _positive(text: str) -> int:
    return _whole_number(text, 1)


def _seed(text: str) -> int:
    return _whole_number(text, 0)


def _whole_number(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if number < least:
        raise argparse.ArgumentTypeError(f"{text} is below {least}")
    return number
