"""What is done where a mask is true is done place by place, without a list of these places.

``a[m] = np.sqrt(a[m])`` is ``a[:] = np.where(m, np.sqrt(a), a)``, a loop with a branch in it that
joins other loops. So is ``v = a[m]`` with ``b[m] += 2 * v``, where nothing else is done with ``v``:
it stands for an array of the shape of the mask.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .. import ir
from ..helpers import unbroadcast
from ..ir import Assign, Block, Call, Dim, Expr, Index, Lit, Stmt, Store, Var
from ..sharing import Sharing
from ..templates import map_template, template_leaves
from ..types import INT, Type
from .code import Fresh, mapped
from .numbers import is_elementwise
from .state import is_axes


def without_places(program: ir.Program, fresh: Fresh) -> ir.Program:
    """Return a program with masked parts of arrays as whole arrays, as far as that can be."""
    if not any(_is_mask(e) for s in ir.statements(program.body) for e in _parts(s)):
        return program
    refused: set[str] = set()
    while True:
        masks = _Masks(program, refused, fresh)
        changed = masks.changed()
        left = masks.names & _mentioned(changed)
        if not left:
            return changed
        refused |= left


def _parts(s: Stmt) -> Iterator[Expr]:
    for expr in ir.expressions(s):
        yield from ir.walk(expr)


def _is_mask(e: Expr) -> bool:
    return is_axes(e.type) and e.type.dtype == np.dtype(bool)


def _mentioned(program: ir.Program) -> set[str]:
    found = {name for s in ir.statements(program.body) for e in ir.expressions(s)
             for name in ir.names_in(e)}  # fmt: skip
    return found | ir.names_in(*(leaf for _, leaf in template_leaves(program.result)))


class _Masks:
    """Rewrites the statements of a program; ``held``: names that stand for masked parts."""

    def __init__(self, program: ir.Program, refused: set[str], fresh: Fresh) -> None:
        self.program = program
        self.refused = refused
        self.fresh = fresh
        self.types = dict(program.types)
        self.held: dict[str, tuple[Expr, Var]] = {}
        self.names: set[str] = set()
        """All names that were held anywhere."""
        self.sharing = Sharing(program.body)

    def changed(self) -> ir.Program:
        """Return the program."""
        body = self.block(self.program.body)
        result = map_template(lambda e: self.summed(e, body), self.program.result)
        return replace(self.program, body=body, result=result, types=self.types)

    def block(self, block: Block) -> Block:
        """Return the statements of a block."""
        out: Block = []
        outside = dict(self.held)
        for k, s in enumerate(block):
            out += self._statement(s, block[k + 1 :])
        self.held = outside
        return out

    def _statement(self, s: Stmt, rest: Block) -> Block:
        before: Block = []
        for name in ir.written(s):
            self.held.pop(name, None)
        match s:
            case Assign(name=name, value=value) if self._may_be_held(name, value):
                masked = self._held(name, value, rest, before)
                if masked is not None:
                    return [*before, masked]
            case Store(index=(mask,)) if covers(mask, s.target.type):
                stored = self._stored(s, mask, before)
                if stored is not None:
                    return [*before, stored]
            case ir.If(then=then, orelse=orelse):
                s = replace(s, then=self.block(then), orelse=self.block(orelse))
            case ir.For(body=body) | ir.While(body=body):
                s = replace(s, body=self.block(body))
        if not s.blocks:
            s = mapped(s, lambda e: self.summed(e, before))
        return [*before, s]

    def summed(self, expr: Expr, before: Block) -> Expr:
        """Return an expression with sums of masked parts as sums of arrays with zeros in them."""
        return ir.rewrite(expr, lambda e: self._summed(e, before))

    def _summed(self, e: Expr, before: Block) -> Expr:
        match e:
            case Call(fn=np.sum | np.mean as fn, args=(part,), kwargs=()) if self._is_part(part):
                whole = self._first_whole(part, before)
                if whole is None:
                    return e
                mask, found = whole
                total = replace(e, fn=np.sum, args=(self._where(mask, found, _zero(found.type)),))
                return total if fn is np.sum else self._mean(total, mask)
            case Dim(base=part, axis=0) if self._is_part(part):
                whole = self._first_whole(part, before)
                return e if whole is None else Call(INT, np.sum, (whole[0],))
        return e

    def _is_part(self, part: Expr) -> bool:
        dtype = part.type.dtype
        return (
            is_axes(part.type) and part.type.ndim == 1 and dtype is not None and dtype.kind == "f"
        )

    def _first_whole(self, part: Expr, before: Block) -> tuple[Expr, Expr] | None:
        """Return the mask of a masked part, and the array that it is a part of."""
        mask = next(self._masks_in(part), None)
        whole = None if mask is None else self._whole(part, mask, before)
        return None if mask is None or whole is None else (mask, whole)

    def _mean(self, total: Expr, mask: Expr) -> Expr:
        """Return a sum divided by how often a mask is true."""
        assert total.type.dtype is not None
        count = Call(replace(total.type, dtype=INT.dtype), np.sum, (mask,))
        number = Call(total.type, total.type.dtype.type, (count,))
        return Call(total.type, np.divide, (total, number))

    # ------------------------------------------------------------------------ names of masked parts

    def _may_be_held(self, name: str, value: Expr) -> bool:
        is_vector = value.type.is_array and value.type.ndim == 1
        return is_vector and name not in self.refused

    def _held(self, name: str, value: Expr, rest: Block, before: Block) -> Assign | None:
        """Return what a name of a masked part stands for, if all its uses are in this block."""
        mask = next(self._masks_in(value), None)
        ends = (k for k, s in enumerate(rest) if name in ir.written(s))
        rest = rest[: next(ends, len(rest)) + 1]
        users = [k for k, s in enumerate(rest) if name in self._reads(s)]
        if mask is None or not users:
            return None
        last = rest[users[-1]]
        between = [t for s in rest[: users[-1]] for t in ir.statements([s])]
        between += ir.statements([last]) if last.blocks else ()
        written = [n for t in between for n in ir.written(t)]
        if name in written or {*map(self.sharing.of, written)} & self._classes(mask):
            return None
        whole = self._whole(value, mask, before)
        if whole is None:
            return None
        found = self._where(mask, whole, _zero(whole.type), value.type)
        new = Var(found.type, self.fresh(name))
        self.types[new.name] = new.type
        self.held[name] = mask, new
        self.names.add(name)
        return Assign(new.name, found)

    def _reads(self, s: Stmt) -> list[str]:
        return [e.name for t in ir.statements([s]) for e in _parts(t) if isinstance(e, Var)]

    def _classes(self, mask: Expr) -> set[str]:
        return {self.sharing.of(name) for name in ir.names_in(mask)}

    def _masks_in(self, value: Expr) -> Iterator[Expr]:
        """Yield the masks that an expression takes parts by."""
        for e in ir.walk(value):
            if isinstance(e, Index) and len(e.index) == 1 and covers(e.index[0], e.base.type):
                yield e.index[0]
            elif isinstance(e, Var) and e.name in self.held:
                yield self.held[e.name][0]

    # ----------------------------------------------------------------------------- whole arrays

    def _whole(self, e: Expr, mask: Expr, before: Block) -> Expr | None:
        """Return the array whose part, where the mask is true, an expression is."""
        if not is_axes(e.type):
            return self._number(e, before)
        match e:
            case Index(base=base, index=(other,)) if other == mask and covers(mask, base.type):
                return base
            case Var(name=name) if name in self.held and self.held[name][0] == mask:
                return self.held[name][1]
            case Call(fn=fn, args=(ct, like)) if fn is unbroadcast:
                a, b = (self._whole(x, mask, before) for x in (ct, like))
                return a if b is not None and ct.type.dtype == like.type.dtype else None
            case Call(fn=np.full_like, args=(like, value), kwargs=()) if not is_axes(value.type):
                is_part = self._whole(like, mask, before) is not None
                is_same = value.type.dtype == e.type.dtype
                return self._number(value, before) if is_part and is_same else None
            case Call(fn=np.zeros_like, args=(like,), kwargs=()):
                return None if self._whole(like, mask, before) is None else _zero(e.type)
            case Call(args=args) if is_elementwise(e) and _is_harmless(e):
                found = [self._whole(arg, mask, before) for arg in args]
                made = tuple(x for x in found if x is not None)
                type_ = replace(e.type, sizes=mask.type.sizes)
                return replace(e, type=type_, args=made) if len(made) == len(args) else None
        return None

    def _number(self, e: Expr, before: Block) -> Expr:
        """Return a number that is computed once, before the loop."""
        if isinstance(e, (Lit, Var)) or e.type.dtype is None:
            return e
        e = self.summed(e, before)
        name = self.fresh("t")
        self.types[name] = e.type
        before.append(Assign(name, e))
        return Var(e.type, name)

    def _where(self, mask: Expr, whole: Expr, other: Expr, like: Type | None = None) -> Expr:
        """Return ``np.where(mask, whole, other)``, in the dtype of an array."""
        dtype = (like or whole.type).dtype
        assert dtype is not None
        type_ = Type("array", dtype, mask.type.sizes)
        if whole.type.dtype != dtype:
            kind = replace(whole.type, dtype=dtype)
            whole = Call(kind, dtype.type, (whole,))
        return Call(type_, np.where, (mask, whole, other))

    # -------------------------------------------------------------------------------- statements

    def _stored(self, s: Store, mask: Expr, before: Block) -> Store | None:
        if not _is_real(s.target.type) or not _is_real(s.value.type):
            return None
        whole = self._whole(s.value, mask, before)
        if whole is None:
            return None
        if s.op is not None:
            type_ = Type("array", s.target.type.dtype, mask.type.sizes)
            whole = Call(type_, getattr(np, s.op), (s.target, whole))
        value = self._where(mask, whole, s.target, s.target.type)
        return replace(s, index=(), value=value, op=None, at=False)


def covers(mask: Expr, type_: Type) -> bool:
    """Tell whether an index is a mask with a truth value for each element."""
    return _is_mask(mask) and mask.type.sizes == type_.sizes


def _is_real(type_: Type) -> bool:
    return type_.dtype is not None and type_.dtype.kind in "biuf"


def _is_harmless(call: Call) -> bool:
    """Tell whether nothing can go wrong where a function is computed without being needed."""
    return call.type.dtype is not None and call.type.dtype.kind in "fb"


def _zero(type_: Type) -> Expr:
    assert type_.dtype is not None
    return Lit(Type("scalar", type_.dtype), type_.dtype.type(0))
