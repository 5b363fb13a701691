"""The functional API: derivatives of functions, as functions.

Every transform runs the given function once, on traced values.
"""

from ._engines import engine, which_engine
from .check import check_grads
from .control import checkpoint, checkpointed, primitive, stop_gradient
from .diagnose import explain_nan, why_zero
from .first_order import grad, jvp, linearize, value_and_grad, vjp
from .jacobians import hessian, hvp, jacfwd, jacobian, jacrev
from .kinks import strict_kinks
from .programs import compile

__all__ = [
    "check_grads",
    "checkpoint",
    "checkpointed",
    "compile",
    "engine",
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
