"""Functions that are linear over the real numbers only: absolute value, sign, parts, angle, casts.

They are not holomorphic, so no single partial stands for them. Linear and explicit rules give their
adjoint under <a, b> = sum(Re(conj(a) * b)); the forms conjugate what goes in and what comes out.
"""

from __future__ import annotations

import numpy as np

from .._core import plain
from ..errors import UnsupportedError
from ._forms import composite, elementwise, explicit, linear

# ---------------------------------------------------------------------------- parts


@linear(np.conjugate)
def conjugate(ct, a):
    return np.conjugate(ct)


@linear(np.real)
def real(ct, val):
    return ct


def _imaginary_part(val):
    return np.imag(val)


@linear(_imaginary_part)
def imaginary_part(ct, val):
    return -1j * ct


@composite(np.imag)
def imag(val):
    return imaginary_part(val) if np.iscomplexobj(val) else np.imag(plain(val))


@composite(np.real_if_close)
def real_if_close(a, tol=100):
    closed = np.real_if_close(plain(a), tol)
    return np.real(a) if np.iscomplexobj(a) and not np.iscomplexobj(closed) else a


# ---------------------------------------------------------------------------- modulus and phase


@explicit(np.absolute, kinks={"a == 0": "0"})
def absolute(t, y, a):
    return np.real(np.conjugate(t) * np.sign(a))


@absolute.vjp
def absolute_vjp(ct, y, a):
    return ct * np.conjugate(np.sign(a))


def _phase(a):
    return np.sign(a)


@explicit(_phase, kinks={"a == 0": "0"})
def phase(t, y, a):
    """Tangent of y = a / |a|: the part of t across a, turned and divided by |a|."""
    safe = np.where(a == 0, 1, a)
    return 1j * y * np.imag(t / safe)


@phase.vjp
def phase_vjp(ct, y, a):
    safe = np.where(a == 0, 1, a)
    return -1j * np.real(1j * ct * y) / safe


@composite(np.sign, kinks={"a == 0": "0"})
def sign(a):
    return phase(a) if np.iscomplexobj(a) else np.sign(plain(a))


def _argument(z):
    return np.angle(z)


@explicit(_argument, kinks={"z == 0": "0"})
def argument(t, y, z):
    return np.imag(t / np.where(z == 0, np.inf, z))


@argument.vjp
def argument_vjp(ct, y, z):
    return -1j * ct / np.where(z == 0, np.inf, z)


@composite(np.angle, kinks={"z == 0": "0"})
def angle(z, deg=False):
    if not np.iscomplexobj(z):
        return np.angle(plain(z), deg)
    return np.degrees(argument(z)) if deg else argument(z)


# ---------------------------------------------------------------------------- copies and casts


@linear(np.copy)
def copy(ct, a, order="K", subok=False):
    return ct


def _cast(a, dtype):
    return a.astype(dtype)


@linear(_cast, name="astype")
def cast(ct, a, dtype):
    return ct


@composite(np.astype)
def astype(x, dtype, *, copy=True, device=None):
    """Cast; to integers or booleans the result is a plain value, as a piecewise constant one."""
    kind = np.dtype(dtype).kind
    if kind in "fc":
        return cast(x, np.dtype(dtype))
    if kind in "iub":
        return plain(x).astype(dtype)
    raise UnsupportedError(
        f"A traced value cannot be cast to {np.dtype(dtype)}: that has no derivative.",
        "cast the value that stop_gradient returns",
    )


# ---------------------------------------------------------------------------- one slope for all


@elementwise(np.unwrap, args=("p",), kinks={"a jump of half a period": "1"})
def unwrap(y, p, discont=None, axis=-1, *, period=2 * np.pi):
    return 1


def _nan_to_num(x, nan, posinf, neginf):
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


@elementwise(_nan_to_num, args=("x",), kinks={"~isfinite(x)": "0"})
def finite(y, x, nan, posinf, neginf):
    return np.isfinite(x)


@composite(np.nan_to_num, kinks={"~isfinite(x)": "0"})
def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    if not copy:
        raise UnsupportedError(
            "nan_to_num(..., copy=False) would change a traced value in place.",
            "assign the copy: x = np.nan_to_num(x)",
        )
    return finite(x, nan, posinf, neginf)
