"""The guarded product as a primitive of its own, so that its contract holds at every order."""

from __future__ import annotations

from typing import Any

from ._central import plain_guarded_product, product
from ._forms import explicit


@explicit(plain_guarded_product, args=("z", "slope"), name="guarded_product")
def guarded_product(t: Any, y: Any, z: Any, slope: Any) -> Any:
    """Tangent of z * slope, where z = 0 wins over any slope."""
    dz, dslope = t
    terms = []
    if dz is not None:
        terms.append(product(dz, slope))
    if dslope is not None:
        terms.append(product(z, dslope))
    return sum(terms[1:], terms[0])


@guarded_product.vjp
def guarded_product_vjp(ct: Any, y: Any, z: Any, slope: Any) -> Any:
    """Cotangents of z and slope."""
    return product(ct, slope), product(z, ct)
