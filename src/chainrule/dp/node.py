"""Node: a matrix that remembers how it was computed, so that its gradient can be taken.

>>> a = Node(np.array([[1, 1, 1], [2, 2, 2]]), "A")
>>> b = Node(np.array([[1, 2, 3]]), "B")
>>> e = (a * b).exp().sum()
>>> e.grad(1)["B"].round(2)
array([[ 17.5 , 116.59, 826.94]])

Every operation makes a new Node that points to its parents: together they are the computational
graph. ``e.grad(1)`` walks it backwards, from e to the named leaves. That is reverse accumulation
(Linnainmaa 1970; Griewank and Walther, Evaluating Derivatives, 2nd ed. 2008, chapter 3), known for
neural networks as backpropagation (Rumelhart, Hinton and Williams 1986).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from .._core import is_traced
from ..errors import ArgumentError, ShapeError
from ..tape import Tape, sweep
from . import _functions
from ._graph import all_nodes, index_text, named_leaves
from ._matrix import (
    Matrix,
    as_matrix,
    check_axis,
    check_concatenate,
    check_dot,
    check_elementwise,
    check_reshape,
    seed_matrix,
    slice_key,
)
from ._refused import ReadOnlyError, Refused

_TAPE = Tape()  # all Nodes live on one tape, so that any two of them combine

Operand: TypeAlias = "Node | ArrayLike"


class Node(Refused):
    """A matrix in a computational graph.

    ``Node(value, name=None)`` makes a leaf. With a name, gradients are computed for it; without
    one it is a constant, such as training data. The value is copied. Numbers become (1, 1);
    integers become floats; a 1-d array is refused unless it has one element, because it could
    mean a row or a column.

    >>> x = Node(3, "x")
    >>> y = x * x + 1
    >>> y.value
    array([[10.]])
    >>> y.grad(1)
    {'x': array([[6.]])}

    ``len`` counts the rows, iteration goes through them, and ``f"{y:.2f}"`` writes a (1, 1) Node as
    its number. Comparisons, ``**``, ``abs``, ``float``, ``if node:`` and NumPy's functions are
    refused, each with what to write instead; ``==`` between Nodes asks whether they are the same.
    """

    __slots__ = ("__weakref__", "_data", "_name", "_operation", "_parents")

    # What the tape records (a traced matrix), or a plain matrix where nothing is differentiated.
    _data: Any
    _name: str | None
    _operation: str
    _parents: tuple[Node, ...]

    def __init__(self, value: ArrayLike, name: str | None = None) -> None:
        if isinstance(value, Node):
            raise ArgumentError("This value is a Node already.", "use it as it is")
        if name is not None and not (isinstance(name, str) and name):
            raise ArgumentError(f"The name of a Node is text, not {name!r}.", 'Node(value, "w")')
        matrix = as_matrix(value)
        matrix.flags.writeable = False
        self._data = matrix if name is None else _TAPE.root(matrix)
        self._name = name
        self._operation = ""
        self._parents = ()

    # ------------------------------------------------------------------ what a Node shows

    @property
    def value(self) -> Matrix:
        """The matrix, read-only: what was computed from it would not follow a change.

        ``node.value = new`` raises ReadOnlyError, ``node.value[0, 0] = 5`` NumPy's ValueError. Make
        a new Node and compute again; change a copy if only the numbers are wanted.

        >>> node = Node([[1, 2]])
        >>> numbers = node.value.copy()
        >>> numbers[0, 0] = 5
        >>> Node(numbers).value
        array([[5., 2.]])
        """
        matrix = self._data.value if is_traced(self._data) else self._data
        view: Matrix = matrix.view()
        view.flags.writeable = False
        return view

    @value.setter
    def value(self, new: object) -> NoReturn:
        raise ReadOnlyError(
            "The value of a Node cannot be changed: what was computed from it would not follow.",
            "make a new Node(value, name), and compute again; in a Model use set_param",
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self._data.shape
        return rows, columns

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers, usually float64."""
        dtype: np.dtype[Any] = self._data.dtype
        return dtype

    @property
    def name(self) -> str | None:
        """The name of a leaf, under which ``grad`` returns its gradient."""
        return self._name

    @property
    def operation(self) -> str:
        """What made this Node, such as '+' or 'exp'; empty for a leaf."""
        return self._operation

    @property
    def parents(self) -> tuple[Node, ...]:
        """The Nodes that the operation took."""
        return self._parents

    def __repr__(self) -> str:
        made = f"name={self._name!r}, " if self._name else ""
        if self._operation:
            made = f"operation={self._operation!r}, "
        return f"Node({made}shape={self.shape}, value=\n{self.value})"

    def __format__(self, form: str) -> str:
        """Write the number of a (1, 1) Node, as in ``f"{loss:.4f}"``."""
        if form and self.shape != (1, 1):
            raise ShapeError(
                f"The format {form!r} is for one number; this Node has shape {self.shape}.",
                "format one element, node.value[0, 0], or print(node)",
            )
        return format(self.value.item(), form) if form else str(self)

    def __len__(self) -> int:
        """The number of rows."""
        return self.shape[0]

    # ------------------------------------------------------------------ arithmetic

    def __add__(self, other: Operand) -> Node:
        return _elementwise("+", np.add, self, other)

    def __radd__(self, other: Operand) -> Node:
        return _elementwise("+", np.add, other, self)

    def __sub__(self, other: Operand) -> Node:
        return _elementwise("-", np.subtract, self, other)

    def __rsub__(self, other: Operand) -> Node:
        return _elementwise("-", np.subtract, other, self)

    def __mul__(self, other: Operand) -> Node:
        return _elementwise("*", np.multiply, self, other)

    def __rmul__(self, other: Operand) -> Node:
        return _elementwise("*", np.multiply, other, self)

    def __truediv__(self, other: Operand) -> Node:
        return _elementwise("/", np.divide, self, other)

    def __rtruediv__(self, other: Operand) -> Node:
        return _elementwise("/", np.divide, other, self)

    def __matmul__(self, other: Operand) -> Node:
        return self.dot(other)

    def __rmatmul__(self, other: Operand) -> Node:
        return _node(other, self).dot(self)

    def __neg__(self) -> Node:
        return _result("-", np.negative(self._data), self)

    def __pos__(self) -> Node:
        return self

    def dot(self, other: Operand) -> Node:
        """Matrix product: (m, k) dot (k, n) gives (m, n); ``a @ b`` is the same.

        >>> Node([[1, 2]]).dot([[3], [4]]).value
        array([[11.]])
        """
        other = _node(other, self)
        check_dot(self.shape, other.shape)
        return _result("dot", np.dot(self._data, other._data), self, other)

    # ------------------------------------------------------------------ functions

    def exp(self) -> Node:
        """e to the power of each element."""
        return _result("exp", np.exp(self._data), self)

    def log(self) -> Node:
        """Natural logarithm of each element."""
        return _result("log", np.log(self._data), self)

    def square(self) -> Node:
        """Each element times itself."""
        return _result("square", np.square(self._data), self)

    def sqrt(self) -> Node:
        """Square root of each element."""
        return _result("sqrt", np.sqrt(self._data), self)

    def relu(self) -> Node:
        """max(0, x) for each element (Nair and Hinton 2010); the slope at 0 is taken as 0."""
        return _result("relu", np.where(self.value > 0, self._data, 0.0), self)

    def leaky_relu(self, slope: float = 0.01) -> Node:
        """Each element x, or slope * x where x is negative (and at 0, for the derivative).

        Maas, Hannun and Ng 2013, whose slope is 0.01.
        """
        leaky = np.where(self.value > 0, self._data, self._data * float(slope))
        return _result("leaky_relu", leaky, self)

    def tanh(self) -> Node:
        """Hyperbolic tangent of each element."""
        return _result("tanh", np.tanh(self._data), self)

    def sigmoid(self) -> Node:
        """1 / (1 + exp(-x)) for each element, kept inside (0, 1)."""
        return _result("sigmoid", _functions.sigmoid(self._data), self)

    def logistic(self) -> Node:
        """Another name of ``sigmoid``."""
        return _result("logistic", _functions.sigmoid(self._data), self)

    def softmax(self) -> Node:
        """Turn each row into probabilities: exp(x) / sum(exp(x)), kept inside (0, 1).

        Bridle 1990. Its logarithm is finite for all finite x: the textbook loss is safe.

        >>> Node([[1000, -1000]]).softmax().log().value.round(1)[0, 1]
        np.float64(-672.4)
        """
        if 0 in self.shape:
            raise ShapeError(f"softmax of an empty matrix {self.shape}.", "give it a column")
        return _result("softmax", _functions.softmax(self._data), self)

    def sum(self, axis: int | None = None) -> Node:
        """Sum of all elements (1, 1), down the columns (axis=0: (1, n)) or along the rows (axis=1).

        The result keeps two dimensions.

        >>> Node([[1, 2], [3, 4]]).sum(axis=0).value
        array([[4., 6.]])
        """
        check_axis("sum", axis, (None, 0, 1, -1, -2))
        label = "sum" if axis is None else f"sum axis={axis}"
        return _result(label, np.sum(self._data, axis=axis, keepdims=True), self)

    # ------------------------------------------------------------------ shapes

    def transpose(self) -> Node:
        """Swap rows and columns."""
        return _result("T", np.transpose(self._data), self)

    @property
    def T(self) -> Node:
        """Swap rows and columns."""
        return self.transpose()

    def reshape(self, *shape: Any) -> Node:
        """Arrange the elements in another matrix: ``x.reshape(2, 3)`` or ``x.reshape((2, -1))``."""
        wanted = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        check_reshape(self.value, wanted)
        return _result(f"reshape {wanted}", np.reshape(self._data, wanted), self)

    def concatenate(self, other: Operand, axis: int = 0) -> Node:
        """Put another matrix below this one (axis=0) or to its right (axis=1).

        >>> Node([[1, 2]]).concatenate([[3]], axis=1).value
        array([[1., 2., 3.]])
        """
        other = _node(other, self)
        check_concatenate(self.shape, other.shape, axis)
        joined = np.concatenate([self._data, other._data], axis=axis)
        return _result(f"concatenate axis={axis}", joined, self, other)

    def __getitem__(self, key: Any) -> Node:
        """A part of the matrix, as a matrix: ``x[0]`` is (1, n), ``x[:, 1:]`` drops a column.

        >>> Node([[1, 2], [3, 4]])[1, 0].value
        array([[3.]])
        """
        part = self._data[slice_key(key, self.shape)]
        if np.ndim(part) != 2:
            raise ShapeError(
                f"This index of a {self.shape} matrix gives no matrix.",
                "index rows and columns one after the other: x[[0, 1]][:, [0, 1]]",
            )
        return _result(f"[{index_text(key)}]", part, self)

    def __iter__(self) -> Iterator[Node]:
        """Row by row."""
        return (self[i] for i in range(self.shape[0]))

    # ------------------------------------------------------------------ gradients

    def grad(self, seed: ArrayLike = 1) -> dict[str, Matrix]:
        """Return the gradient of this scalar by each named leaf that it was computed from.

        ``seed`` is the derivative that the backward walk starts with: with 1 the result is the
        gradient, another number scales it. (For a matrix, a seed of its shape gives the gradient
        of (seed * self).sum().) Each gradient has the shape of its leaf and is an array of its own.
        Raises ShapeError for a matrix, ArgumentError where two leaves have one name.

        >>> w = Node([[1, 2]], "w")
        >>> w.square().sum().grad(1)
        {'w': array([[2., 4.]])}
        """
        leaves = named_leaves(self)
        if not leaves:
            raise ArgumentError(
                "This Node was not computed from any named leaf, so it has no gradient.",
                'name what to differentiate by: Node(value, "w")',
            )
        start = seed_matrix(seed, self.shape, self.dtype)
        gradients = sweep(self._data, start, [leaf._data for leaf in leaves.values()])
        return dict(zip(leaves, gradients, strict=True))

    # ------------------------------------------------------------------ the picture

    def show(self, path: str | None = None) -> str | None:
        """Draw the computational graph, below the cell in a notebook, else into an SVG file.

        With a ``path``, or outside notebooks (then "graph.svg"), the file is written, and its path
        printed and returned. A Node that is the last line of a notebook's cell draws itself.
        Raises ArgumentError for more than 300 Nodes.
        """
        from .drawing import in_notebook, write_svg  # drawing imports this module

        return None if path is None and in_notebook(self) else write_svg(self, path or "graph.svg")

    def _repr_svg_(self) -> str | None:
        from .drawing import MAX_NODES, graph_svg

        return graph_svg(self) if len(all_nodes(self)) <= MAX_NODES else None

    def __reduce__(self) -> tuple[Any, ...]:
        if self._operation:
            raise ArgumentError(
                "A computed Node cannot be copied or saved: it belongs to its graph.",
                "copy node.value, or compute it again from copied leaves",
            )
        return (Node, (np.array(self.value), self._name))


def _result(operation: str, data: Any, *parents: Node) -> Node:
    """Make the Node of an operation."""
    node = Node.__new__(Node)
    node._data = data
    node._name = None
    node._operation = operation
    node._parents = parents
    return node


def _node(x: Operand, like: Node) -> Node:
    """Take ``x`` as it is, or make a constant of it; a number takes the dtype of ``like``."""
    if isinstance(x, Node):
        return x
    matrix = as_matrix(x, number_dtype=like.dtype)
    matrix.flags.writeable = False
    return _result("", matrix)


def _elementwise(symbol: str, function: Callable[..., Any], a: Operand, b: Operand) -> Node:
    """Apply a NumPy function of two matrices, of which one is a Node already."""
    like = a if isinstance(a, Node) else b
    assert isinstance(like, Node)
    a, b = _node(a, like), _node(b, like)
    check_elementwise(symbol, a.shape, b.shape)
    return _result(symbol, function(a._data, b._data), a, b)
