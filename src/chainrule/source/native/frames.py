"""How Numba writes a kernel as LLVM's instructions, in a quarter as many.

Numba takes an array apart field by field where one is wanted, clears each number that is not needed
any more, and compares all of a tuple to get at a part. LLVM cleans that up in the end, but most of
the time that it takes for a kernel with its loops in ``regions`` would be spent on it.
"""

# mypy: ignore-errors
from __future__ import annotations

from numba import types
from numba.core.lowering import Lower

_INFO = types.MemInfoPointer(types.voidptr)


def field_of(context, builder, type_, value, name):
    """Return a field of an array that is in registers."""
    return builder.extract_value(value, context.data_model_manager[type_].get_field_position(name))


class KernelLower(Lower):
    """Numba's lowering; sizes, parts of tuples and counts of references in a few instructions."""

    def lower_expr(self, resty, expr):
        """Write an expression."""
        if expr.op in ("getattr", "static_getitem"):
            type_ = self.typeof(expr.value.name)
            if expr.op == "getattr" and expr.attr == "shape" and isinstance(type_, types.Array):
                value = self.loadvar(expr.value.name)
                return field_of(self.context, self.builder, type_, value, "shape")
            if expr.op == "static_getitem" and _is_part(type_, expr.index):
                value = self.builder.extract_value(self.loadvar(expr.value.name), expr.index)
                value = self.context.cast(self.builder, value, type_[expr.index], resty)
                self.incref(resty, value)
                return value
        return super().lower_expr(resty, expr)

    def incref(self, typ, val):
        """Count a reference."""
        super().incref(*self._counted(typ, val))

    def decref(self, typ, val):
        """Take back the count of a reference."""
        super().decref(*self._counted(typ, val))

    def delvar(self, name):
        """Forget a variable: what holds no memory stays as it is."""
        model = self.context.data_model_manager[self.typeof(name)]
        if name in self._singly_assigned_vars or model.contains_nrt_meminfo():
            super().delvar(name)

    def _counted(self, typ, val):
        if not isinstance(typ, types.Array):
            return typ, val
        return _INFO, field_of(self.context, self.builder, typ, val, "meminfo")


def _is_part(type_, index):
    return isinstance(type_, types.BaseTuple) and isinstance(index, int) and index >= 0
