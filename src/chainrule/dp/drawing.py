"""The picture of a computational graph, as textbooks have it: circles, boxes and arrows in SVG."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from html import escape
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..errors import ArgumentError
from ._graph import all_nodes
from ._layout import Layout
from .node import Node

Point = tuple[float, float]

MAX_NODES = 300  # above that a picture shows nothing
GAP, ROW, MARGIN = 42, 66, 14  # pixels between columns, from row to row, and around all
RADIUS = 17
BELOW = 16  # pixels that the shape takes below a node
TWINS = 9  # pixels between two arrows that join the same nodes
LONGEST = 20  # characters of a label

SIGNS = {"*": "×", "-": "−"}
STYLE = """
.chainrule text { font: 14px sans-serif; text-anchor: middle; fill: #222; }
.chainrule .shape { font-size: 10px; fill: #666; }
.chainrule .arrow { fill: none; stroke: #888; stroke-width: 1.3; }
.chainrule .leaf { fill: #dcebfa; stroke: #3b76af; }
.chainrule .constant { fill: #f1f1f1; stroke: #999; }
.chainrule .operation { fill: #fdf1d8; stroke: #c78a1c; }
"""
ARROWHEAD = (
    '<marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#888"/></marker>'
)


def graph_svg(node: Node) -> str:
    """Draw the graph that ``node`` was computed by; return the text of an SVG picture."""
    nodes = all_nodes(node)
    if len(nodes) > MAX_NODES:
        raise ArgumentError(
            f"A picture of {len(nodes)} nodes shows nothing; {MAX_NODES} are the most.",
            "draw a small case: fewer steps, or one layer",
        )
    number = {id(n): i for i, n in enumerate(nodes)}
    layout = Layout([[number[id(p)] for p in n.parents] for n in nodes])
    across = _columns_across(layout, nodes)
    where = [
        (across[column], MARGIN + RADIUS + ROW * height)
        for column, height in zip(layout.column, layout.height, strict=True)
    ]
    shapes = [_shape(n, *where[i]) for i, n in enumerate(nodes)]
    content = "".join(_arrows(layout, where, nodes) + shapes)
    ends = [where[i][0] + _half_width(n) for i, n in enumerate(nodes)]
    width = max(ends) + MARGIN
    height = max(y for _, y in where) + RADIUS + BELOW + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chainrule" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'style="background: white"><style>{STYLE}</style><defs>{ARROWHEAD}</defs>{content}</svg>'
    )


def write_svg(node: Node, path: str) -> str:
    """Write the picture into a file, print the path and return it."""
    Path(path).write_text(graph_svg(node), encoding="utf-8")
    print(path)
    return path


def in_notebook(node: Node) -> bool:
    """Draw ``node`` below the running cell, if there is one; tell whether there was."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if ipython is None or not hasattr(shell, "kernel"):
        return False  # no notebook: a script, the plain prompt, or IPython in a terminal
    ipython.display.display_svg(graph_svg(node), raw=True)
    return True


def _columns_across(layout: Layout, nodes: Sequence[Node]) -> list[float]:
    """How far right the middle of each column is: as wide as its widest label, and a gap."""
    half = [float(RADIUS)] * (max(layout.column) + 1)
    for column, node in zip(layout.column, nodes, strict=False):  # bends have no width
        half[column] = max(half[column], _half_width(node), _shape_width(node) / 2)
    across = [MARGIN + half[0]]
    for left, right in pairwise(half):
        across.append(across[-1] + left + GAP + right)
    return across


def _arrows(layout: Layout, where: Sequence[Point], nodes: Sequence[Node]) -> list[str]:
    """The arrows of the graph. Two that join the same nodes, as in x * x, run side by side."""
    joined = [(route[0], route[-1]) for route in layout.routes]
    total, drawn = Counter(joined), Counter[tuple[int, int]]()
    arrows = []
    for route, (start, end) in zip(layout.routes, joined, strict=True):
        aside = TWINS * (drawn[start, end] - (total[start, end] - 1) / 2)
        drawn[start, end] += 1
        arrows.append(_arrow([where[v] for v in route], nodes[start], nodes[end], aside))
    return arrows


def _arrow(points: Sequence[Point], start: Node, end: Node, aside: float) -> str:
    """A smooth line from the edge of one node to the edge of another, through the bends."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    first, last = (x0 + _half_width(start), y0 + aside), (x1 - _half_width(end) - 1, y1 + aside)
    way = [first, *points[1:-1], last]
    slopes = [0.0, *(_slope(*three) for three in zip(way, way[1:], way[2:], strict=False)), 0.0]
    path = f"M{first[0]:.1f} {first[1]:.1f}"
    for (x0, y0), (x1, y1), s0, s1 in zip(way, way[1:], slopes, slopes[1:], strict=False):
        d = (x1 - x0) / 2.5
        path += f" C{x0 + d:.1f} {y0 + s0 * d:.1f} {x1 - d:.1f} {y1 - s1 * d:.1f} {x1:.1f} {y1:.1f}"
    return f'<path class="arrow" d="{path}" marker-end="url(#head)"/>'


def _slope(before: Point, here: Point, after: Point) -> float:
    """The slope of a line at a bend: that from neighbour to neighbour, level at a turning point."""
    if (here[1] - before[1]) * (after[1] - here[1]) <= 0:
        return 0.0
    return (after[1] - before[1]) / (after[0] - before[0])


def _shape(node: Node, x: float, y: float) -> str:
    """A box for a leaf, a circle (or a pill, when the text is long) for an operation."""
    kind = "operation" if node.operation else "leaf" if node.name else "constant"
    half = _half_width(node)
    corner = RADIUS if node.operation else 4
    return (
        f"<g><title>{escape(_tooltip(node))}</title>"
        f'<rect class="{kind}" x="{x - half:.1f}" y="{y - RADIUS:.1f}" width="{2 * half:.1f}" '
        f'height="{2 * RADIUS}" rx="{corner}"/>'
        f'<text x="{x:.1f}" y="{y + 5:.1f}">{escape(_label(node))}</text>'
        f'<text class="shape" x="{x:.1f}" y="{y + RADIUS + 12:.1f}">{node.shape}</text></g>'
    )


def _label(node: Node) -> str:
    """The sign of an operation, the name of a leaf, the number or 'data' of a constant."""
    if node.operation:
        text = SIGNS.get(node.operation, node.operation)
    elif node.name:
        text = node.name
    else:
        text = f"{node.value[0, 0]:.4g}" if node.shape == (1, 1) else "data"
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _tooltip(node: Node) -> str:
    """What appears when the mouse rests on a Node: what made it, and its numbers."""
    what = node.operation or node.name or "constant"
    return f"{what} {node.shape}\n{np.array2string(node.value, precision=4, threshold=30)}"


def _half_width(node: Node) -> float:
    return max(RADIUS, 4.0 * len(_label(node)) + 6)


def _shape_width(node: Node) -> float:
    return 6.0 * len(str(node.shape))
