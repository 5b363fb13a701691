"""The demo's data: the split, and one clear line for whatever is wrong with a file."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from chainrule.demo.data import DataError, load

RNG = np.random.default_rng(0)


def save(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


def test_mnist5k_has_4000_and_1000_pictures():
    digits = load("mnist5k", seed=0)
    assert digits.x_train.shape == (4000, 784)
    assert digits.x_test.shape == (1000, 784)
    assert digits.classes == 10
    assert digits.picture == (28, 28)
    assert digits.x_train.min() == 0
    assert digits.x_train.max() == 1
    assert np.bincount(digits.y_test, minlength=10).min() > 60  # every digit is tested


def test_the_split_depends_on_the_seed_alone_and_is_disjoint():
    one, same, other = load("digits", 1), load("digits", 1), load("digits", 2)
    assert np.array_equal(one.x_test, same.x_test)
    assert not np.array_equal(one.x_test, other.x_test)
    assert len(one.x_train) + len(one.x_test) == 1797
    train = {row.tobytes() for row in one.x_train}
    assert not train & {row.tobytes() for row in one.x_test}


@pytest.mark.parametrize("shape", [(20, 12), (20, 3, 4)])
def test_an_npz_file_is_read_and_scaled(tmp_path, shape):
    x = RNG.integers(0, 256, shape)
    y = np.arange(20) % 3
    digits = load(save(tmp_path / "own.npz", x=x, y=y), seed=0)
    assert digits.name == "own.npz"
    assert digits.classes == 3
    assert digits.x_train.shape == (16, 12)
    assert digits.picture == ((3, 4) if len(shape) == 3 else None)
    assert np.allclose(
        np.sort(np.concatenate([digits.x_train, digits.x_test]).ravel() * x.max()),
        np.sort(x.ravel()),
    )


def test_black_pictures_are_not_divided_by_zero(tmp_path):
    path = save(tmp_path / "black.npz", x=np.zeros((10, 4)), y=np.arange(10) % 2)
    assert np.all(load(path, 0).x_train == 0)


GOOD = {"x": RNG.random((20, 4)), "y": np.arange(20) % 2}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": RNG.random((19, 4))}, r"not \(19, 4\) and \(20,\)"),
        ({"x": RNG.random(20)}, "pixels"),
        ({"y": GOOD["y"][:, None]}, r"y \(n,\)"),
        ({"x": np.full((20, 4), np.nan)}, "finite"),
        ({"x": np.full((20, 4), "a")}, "finite numbers"),
        ({"x": RNG.random((20, 0))}, "too little"),
        ({"x": RNG.random((5, 4)), "y": np.arange(5)}, "too little"),
        ({"y": GOOD["y"] + 0.5}, "class numbers"),
        ({"y": GOOD["y"] - 1}, "class numbers"),
        ({"y": np.full(20, "a")}, "class numbers"),
        ({"y": np.full(20, np.nan)}, "class numbers"),
        ({"y": np.zeros(20, int)}, "two classes"),
        ({"y": np.full(20, 7)}, "two classes"),
        ({"x": np.array([{}] * 20, dtype=object)}, "cannot be read"),
    ],
)
def test_malformed_arrays_are_refused_in_one_line(tmp_path, change, message):
    path = save(tmp_path / "bad.npz", **{**GOOD, **change})
    with pytest.raises(DataError, match=message) as caught:
        load(path, seed=0)
    assert "\n" not in str(caught.value)


def test_missing_and_broken_files_are_refused_in_one_line(tmp_path):
    text = tmp_path / "text.npz"
    text.write_text("no arrays")
    empty = tmp_path / "empty.npz"
    empty.write_bytes(b"")
    cut = tmp_path / "cut.npz"
    cut.write_bytes(Path(save(tmp_path / "whole.npz", **GOOD)).read_bytes()[:300])
    single = tmp_path / "single.npz"
    with single.open("wb") as file:
        np.save(file, GOOD["x"])
    damaged = tmp_path / "damaged.npz"
    np.savez_compressed(damaged, x=RNG.random((20, 9)), y=GOOD["y"])
    bytes_ = bytearray(damaged.read_bytes())
    bytes_[100:300] = bytes(200)
    damaged.write_bytes(bytes_)
    other = tmp_path / "other.npz"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("x", "text")
        archive.writestr("y", "text")
    for source, message in [
        (str(damaged), "cannot be read"),
        (str(other), "x must be"),
        (str(tmp_path / "none.npz"), "no file"),
        (str(tmp_path), "unknown data"),
        ("mnist", "unknown data 'mnist'"),
        (str(text), "no .npz file"),
        (str(empty), "no .npz file"),
        (str(cut), "no .npz file"),
        (str(single), "no .npz file"),
        (save(tmp_path / "z.npz", z=GOOD["x"]), "no array x and no array y; it has: z"),
        (save(tmp_path / "x.npz", x=GOOD["x"]), "no array y; it has: x"),
    ]:
        with pytest.raises(DataError, match=message) as caught:
            load(source, seed=0)
        assert "\n" not in str(caught.value)
