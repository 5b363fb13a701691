"""Layers, Model and Helper."""

import numpy as np
import pytest

from chainrule.dp import Helper, Model, NeuralNode, Node, nn
from chainrule.errors import ArgumentError, ShapeError

X = np.array([[0.5, -1.0, 2.0], [1.0, 0.0, -0.5]])


class Net(Model):
    def __init__(self, seed=0):
        super().__init__(seed)
        self.h1 = self.ReLu_Layer(3, 4, "h1")
        self.out = self.Linear_Layer(4, 2, "out")

    def forward(self, x):
        return self.out(self.h1(x)).softmax()

    def loss(self, x, y):
        return (-1 * (y * self.forward(x).log())).sum()


Y = np.eye(2)


@pytest.mark.parametrize(
    ("layer", "activation"),
    [
        (nn.Linear, lambda z: z),
        (nn.ReLu, lambda z: np.maximum(z, 0)),
        (nn.LeakyReLu, lambda z: np.where(z > 0, z, 0.01 * z)),
        (nn.Tanh, np.tanh),
        (nn.Sigmoid, lambda z: 1 / (1 + np.exp(-z))),
    ],
)
def test_layers_compute_what_they_say(layer, activation):
    h = layer(3, 5, "h", seed=1)
    assert isinstance(h, NeuralNode)
    assert {name: p.shape for name, p in h.parameters().items()} == {
        "h_weight": (3, 5),
        "h_bias": (1, 5),
    }
    expected = activation(X @ h.weight.value + h.bias.value)
    np.testing.assert_allclose(h(X).value, expected, rtol=1e-14)
    np.testing.assert_allclose(h(Node(X)).value, expected, rtol=1e-14)
    assert set(h(X).sum().grad(1)) == {"h_weight", "h_bias"}


def test_first_weights_have_the_size_of_he_or_xavier():
    assert np.std(nn.ReLu(400, 600, "h", 0).weight.value) == pytest.approx((2 / 400) ** 0.5, 0.02)
    assert np.std(nn.LeakyReLu(400, 600, "h", 0).weight.value) == pytest.approx(
        (2 / 400) ** 0.5, 0.02
    )
    for layer in (nn.Tanh, nn.Sigmoid, nn.Linear):
        weight = layer(400, 600, "h", 0).weight.value
        assert np.std(weight) == pytest.approx((2 / 1000) ** 0.5, 0.02)


def test_wrong_layers_are_refused():
    with pytest.raises(ArgumentError, match="name"):
        nn.Linear(2, 3, None)
    for size in (0, -1, 2.5, "3"):
        with pytest.raises(ArgumentError, match="whole number"):
            nn.Linear(size, 3, "h")
    with pytest.raises(ShapeError):
        nn.Linear(2, 3, "h")(X)


@pytest.mark.parametrize("kind", ["Linear", "ReLu", "LeakyReLu", "Tanh", "Sigmoid"])
def test_the_model_makes_every_kind_of_layer(kind):
    model = Model(seed=0)
    layer = getattr(model, f"{kind}_Layer")(3, 2, "h1")
    assert type(layer) is getattr(nn, kind)
    assert {n: p.shape for n, p in model.get_param().items()} == {
        "h1_weight": (3, 2),
        "h1_bias": (1, 2),
    }


def test_get_grad_returns_a_gradient_for_each_parameter_and_the_loss():
    net = Net()
    gradient, loss = net.get_grad(X, Y)
    assert type(loss) is float
    assert list(gradient) == ["h1_weight", "h1_bias", "out_weight", "out_bias"]
    assert loss == float(net.loss(X, Y).value[0, 0])
    np.testing.assert_allclose(
        gradient["out_bias"], (net.forward(X).value - Y).sum(axis=0, keepdims=True), rtol=1e-12
    )


def test_get_param_gives_copies():
    net = Net()
    before = net.forward(X).value.copy()
    param = net.get_param()
    for array in param.values():
        array[:] = 0
    assert np.array_equal(net.forward(X).value, before)
    assert np.any(net.get_param()["h1_weight"] != 0)


def test_set_param_takes_effect_on_the_next_forward_and_copies():
    net = Net()
    new = {name: np.full(p.shape, 0.5) for name, p in net.get_param().items()}
    net.set_param(new)
    hidden = np.maximum(X @ new["h1_weight"] + 0.5, 0)
    expected = hidden @ new["out_weight"] + 0.5
    np.testing.assert_allclose(net.out(net.h1(X)).value, expected, rtol=1e-14)
    new["h1_weight"][:] = 99
    np.testing.assert_allclose(net.out(net.h1(X)).value, expected, rtol=1e-14)


def test_set_param_of_some_keeps_the_others():
    net = Net()
    before = net.get_param()
    net.set_param({"out_bias": [[1, 2]]})
    after = net.get_param()
    assert np.array_equal(after.pop("out_bias"), [[1.0, 2.0]])
    assert all(np.array_equal(after[name], before[name]) for name in after)


