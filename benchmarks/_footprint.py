"""What having a library costs before it computes anything: import time and installed size."""

import atexit
import functools
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks._contenders import SUBJECT

CLOCKED_IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def import_seconds(modules: list[str], rounds: int) -> dict[str, float]:
    """The median time that importing each module takes in a fresh interpreter, interleaved.

    The interpreter's own start is not counted; NumPy, where a module imports it, is.
    """
    times: dict[str, list[float]] = {module: [] for module in modules}
    for turn in range(rounds + 1):
        for module in modules:
            seconds = _import_once(module)
            if turn:  # the first round writes byte code and fills the disk cache
                times[module].append(seconds)
    return {module: statistics.median(values) for module, values in times.items()}


def _import_once(module: str) -> float:
    """Import with byte code at hand, as an installed package has it, also for a source tree."""
    command = [sys.executable, "-c", CLOCKED_IMPORT.format(module)]
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": _byte_code_folder()}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return float(json.loads(run.stdout))


@functools.cache
def _byte_code_folder() -> str:
    folder = tempfile.mkdtemp(prefix="byte-code-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def installed_bytes(name: str) -> int:
    """The size of a library and of what it requires beyond NumPy, byte code left out."""
    wanted, seen, total = [name], {"numpy"}, 0
    while wanted:
        current = wanted.pop()
        key = re.sub(r"[-_.]+", "-", current).lower()
        if key in seen:
            continue
        seen.add(key)
        total += _own_bytes(current)
        wanted += _required(current)
    return total


def _own_bytes(name: str) -> int:
    if name == SUBJECT:  # may run from its source tree
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.origin is not None
        files = [path for path in Path(spec.origin).parent.rglob("*") if path.is_file()]
    else:
        listed = importlib.metadata.files(name) or []
        files = [Path(str(path.locate())) for path in listed]
    kept = (path for path in files if path.suffix != ".pyc" and path.is_file())
    return sum(path.stat().st_size for path in kept)


def _required(name: str) -> list[str]:
    """The installed distributions that it cannot do without."""
    try:
        lines = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    names = []
    for line in lines:
        match = re.match(r"[A-Za-z0-9._-]+", line)
        if match and "extra ==" not in line and _is_installed(match.group()):
            names.append(match.group())
    return names


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
