"""What a traced value has in common with an array: attributes, methods, NumPy's protocols.

NumPy hands its functions over through ``__array_ufunc__`` and ``__array_function__``; ``ENTRIES``
says what then happens. Whatever would turn a traced value into a plain one is an error, kept on the
trace too, because NumPy swallows some of them.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from .._core import array_behind, is_array, note_cut, plain
from ..errors import TraceError, UnsupportedError
from .composed import in_order
from .conversions import Guarded
from .dispatch import ENTRIES, LIKE, call_function, call_ufunc, make_like
from .flat import Flat


def _function(name: str) -> Callable[..., Any]:
    """Make the method that calls the NumPy function of the same name."""
    function = getattr(np, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return call_function(function, (self, *args), kwargs)

    method.__name__ = name
    method.__doc__ = f"As ``np.{name}``."
    return method


def _binary(ufunc: Any, reflected: bool = False) -> Callable[[Any, Any], Any]:
    if reflected:
        return lambda self, other: ENTRIES[ufunc](other, self)

    def method(self: Any, other: Any) -> Any:
        return ENTRIES[ufunc](self, other)

    return method


def _in_place(ufunc: Any) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        new = ENTRIES[ufunc](self, other)
        if not is_array(self):  # scalars are immutable: the name is bound to the new one
            return new
        return self.assign(new)

    return method


def _compare(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        note_cut(compare.__name__, (self, other))
        return compare(plain(self), plain(other))

    return method


class ArrayTracer(Guarded):
    """A traced value that behaves as the array that it stands for."""

    __slots__ = ()
    __array_priority__ = 1000.0
    __hash__ = None  # type: ignore[assignment]

    # -- what an engine adds

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError

    def __setitem__(self, index: Any, value: Any) -> None:
        raise NotImplementedError

    def assign(self, new: Any) -> Any:
        """Take a new value of the same shape, in place."""
        raise NotImplementedError

    # -- NumPy's protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            return ENTRIES[ufunc](*inputs)
        return call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in LIKE:
            return make_like(self, func, args, kwargs)
        if not kwargs:
            entry = ENTRIES.get(func)
            if entry is not None:
                return entry(*args)
        return call_function(func, args, kwargs)

    # -- attributes

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        shape: tuple[int, ...] = self.value.shape
        return shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        ndim: int = self.value.ndim
        return ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        size: int = self.value.size
        return size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type, always a floating or complex one."""
        dtype: np.dtype[Any] = self.value.dtype
        return dtype

    @property
    def itemsize(self) -> int:
        """Bytes of an element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self.itemsize

    @property
    def flags(self) -> Any:
        """Memory layout of the value behind."""
        return array_behind(self).flags

    @property
    def strides(self) -> tuple[int, ...]:
        """Strides of the value behind."""
        strides: tuple[int, ...] = array_behind(self).strides
        return strides

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """Transpose."""
        return np.transpose(self)

    @property
    def mT(self) -> Any:  # noqa: N802 - NumPy's name
        """Transpose of the last two axes."""
        return np.swapaxes(self, -1, -2)

    @property
    def real(self) -> Any:
        """Real part."""
        return np.real(self)

    @real.setter
    def real(self, value: Any) -> None:
        np.real(self)[...] = value

    @property
    def imag(self) -> Any:
        """Imaginary part."""
        return np.imag(self)

    @imag.setter
    def imag(self, value: Any) -> None:
        if self.dtype.kind != "c":
            raise TypeError("array does not have imaginary part to set")
        np.imag(self)[...] = value

    @property
    def flat(self) -> Any:
        """Elements in C order, to be read and stored into by their flat index."""
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        self[...] = np.reshape(np.resize(value, self.size), self.shape)

    # -- Python's operators

    __add__, __radd__, __iadd__ = _binary(np.add), _binary(np.add, True), _in_place(np.add)
    __sub__, __rsub__ = _binary(np.subtract), _binary(np.subtract, True)
    __isub__ = _in_place(np.subtract)
    __mul__, __rmul__ = _binary(np.multiply), _binary(np.multiply, True)
    __imul__ = _in_place(np.multiply)
    __truediv__, __rtruediv__ = _binary(np.divide), _binary(np.divide, True)
    __itruediv__ = _in_place(np.divide)
    __pow__, __rpow__, __ipow__ = (
        _binary(np.power),
        _binary(np.power, True),
        _in_place(np.power),
    )
    __matmul__, __rmatmul__ = _binary(np.matmul), _binary(np.matmul, True)
    __imatmul__ = _in_place(np.matmul)
    __mod__, __rmod__ = _binary(np.remainder), _binary(np.remainder, True)
    __imod__ = _in_place(np.remainder)
    __floordiv__, __rfloordiv__ = _binary(np.floor_divide), _binary(np.floor_divide, True)
    __ifloordiv__ = _in_place(np.floor_divide)
    __lt__, __le__ = _compare(operator.lt), _compare(operator.le)
    __gt__, __ge__ = _compare(operator.gt), _compare(operator.ge)
    __eq__, __ne__ = _compare(operator.eq), _compare(operator.ne)

    def __neg__(self) -> Any:
        return ENTRIES[np.negative](self)

    def __pos__(self) -> Any:
        return ENTRIES[np.positive](self)

    def __abs__(self) -> Any:
        return ENTRIES[np.absolute](self)

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    def __round__(self, ndigits: int | None = None) -> Any:
        return round(plain(self), ndigits)

    # -- Python's other protocols

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of a traced scalar")
        if self.ndim > 1:
            self._refuse_shuffle(sys._getframe(1))
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a traced scalar")
        return (self[i] for i in range(self.shape[0]))

    def __contains__(self, item: Any) -> bool:
        return plain(item) in plain(self)

    def __repr__(self) -> str:
        return f"Traced({self._shown(repr)})"

    def __str__(self) -> str:
        return self._shown(str)

    def _shown(self, form: Callable[[Any], str]) -> str:
        """Return the text of the plain value, or a note where it is not known any more."""
        try:
            return form(plain(self))
        except TraceError:
            return "<ended>"

    def __format__(self, spec: str) -> str:
        return format(plain(self), spec)

    def __copy__(self) -> Any:
        return np.copy(self)

    def __deepcopy__(self, memo: Any) -> Any:
        return np.copy(self)

    # -- methods

    sum, prod, mean, var, std = map(_function, ("sum", "prod", "mean", "var", "std"))
    max, min, argmax, argmin = map(_function, ("max", "min", "argmax", "argmin"))
    cumsum, cumprod, any, all = map(_function, ("cumsum", "cumprod", "any", "all"))
    round, clip, ravel, squeeze = map(_function, ("round", "clip", "ravel", "squeeze"))
    swapaxes, diagonal = map(_function, ("swapaxes", "diagonal"))
    trace, repeat, take, choose = map(_function, ("trace", "repeat", "take", "choose"))
    argsort, argpartition, searchsorted = map(
        _function, ("argsort", "argpartition", "searchsorted")
    )
    nonzero, dot, put = map(_function, ("nonzero", "dot", "put"))

    def conj(self) -> Any:
        """Complex conjugate; of real numbers the array itself, as NumPy's method has it."""
        return np.conjugate(self) if self.dtype.kind == "c" else self

    conjugate = conj

    def compress(self, condition: Any, axis: Any = None) -> Any:
        """Select the slices where the condition holds."""
        return np.compress(condition, self, axis=axis)

    def copy(self, order: Any = "C") -> Any:
        """Copy, as ``np.copy``."""
        return np.copy(self, order=order) if is_array(self) else self

    def reshape(self, *shape: Any, order: Any = "C") -> Any:
        """Reshape; the new shape as one tuple or as several integers."""
        new = shape[0] if len(shape) == 1 else shape
        return np.reshape(self, new, order=order)

    def transpose(self, *axes: Any) -> Any:
        """Permute the axes, given as one tuple or as several integers."""
        order = axes[0] if len(axes) == 1 else axes or None
        return np.transpose(self, order)

    def flatten(self, order: Any = "C") -> Any:
        """Copy to one dimension."""
        return np.copy(np.ravel(self, order=order))

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """Convert; to an integer or boolean dtype the result is plain, its derivative zero."""
        if np.dtype(dtype).kind not in "fc":
            note_cut("astype", [self])
            return plain(self).astype(dtype, *args, **kwargs)
        order = args[0] if args else kwargs.get("order", "K")
        if kwargs.get("copy", True) is False and np.dtype(dtype) == self.dtype:
            return self if order == "K" else in_order(self, order)
        return in_order(call_function(np.astype, (self, np.dtype(dtype)), {}), order)

    def item(self, *index: Any) -> Any:
        """Return the one element, still traced."""
        if len(index) == 1 and isinstance(index[0], tuple):
            index = index[0]
        if index:
            return self.ravel()[index[0]] if len(index) == 1 else self[index]
        if self.size != 1:
            raise ValueError("item() of an array that has more than one element")
        return self[(0,) * self.ndim] if self.ndim else self

    def tolist(self) -> Any:
        """Return nested lists of traced scalars."""
        return [row.tolist() for row in self] if self.ndim else self

    def fill(self, value: Any) -> None:
        """Store one value everywhere."""
        self[...] = value

    def sort(self, axis: int = -1, **kwargs: Any) -> None:
        """Sort in place."""
        self.assign(np.sort(self, axis=axis, **kwargs))

    def partition(self, kth: Any, axis: int = -1, **kwargs: Any) -> None:
        """Partition in place."""
        self.assign(np.partition(self, kth, axis=axis, **kwargs))


def unsupported_method(name: str) -> Callable[..., NoReturn]:
    """Make a method that says that there is none."""

    def method(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise UnsupportedError(
            f"The array method {name} of a traced value has no derivative rule",
            f"use cr.stop_gradient(x).{name}(...) if no derivative is wanted",
        )

    return method


for _name in (
    "tobytes",
    "tofile",
    "dump",
    "dumps",
    "view",
    "byteswap",
    "setflags",
    "getfield",
    "resize",
):
    setattr(ArrayTracer, _name, unsupported_method(_name))
