"""The picture of the computational graph."""

import sys
from itertools import pairwise
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from chainrule.dp import Node
from chainrule.dp._layout import Layout
from chainrule.errors import ArgumentError

M = np.ones((2, 3))
SVG = "{http://www.w3.org/2000/svg}"


def example():
    x = Node(np.ones((4, 3)), "x")
    w = Node(np.ones((3, 2)), "W <1>")
    return (-1 * (x.dot(w) + Node(np.zeros((1, 2)))).softmax().log()).sum()


def parts(svg):
    root = ElementTree.fromstring(svg)
    texts = [t.text for t in root.iter(f"{SVG}text") if t.get("class") != "shape"]
    shapes = [t.text for t in root.iter(f"{SVG}text") if t.get("class") == "shape"]
    return texts, shapes, list(root.iter(f"{SVG}rect")), list(root.iter(f"{SVG}path"))


def test_the_picture_has_names_operators_and_shapes():
    texts, shapes, boxes, paths = parts(example()._repr_svg_())
    assert sorted(texts) == sorted(
        ["x", "W <1>", "data", "-1", "dot", "+", "softmax", "log", "×", "sum"]
    )
    assert len(boxes) == 10
    assert len(paths) == 1 + 9  # the arrowhead, and an arrow for each argument
    assert shapes.count("(4, 2)") == 5
    assert shapes.count("(1, 1)") == 2
    assert {box.get("class") for box in boxes} == {"leaf", "constant", "operation"}


def test_the_picture_is_deterministic():
    assert example()._repr_svg_() == example()._repr_svg_()


def test_it_reads_from_left_to_right_without_overlap():
    node = Node(2, "x")
    for _ in range(4):
        node = node * node.tanh() + node.sigmoid()
    _, _, boxes, _ = parts(node._repr_svg_())
    frames = [[float(b.get(k)) for k in ("x", "y", "width", "height")] for b in boxes]
    for i, (x, y, w, h) in enumerate(frames):
        for x2, y2, w2, h2 in frames[i + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_a_node_used_twice_is_drawn_once():
    x = Node(3, "x")
    texts, _, _, paths = parts((x * x)._repr_svg_())
    assert sorted(texts) == ["x", "×"]
    assert len(paths) == 1 + 2


def test_long_labels_stand_apart_and_inside_the_picture():
    x = Node(M, "the_name_of_a_parameter")
    node = x.reshape(1, -1).concatenate(np.ones((1, 6)), axis=1).leaky_relu().reshape(6, 2)
    svg = node._repr_svg_()
    _, _, boxes, _ = parts(svg)
    chain = [b for b in boxes if b.get("class") != "constant"]  # that shares a column
    spans = [(float(b.get("x")), float(b.get("x")) + float(b.get("width"))) for b in chain]
    assert spans[0][0] >= 0
    assert spans[-1][1] <= float(ElementTree.fromstring(svg).get("width"))
    for left, right in pairwise(spans):
        assert left[1] + 20 < right[0]


def test_two_arrows_between_the_same_nodes_do_not_cover_each_other():
    x = Node(3, "x")
    _, _, _, paths = parts((x * x)._repr_svg_())
    first, second = (p.get("d") for p in paths[1:])
    assert first != second


def test_show_writes_a_file_and_says_where(tmp_path, capsys):
    path = tmp_path / "graph.svg"
    assert example().show(str(path)) == str(path)
    assert str(path) in capsys.readouterr().out
    assert path.read_text(encoding="utf-8") == example()._repr_svg_()


def test_show_has_a_default_file(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert example().show() == "graph.svg"
    assert (tmp_path / "graph.svg").is_file()


class Notebook:
    """What IPython offers inside a notebook; ``kernel`` is what a terminal's shell lacks."""

    def __init__(self, shell):
        self.shell, self.display, self.drawn = shell, self, []

    def get_ipython(self):
        return self.shell

    def display_svg(self, svg, raw):
        assert raw
        self.drawn.append(svg)


def test_show_draws_below_the_cell_of_a_notebook(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = Notebook(SimpleNamespace(kernel="running"))
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    assert example().show() is None
    assert notebook.drawn == [example()._repr_svg_()]
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""
    assert example().show("here.svg") == "here.svg"
    assert (tmp_path / "here.svg").is_file()


@pytest.mark.parametrize("shell", [None, SimpleNamespace()])
def test_show_writes_a_file_in_a_terminal(tmp_path, monkeypatch, shell):
    monkeypatch.chdir(tmp_path)
    notebook = Notebook(shell)
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    assert example().show() == "graph.svg"
    assert notebook.drawn == []


def test_a_huge_graph_is_not_drawn(tmp_path):
    node = Node(1, "x")
    for _ in range(400):
        node = node.tanh().exp()
    assert node._repr_svg_() is None  # a notebook then shows the repr
    with pytest.raises(ArgumentError, match="small case"):
        node.show(str(tmp_path / "graph.svg"))


def test_layout_puts_children_right_of_their_parents():
    parents = [[], [], [0, 1], [2], [2, 3], [0, 4]]
    layout = Layout(parents)
    for child, its_parents in enumerate(parents):
        for parent in its_parents:
            assert layout.column[parent] < layout.column[child]
    for route in layout.routes:
        assert [layout.column[v] for v in route] == list(
            range(layout.column[route[0]], layout.column[route[-1]] + 1)
        )
    places = list(zip(layout.column, layout.height, strict=True))
    assert len(set(places)) == len(places)
