"""Machine code on disk: what the next process finds, and what it refuses to read."""

import os
import pickle
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest

import chainrule as cr
from chainrule.__main__ import main
from chainrule.source.native.store import FOLDER, LIMIT, Store, folder

pytest.importorskip("numba")


def cubes(x):
    return np.sum(x**3)


def gradient():
    """Return the gradient of a Program that was not compiled before."""
    return cr.grad(cr.compile(cubes, backend="numba"))


X = np.array([1.0, 2.0, -3.0])
SLOPES = 3 * X**2


@pytest.fixture
def where(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "kept"))
    return Store(tmp_path / "kept")


def test_compiled_code_is_kept_and_used(where, monkeypatch):
    np.testing.assert_allclose(gradient()(X), SLOPES)
    files = where.files()
    assert files
    monkeypatch.setattr("numba.core.compiler.compile_extra", None)  # nothing may be compiled
    np.testing.assert_allclose(gradient()(X), SLOPES)
    assert len(where.files()) == len(files)


def test_only_the_user_can_read_the_key(where):
    where.save("name", b"data")
    if os.name == "posix":
        assert (where.path / "secret").stat().st_mode & 0o777 == 0o600
    assert where.load("name") == b"data"
    assert where.load("other") is None


class Trap:
    """Tells when it is unpickled."""

    sprung = False

    def __reduce__(self):
        return setattr, (Trap, "sprung", True)


def damaged(data):
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    "change",
    [damaged, lambda data: data[:20], lambda data: b"", lambda data: pickle.dumps(Trap())],
    ids=["one bit", "cut off", "empty", "foreign"],
)
def test_a_damaged_or_foreign_file_is_deleted_unread_and_made_anew(where, change):
    gradient()(X)
    for file in where.files():
        file.path.write_bytes(change(file.path.read_bytes()))
    with pytest.warns(RuntimeWarning, match="damaged or was written by someone else"):
        np.testing.assert_allclose(gradient()(X), SLOPES)
    assert not Trap.sprung
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(gradient()(X), SLOPES)


def test_a_file_under_another_name_is_foreign(where):
    where.save("one", b"data")
    (where.path / "one.kernel").rename(where.path / "two.kernel")
    with pytest.warns(RuntimeWarning, match="damaged"):
        assert where.load("two") is None
    assert where.files() == []


@pytest.mark.skipif(os.name != "posix", reason="modes of files are those of POSIX")
def test_a_key_that_others_can_read_is_no_key(where):
    where.save("name", b"data")
    (where.path / "secret").chmod(0o644)
    assert where.load("name") is None
    where.save("new", b"data")
    assert not (where.path / "new.kernel").exists()


def test_without_a_folder_everything_works(monkeypatch, tmp_path):
    monkeypatch.setenv(FOLDER, "")
    assert folder() is None
    np.testing.assert_allclose(gradient()(X), SLOPES)
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv(FOLDER, str(blocked / "inside"))
    np.testing.assert_allclose(gradient()(X), SLOPES)
    assert Store(blocked / "inside").files() == []


def test_what_was_not_used_for_longest_is_deleted(where, monkeypatch):
    monkeypatch.setenv(LIMIT, str(2500 / 2**20))
    for k, name in enumerate(["first", "second", "third"]):
        where.save(name, bytes(700))
        os.utime(where.path / f"{name}.kernel", (k, k))
    assert where.load("first") == bytes(700)  # used just now
    where.save("fourth", bytes(700))
    assert {file.path.stem for file in where.files()} == {"third", "first", "fourth"}


def test_a_limit_that_is_no_number_is_named(where, monkeypatch):
    monkeypatch.setenv(LIMIT, "much")
    with pytest.warns(RuntimeWarning, match="CHAINRULE_CACHE_MB='much'"):
        where.save("name", b"data")
    assert where.load("name") == b"data"


def test_the_folder_of_the_platform(monkeypatch, tmp_path):
    monkeypatch.delenv(FOLDER, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert folder() == tmp_path / "chainrule"
    monkeypatch.setattr("sys.platform", "win32")
    assert folder() == tmp_path / "chainrule"
    monkeypatch.setattr("sys.platform", "darwin")
    assert folder().parts[-3:] == ("Library", "Caches", "chainrule")


PROCESS = """
    import sys
    import numpy as np
    import chainrule as cr

    def f(x):
        return np.sum(np.sin(x) * x)

    x = np.linspace(0.0, 1.0, 5)
    found = cr.grad(cr.compile(f, backend="numba"))(x)
    assert np.allclose(found, np.cos(x) * x + np.sin(x))
    print("numba.np.arrayobj" in sys.modules)  # part of what compiling needs
    print("chainrule.source.native.lowering" in sys.modules)  # and of what comes before
"""


def test_processes_that_start_together_share_one_folder(where, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(PROCESS))

    def started():
        return subprocess.Popen(
            [sys.executable, "-W", "error", str(script)], stdout=subprocess.PIPE, text=True
        )

    together = [started(), started()]
    outputs = [process.communicate(timeout=240)[0] for process in together]
    assert [process.returncode for process in together] == [0, 0]
    assert "True" in outputs[0] + outputs[1]
    later = started()
    assert later.communicate(timeout=240)[0].split() == ["False", "False"]
    assert later.returncode == 0
    assert not [file for file in where.files() if file.path.suffix == ".tmp"]


def test_the_command(where, monkeypatch, capsys):
    where.save("name", bytes(2**20))
    assert main(["cache"]) == 0
    assert f"{where.path}: 1 files, 1.0 MB of at most 512" in capsys.readouterr().out
    assert main(["cache", "--clear"]) == 0
    assert "1 deleted" in capsys.readouterr().out
    assert where.files() == []
    monkeypatch.setenv(FOLDER, "")
    assert main(["cache"]) == 0
    assert "not kept" in capsys.readouterr().out


def gated(x):
    return np.sum(x * np.heaviside(x, 0.5))


def test_a_kernel_of_which_the_interpreter_runs_a_part(where):
    for _ in range(2):
        program = cr.compile(gated, backend="numba")
        np.testing.assert_allclose(program(X), 3.0)
        np.testing.assert_allclose(cr.grad(program)(X), [1.0, 1.0, 0.0])
        assert "by Python" in program.explain()
