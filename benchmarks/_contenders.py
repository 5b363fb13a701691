"""Who is compared, which of them can be imported here, and in which versions."""

import importlib
import importlib.metadata
from dataclasses import dataclass

REFERENCE = "hand"
SUBJECT = "chainrule"
PEERS = ("torch", "jax", "autograd", "advect", "mygrad")
NAMES = (REFERENCE, SUBJECT, *PEERS)


@dataclass(frozen=True)
class Available:
    """The contenders that can run here with their versions, the others with the reason."""

    versions: dict[str, str]
    missing: dict[str, str]


def find(names: tuple[str, ...] = (SUBJECT, *PEERS)) -> Available:
    """Import every contender; what fails to import is reported by name and not run."""
    versions, missing = {}, {}
    for name in names:
        try:
            module = importlib.import_module(name)
        except Exception as error:  # a broken installation raises anything; it is shown, not hidden
            missing[name] = f"{type(error).__name__}: {error}"
            continue
        versions[name] = _version(name, module)
    _settle(versions)
    return Available(versions, missing)


def _version(name: str, module: object) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:  # found on PYTHONPATH, not installed
        return str(getattr(module, "__version__", "source tree"))


def _settle(versions: dict[str, str]) -> None:
    """The settings that a library takes only through its own functions."""
    if "torch" in versions:
        import torch

        torch.set_num_threads(1)
    if "jax" in versions:
        import jax

        jax.config.update("jax_enable_x64", True)
