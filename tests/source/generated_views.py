"""Statements of random programs in which names stand for parts of arrays, and for values in turn.

A name that is bound to a column or a row, and carried into loops and branches as a value; names
bound again to parts, values and arrays of their own; lists of parts; choices between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from source.generator import Writer


def rebind(writer: Writer) -> None:
    """Bind the name of a vector, or two, to something else of the same length."""
    name, length = writer.pick(writer.names.vectors.items())
    other = writer.pick(n for n, size in writer.names.vectors.items() if size == length)
    forms = [f"{name} = {value(writer, length)}", f"{name} = {value(writer, length)}"]
    if other != name:
        forms.append(f"{name}, {other} = {other}, {value(writer, length)}")
        forms.append(f"{name} = {other} = {value(writer, length)}")
    writer.write(writer.pick(forms))


def value(writer: Writer, length: int) -> str:
    """A part of an array, a value made from parts, or an array of its own."""
    piece = writer.piece(length)
    options = [
        lambda: piece,
        lambda: writer.vector(length),
        lambda: f"0.5 * {piece} - {writer.scalar(1)} * 0.3",
        lambda: f"{piece}.copy()",
        lambda: f"({piece} if {writer.condition()} else {writer.piece(length)})",
    ]
    return writer.pick(options)()


def bind_list(writer: Writer) -> None:
    """Bind a name to a list of parts; its items are names of vectors as others are."""
    name, length = writer.fresh("h"), writer.number(2, writer.columns)
    writer.write(f"{name} = [{value(writer, length)}, {writer.piece(length)}]")
    writer.names.vectors |= {f"{name}[0]": length, f"{name}[1]": length}


def recurrence(writer: Writer) -> None:
    """Sweep over the columns or rows of a matrix; a name carries the last one."""
    by_rows = writer.number(0, 1) == 1
    length = writer.columns if by_rows else writer.rows

    def line(matrix: str, k: Any) -> str:
        return f"{matrix}[{k}]" if by_rows else f"{matrix}[:, {k}]"

    last, k = writer.fresh("u"), writer.fresh("i")
    a, b, c = (writer.pick(writer.names.matrices) for _ in range(3))
    writer.write(f"{last} = {line(a, writer.pick([0, 3]))}")
    writer.names.vectors[last] = length
    if writer.number(0, 1):
        writer.write(f"{line(c, 0)} = 0.5 * {last}")
    new = f"0.5 * {line(b, k)} - 0.4 * np.cos({line(c, k)}) * {last}"
    steps = [
        [f"{last} = {new}", f"{line(c, k)} = {last}"],
        [f"{line(c, k)} = {new}", f"{last} = {line(c, k)}"],
        [f"{last} = {new}"],
        [f"{last}, {line(c, k)} = {line(b, k)}, {last}"],
    ]
    with writer.loop_block(f"for {k} in {writer.pick(['range(2, -1, -1)', 'range(1, 4)'])}:"):
        writer.names.indices[k] = (0, 3)
        for step in writer.pick(steps):
            writer.write(step)
        writer.statements(writer.number(0, 2))


STATEMENTS = (rebind, rebind, bind_list, recurrence)
