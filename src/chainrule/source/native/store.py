"""Files of machine code in the user's cache folder: signed, bounded in size, safe to share.

A file holds a pickle, which runs what it says. So each file starts with a signature, made with a
key that only this user can read: a file that is damaged, or that someone else wrote, is deleted
unread. Files are written beside their place and then moved there, so that processes that run at the
same time see whole files alone.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FOLDER = "CHAINRULE_CACHE_DIR"
"""Environment variable: where machine code is kept; empty: nowhere."""
LIMIT = "CHAINRULE_CACHE_MB"
"""Environment variable: how many megabytes are kept at most."""

_DEFAULT_MB = 512.0
_SUFFIXES = (".kernel", ".tmp")
_SIGNATURE = 32
_KEY = "secret"


def folder() -> Path | None:
    """Return where machine code is kept: the platform's folder for caches, or as asked for."""
    asked = os.environ.get(FOLDER)
    if asked is not None:
        return Path(asked).absolute() if asked else None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "chainrule"


def limit() -> int:
    """Return how many bytes are kept at most."""
    try:
        megabytes = float(os.environ.get(LIMIT) or _DEFAULT_MB)
    except ValueError:
        _warn(f"{LIMIT}={os.environ[LIMIT]!r} is no number of megabytes")
        megabytes = _DEFAULT_MB
    return int(megabytes * 2**20)


@dataclass(frozen=True)
class Kept:
    """A file of the cache."""

    path: Path
    size: int
    used: float


class Store:
    """The files in one folder. Where it cannot be written or read, nothing is kept."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a file of a name."""
        return self._file(name).exists()

    def load(self, name: str) -> bytes | None:
        """Return what was saved under a name. A file that this user did not sign is deleted."""
        file = self._file(name)
        try:
            found = file.read_bytes()
            key = self._secret()
        except OSError:
            return None
        signature, data = found[:_SIGNATURE], found[_SIGNATURE:]
        if key is None or not hmac.compare_digest(signature, _sign(key, name, data)):
            _warn(f"{file} is damaged or was written by someone else: it is made anew")
            with suppress(OSError):
                file.unlink()
            return None
        with suppress(OSError):
            os.utime(file)  # what was used last is kept longest
        return data

    def save(self, name: str, data: bytes) -> None:
        """Keep data under a name, and delete what was not used for longest if need be."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            key = self._secret() or self._new_secret()
            self._write(self._file(name), _sign(key, name, data) + data)
            self.trim(limit())
        except OSError:  # a folder that cannot be written, a full disk: work goes on without
            return

    def files(self) -> list[Kept]:
        """Return the files that are kept, the one that was used last at the end."""
        with suppress(OSError):
            return sorted(self._found(), key=lambda kept: kept.used)
        return []

    def _found(self) -> Iterator[Kept]:
        for entry in os.scandir(self.path):
            if entry.name.endswith(_SUFFIXES):
                with suppress(FileNotFoundError):  # another process has deleted it
                    status = entry.stat()
                    yield Kept(Path(entry.path), status.st_size, status.st_mtime)

    def trim(self, limit: int) -> int:
        """Delete what was not used for longest, until at most ``limit`` bytes are left."""
        files = self.files()
        size, deleted = sum(kept.size for kept in files), 0
        for kept in files:
            if size <= limit:
                break
            with suppress(OSError):
                kept.path.unlink()
                deleted += 1
            size -= kept.size
        return deleted

    def clear(self) -> int:
        """Delete all files; return how many there were."""
        return self.trim(-1)

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.kernel"

    def _secret(self) -> bytes | None:
        """Return the user's key; None where there is none that only the user can read."""
        file = self.path / _KEY
        try:
            with file.open("rb") as opened:
                status = os.fstat(opened.fileno())
                key = opened.read()
        except FileNotFoundError:
            return None
        if os.name == "posix":
            shared = stat.S_IMODE(status.st_mode) & 0o077
            if shared or status.st_uid != os.getuid():
                raise PermissionError(f"{file} can be read by others")
        return key if len(key) == _SIGNATURE else None

    def _new_secret(self) -> bytes:
        """Make a key, unless another process has just made one."""
        with suppress(OSError):
            (self.path / _KEY).unlink()
        self._write(self.path / _KEY, secrets.token_bytes(_SIGNATURE), once=True)
        key = self._secret()
        if key is None:
            raise OSError(f"{self.path / _KEY} cannot be made")
        return key

    def _write(self, file: Path, data: bytes, once: bool = False) -> None:
        """Write a file in one step; ``once``: unless there is one."""
        number, name = tempfile.mkstemp(".tmp", dir=self.path)  # for the user's eyes alone
        try:
            with os.fdopen(number, "wb") as opened:
                opened.write(data)
            if not once:
                os.replace(name, file)
                return
            with suppress(FileExistsError):
                os.link(name, file)
        finally:
            with suppress(OSError):
                os.unlink(name)


def _sign(key: bytes, name: str, data: bytes) -> bytes:
    return hmac.digest(key, name.encode() + b"\n" + data, "sha256")


def _warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=2)


def store() -> Store | None:
    """Return the store in use."""
    path = folder()
    return None if path is None else Store(path)
