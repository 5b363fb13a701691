"""The picture of a computational graph, as textbooks have it: circles, boxes and arrows in SVG."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..errors import ArgumentError
from ._graph import all_nodes
from ._layout import Layout
from .node import Node

MAX_NODES = 300  # above that a picture shows nothing
COLUMN, ROW, MARGIN = 104, 66, 50  # distances in pixels
RADIUS = 17
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
    where = [
        (MARGIN + COLUMN * column, MARGIN + ROW * height)
        for column, height in zip(layout.column, layout.height, strict=True)
    ]
    arrows = [
        _arrow([where[v] for v in route], nodes[route[0]], nodes[route[-1]])
        for route in layout.routes
    ]
    shapes = [_shape(n, *where[i]) for i, n in enumerate(nodes)]
    width = max(x for x, _ in where) + MARGIN
    height = max(y for _, y in where) + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chainrule" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}">'
        f"<style>{STYLE}</style><defs>{ARROWHEAD}</defs>{''.join(arrows + shapes)}</svg>"
    )


def write_svg(node: Node, path: str) -> str:
    """Write the picture into a file, print the path and return it."""
    Path(path).write_text(graph_svg(node), encoding="utf-8")
    print(path)
    return path


def _arrow(points: list[tuple[float, float]], start: Node, end: Node) -> str:
    """A smooth line from the edge of one node to the edge of another, through the bends."""
    ends = [(points[0][0] + _half_width(start), points[0][1]), *points[1:-1]]
    x, y = points[-1]
    ends.append((x - _half_width(end) - 1, y))
    path = f"M{ends[0][0]:.1f} {ends[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(ends):
        bend = (x1 - x0) / 2
        path += f" C{x0 + bend:.1f} {y0:.1f} {x1 - bend:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
    return f'<path class="arrow" d="{path}" marker-end="url(#head)"/>'


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
