"""Differentiable programming for the NumPy code you already have."""
