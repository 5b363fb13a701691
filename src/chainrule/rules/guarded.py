"""The guarded product as a primitive of its own, so that its contract holds at every order."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._central import plain_guarded_product, product, total
from ._forms import explicit


@explicit(plain_guarded_product, args=("z", "slope"), name="guarded_product")
def guarded_product(t: Any, y: Any, z: Any, slope: Any) -> Any:
    """Tangent of z * slope, where z = 0 wins over any slope."""
    dz, dslope = t
    terms = []
    if dz is not None:
        terms.append(product(dz, slope))
    if dslope is not None:
        terms.append(mutual_product(z, dslope))
    return total(terms)


@guarded_product.vjp
def guarded_product_vjp(ct: Any, y: Any, z: Any, slope: Any) -> Any:
    """Cotangents of z and slope."""
    return product(ct, slope), mutual_product(z, ct)


def _mutual_product(a: Any, b: Any) -> Any:
    """Multiply plain values; a zero of either wins over an infinite or NaN other."""
    return np.where(np.equal(b, 0), 0, plain_guarded_product(a, b))[()]


@explicit(_mutual_product, args=("a", "b"), name="mutual_product")
def mutual_product(t: Any, y: Any, a: Any, b: Any) -> Any:
    """Tangent of a * b, of which the one is a (co)tangent and the other the slope's."""
    da, db = t
    terms = []
    if da is not None:
        terms.append(mutual_product(da, b))
    if db is not None:
        terms.append(mutual_product(a, db))
    return total(terms)


@mutual_product.vjp
def mutual_product_vjp(ct: Any, y: Any, a: Any, b: Any) -> Any:
    """Cotangents of a and b."""
    return mutual_product(ct, b), mutual_product(ct, a)