def test_set_param_refuses_wrong_names_and_shapes_and_then_changes_nothing():
    net = Net()
    before = net.get_param()
    with pytest.raises(ArgumentError, match="no parameter 'h9_weight'"):
        net.set_param({"out_bias": [[1, 2]], "h9_weight": [[1.0]]})
    with pytest.raises(ShapeError, match=r"\(3, 4\)"):
        net.set_param({"out_bias": [[1, 2]], "h1_weight": np.zeros((4, 3))})
    assert all(np.array_equal(value, before[name]) for name, value in net.get_param().items())


def test_a_hand_written_loop_learns():
    net = Net()
    losses = []
    for _ in range(200):
        g, loss = net.get_grad(X, Y)
        p = net.get_param()
        net.set_param({n: p[n] - 0.1 * g[n] for n in p})
        losses.append(loss)
    assert losses[-1] < 0.05 * losses[0]


def test_the_seed_decides_the_first_weights():
    one, same, other = Net(3).get_param(), Net(3).get_param(), Net(4).get_param()
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not np.array_equal(one["h1_weight"], other["h1_weight"])
    assert not np.array_equal(Net(None).get_param()["h1_weight"], one["h1_weight"])


def test_layers_in_a_list_and_nodes_as_attributes_are_parameters():
    class Other(Model):
        def __init__(self):
            super().__init__(seed=0)
            self.layers = [self.Tanh_Layer(3, 3, f"h{i}") for i in range(2)]
            self.last = nn.Linear(3, 1, "last", seed=0)
            self.scale = Node(2, "scale")
            self.constant = Node(5)

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return self.last(x) * self.scale + self.constant

        def loss(self, x, y):
            return (self.forward(x) - y).square().sum()

    model = Other()
    assert sorted(model.get_param()) == sorted(
        ["h0_weight", "h0_bias", "h1_weight", "h1_bias", "last_weight", "last_bias", "scale"]
    )
    before = model.forward(X).value - 5
    model.set_param({"scale": 4})
    np.testing.assert_allclose(model.forward(X).value - 5, 2 * before, rtol=1e-12)
    assert set(model.get_grad(X, np.zeros((2, 1)))[0]) == set(model.get_param())
    model.scale = Node(1, "factor")
    assert "factor" in model.get_param()
    assert "scale" not in model.get_param()


def test_a_parameter_that_the_loss_does_not_use_has_the_gradient_zero():
    net = Net()
    net.unused = Node([[1, 2]], "unused")
    assert np.array_equal(net.get_grad(X, Y)[0]["unused"], [[0, 0]])


def test_two_parameters_of_one_name_are_refused():
    model = Model()
    model.Linear_Layer(2, 3, "h")
    with pytest.raises(ArgumentError, match="'h_weight' already"):
        model.ReLu_Layer(2, 3, "h")
    with pytest.raises(ArgumentError, match="'h_bias' already"):
        model.bias = Node(1, "h_bias")


def test_unknown_named_nodes_in_the_loss_are_refused():
    class Hidden(Net):
        def loss(self, x, y):
            return super().loss(x, y) * Node(2, "factor")

    with pytest.raises(ArgumentError, match="factor"):
        Hidden().get_grad(X, Y)


def test_a_loss_that_is_no_scalar_node_is_refused():
    class Rows(Net):
        def loss(self, x, y):
            return self.forward(x)

    class Plain(Net):
        def loss(self, x, y):
            return 3.0

    for model, got in [(Rows(), r"\(2, 2\)"), (Plain(), "float")]:
        with pytest.raises(ShapeError, match=got):
            model.get_grad(X, Y)


def test_a_model_must_call_init_and_define_its_methods():
    class Forgetful(Model):
        def __init__(self):
            self.h1 = self.Linear_Layer(2, 3, "h1")

    with pytest.raises(ArgumentError, match="super"):
        Forgetful()
    with pytest.raises(NotImplementedError, match="forward"):
        Model().forward(X)
    with pytest.raises(NotImplementedError, match="loss"):
        Model().loss(X, Y)


@pytest.mark.parametrize("labels", [[1, 0, 2], np.array([[1], [0], [2]]), np.array([1.0, 0, 2])])
def test_one_hot_encoding(labels):
    expected = [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert np.array_equal(Helper.one_hot_encoding(labels), expected)
    wide = Helper.one_hot_encoding(labels, 5)
    assert wide.shape == (3, 5)
    assert np.array_equal(wide[:, :3], expected)


@pytest.mark.parametrize(
    ("labels", "classes", "match"),
    [
        ([0, -1], None, "whole numbers"),
        ([0.5], None, "whole numbers"),
        ([np.nan], None, "whole numbers"),
        (["a"], None, "whole numbers"),
        ([0, 3], 3, "classes=4"),
        ([0, 1], 2.5, "does not fit"),
        ([], None, "n > 0"),
        (3, None, "n > 0"),
        (np.eye(2), None, "n > 0"),
    ],
)
def test_one_hot_encoding_refuses_what_are_no_labels(labels, classes, match):
    with pytest.raises((ArgumentError, ShapeError), match=match):
        Helper.one_hot_encoding(labels, classes)
