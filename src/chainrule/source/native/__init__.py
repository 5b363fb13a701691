"""The Numba backend: programs as loops over numbers, compiled to machine code.

A program of the source engine states array operations. ``lowering`` writes them as loops, ``fusion``
joins neighbouring loops and keeps what passes between them in registers, ``writer`` prints the
result as Python that Numba compiles, and ``kernel`` runs it.
"""
