"""Differentiable programming for the NumPy code you already have."""

from . import errors
from .transforms import (
    check_grads,
    checkpoint,
    checkpointed,
    compile,
    engine,
    explain_nan,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    linearize,
    primitive,
    stop_gradient,
    strict_kinks,
    value_and_grad,
    vjp,
    which_engine,
    why_zero,
)

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "check_grads",
    "checkpoint",
    "checkpointed",
    "compile",
    "engine",
    "errors",
    "explain_nan",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linearize",
    "primitive",
    "stop_gradient",
    "strict_kinks",
    "value_and_grad",
    "vjp",
    "which_engine",
    "why_zero",
]
