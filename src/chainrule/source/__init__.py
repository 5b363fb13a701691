"""The source engine: a function in, its derivative as a readable program out.

Nothing is imported here: the scan that chooses an engine needs little of it, and is often all that
is needed.
"""
