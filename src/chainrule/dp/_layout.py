"""Where the nodes of a graph stand in a picture that reads from left to right.

Three steps: each node goes into a column, right of all its parents; an arrow that crosses columns
gets a bend in each; the columns are ordered and shifted towards what they are connected to, back
and forth, so that few arrows cross and most are nearly straight.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

SWEEPS = 12


class Layout:
    """Columns and heights of the nodes 0, 1, ... and the ``routes`` of the arrows.

    ``parents[i]`` lists the parents of node i, all smaller than i. Bends are numbered after the
    nodes; a route is the list of vertices that an arrow passes, its two ends included.
    """

    def __init__(self, parents: Sequence[Sequence[int]]) -> None:
        self.column = _columns(parents)
        self.routes: list[list[int]] = []
        for child, its_parents in enumerate(parents):
            self.routes += [self._route(parent, child) for parent in its_parents]
        self._left: list[list[int]] = [[] for _ in self.column]
        self._right: list[list[int]] = [[] for _ in self.column]
        for route in self.routes:
            for a, b in pairwise(route):
                self._right[a].append(b)
                self._left[b].append(a)
        self.height = self._heights()

    def _route(self, parent: int, child: int) -> list[int]:
        """Add a bend in every column between the two; return the vertices on the way."""
        between = range(self.column[parent] + 1, self.column[child])
        first = len(self.column)
        self.column.extend(between)
        return [parent, *range(first, len(self.column)), child]

    def _heights(self) -> list[float]:
        levels: list[list[int]] = [[] for _ in range(max(self.column) + 1)]
        height = [0.0] * len(self.column)
        for vertex, column in enumerate(self.column):
            height[vertex] = float(len(levels[column]))
            levels[column].append(vertex)
        for sweep in range(SWEEPS):
            forwards = sweep % 2 == 0
            neighbours = self._left if forwards else self._right
            for level in levels if forwards else reversed(levels):
                _arrange(level, neighbours, height)
        lowest = min(height)
        return [h - lowest for h in height]


def _columns(parents: Sequence[Sequence[int]]) -> list[int]:
    """Put each node right of its parents, and each leaf just left of its first child."""
    column: list[int] = []
    first_child = [-1] * len(parents)
    for its_parents in parents:
        column.append(1 + max((column[p] for p in its_parents), default=-1))
    for i, its_parents in enumerate(parents):
        for p in its_parents:
            if first_child[p] < 0 or column[i] < first_child[p]:
                first_child[p] = column[i]
    return [
        c if its_parents or child < 0 else child - 1
        for c, its_parents, child in zip(column, parents, first_child, strict=True)
    ]


def _arrange(level: list[int], neighbours: list[list[int]], height: list[float]) -> None:
    """Order one column by the mean height of the neighbours, and move it there, a row apart."""
    wanted = {v: _mean([height[n] for n in neighbours[v]], height[v]) for v in level}
    level.sort(key=wanted.__getitem__)
    lowest = float("-inf")
    for vertex in level:
        height[vertex] = lowest = max(wanted[vertex], lowest + 1)
    shift = sum(wanted[v] - height[v] for v in level) / len(level)
    for vertex in level:
        height[vertex] += shift


def _mean(numbers: list[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise
