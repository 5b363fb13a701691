"""The rule table: derivative rules as plain NumPy code."""


def load() -> None:
    """Fill ``_core.TABLE``; done when a rule is first looked up, not when chainrule is imported."""
    from . import (  # noqa: F401 - importing a module enters its rules
        calculus,
        complex,
        constants,
        counting,
        creation,
        elementwise,
        guarded,
        indexing,
        joining,
        linalg,
        norms,
        products,
        reductions,
        selection,
        shape,
        singular,
        sorting,
        statistics,
    )
