"""The optimizers: their formulas step by step, and what train returns."""

import inspect

import numpy as np
import pytest

from chainrule import dp
from chainrule.dp import SGD, Adam, DivergedError, Model, Node, Optimizer, RMS_Prop, SGD_Momentum
from chainrule.errors import ArgumentError, ShapeError

ALL = [SGD, SGD_Momentum, RMS_Prop, Adam]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3


class Line(Model):
    def __init__(self, seed=0):
        super().__init__(seed)
        self.line = self.Linear_Layer(3, 1, "line")

    def forward(self, x):
        return self.line(x)

    def loss(self, x, y):
        return (self.forward(x) - y).square().sum()


class Bowl(Model):
    """The loss w^2 / 2 + c w: the gradient is w + c."""

    def __init__(self, w, c=0.0):
        super().__init__()
        self.w = Node(w, "w")
        self.c = c

    def loss(self, x, y):
        return (self.w.square() / 2 + self.c * self.w).sum()


ONE = np.ones((1, 1))


def path(optimizer, w, hyperparam, steps):
    """The values of w after each step."""
    model = Bowl(w)
    run = optimizer(model, ONE, ONE, hyperparam)
    values = []
    for _ in range(steps):
        run.train(steps=1, print_each=0)
        values.append(model.get_param()["w"].item())
    return values


def test_sgd_follows_its_formula():
    assert path(SGD, 2.0, {"alpha": 0.1}, 3) == pytest.approx([1.8, 1.62, 1.458], rel=1e-14)


def test_momentum_follows_its_formula():
    w, v, expected = 2.0, 0.0, []
    for _ in range(5):
        v = 0.8 * v + w
        w -= 0.1 * v
        expected.append(w)
    assert path(SGD_Momentum, 2.0, {"alpha": 0.1, "beta": 0.8}, 5) == pytest.approx(expected)


def test_rms_prop_follows_its_formula_and_does_not_compound_the_bias_correction():
    w, s, expected = 2.0, 0.0, []
    for t in range(1, 8):
        s = 0.9 * s + 0.1 * w * w
        w -= 0.01 * w / (np.sqrt(s / (1 - 0.9**t)) + 1e-8)
        expected.append(w)
    found = path(RMS_Prop, 2.0, {"alpha": 0.01, "beta": 0.9}, 7)
    assert found == pytest.approx(expected, rel=1e-12)
    # A corrected first step has the length alpha; later ones stay near it.
    steps = -np.diff([2.0, *found])
    np.testing.assert_allclose(steps, 0.01, rtol=0.05)


def test_adam_follows_its_formula():
    w, m, s, expected = 2.0, 0.0, 0.0, []
    for t in range(1, 8):
        m = 0.8 * m + 0.2 * w
        s = 0.95 * s + 0.05 * w * w
        w -= 0.01 * (m / (1 - 0.8**t)) / (np.sqrt(s / (1 - 0.95**t)) + 1e-7)
        expected.append(w)
    hyperparam = {"alpha": 0.01, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-7}
    assert path(Adam, 2.0, hyperparam, 7) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("optimizer", ALL)
def test_every_optimizer_learns_a_line(optimizer):
    model = Line()
    first = model.get_grad(X, Y)[1]
    run = optimizer(model, X, Y, {"alpha": 0.01}, batch_size=10, seed=0)
    loss = run.train(steps=1000, print_each=0)
    assert type(loss) is float
    assert model.get_grad(X, Y)[1] < 1e-2 * first
    np.testing.assert_allclose(model.get_param()["line_bias"], 0.3, atol=0.05)


@pytest.mark.parametrize("optimizer", ALL)
def test_two_calls_of_train_do_what_one_does(optimizer):
    together, apart = Line(), Line()
    optimizer(together, X, Y, batch_size=8, seed=5).train(steps=30, print_each=0)
    run = optimizer(apart, X, Y, batch_size=8, seed=5)
    run.train(steps=13, print_each=0)
    run.train(steps=17, print_each=0)
    for name, value in together.get_param().items():
        assert np.array_equal(value, apart.get_param()[name])


@pytest.mark.parametrize("optimizer", ALL)
def test_history_holds_real_copies(optimizer):
    model = Line()
    start = model.get_param()
    result = optimizer(model, X, Y, {"alpha": 0.01}, seed=0).train(6, 0, err_hist=True)
    loss, losses, parameters = result
    assert len(losses) == len(parameters) == 6
    assert loss == losses[-1]
    assert losses[-1] < losses[0]
    for name, value in start.items():
        assert np.array_equal(parameters[0][name], value)
        arrays = [p[name] for p in parameters]
        for i, array in enumerate(arrays[1:]):
            assert not np.shares_memory(array, arrays[i])
            assert not np.array_equal(array, arrays[i])
    twin = Line()  # each loss was measured at the parameters beside it
    for error, param in zip(losses, parameters, strict=True):
        twin.set_param(param)
        assert twin.get_grad(X, Y)[1] == pytest.approx(error, rel=1e-12)


def test_the_seed_decides_the_batches():
    def trained(seed):
        model = Line()
        SGD(model, X, Y, batch_size=4, seed=seed).train(5, 0)
        return model.get_param()["line_weight"]

    assert np.array_equal(trained(1), trained(1))
    assert not np.array_equal(trained(1), trained(2))


def test_batches_use_every_example_before_any_twice():
    seen = []

    class Watch(Line):
        def loss(self, x, y):
            seen.append(x.value[:, 0].copy())
            return super().loss(x, y)

    SGD(Watch(), X, Y, batch_size=10, seed=0).train(8, 0)
    assert all(len(batch) == 10 for batch in seen)
    for epoch in (seen[:4], seen[4:]):
        assert np.array_equal(np.sort(np.concatenate(epoch)), np.sort(X[:, 0]))
    assert not np.array_equal(np.concatenate(seen[:4]), np.concatenate(seen[4:]))


@pytest.mark.parametrize("batch_size", [1, 7, 16, 39])
def test_batches_that_do_not_divide_the_data_use_all_of_it_equally(batch_size):
    seen = []

    class Watch(Line):
        def loss(self, x, y):
            seen.append(x.value[:, 0].copy())
            return super().loss(x, y)

    SGD(Watch(), X, Y, {"alpha": 1e-4}, batch_size=batch_size, seed=0).train(100, 0)
    assert all(len(np.unique(batch)) == batch_size for batch in seen)
    drawn = np.concatenate(seen)
    for start in range(0, len(drawn) - len(X) + 1, len(X)):
        assert np.array_equal(np.sort(drawn[start : start + len(X)]), np.sort(X[:, 0]))


def test_batches_larger_than_the_data_take_all_of_it():
    run = SGD(Line(), X, Y, batch_size=1000)
    assert run.batch_size == len(X)
    run.train(2, 0)


def test_the_training_data_are_not_changed():
    x, y = X.copy(), Y.copy()
    Adam(Line(), x, y, seed=0).train(3, 0)
    assert np.array_equal(x, X)
    assert np.array_equal(y, Y)


def test_integer_parameters_learn():
    model = Bowl(np.array([[4]]))
    SGD(model, ONE, ONE, {"alpha": 0.1}).train(1, 0)
    assert model.get_param()["w"].item() == pytest.approx(3.6)


def test_printing(capsys):
    run = SGD(Line(), X, Y, {"alpha": 1e-4})
    run.train(steps=10, print_each=4)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["4", "8"]
    assert all("loss" in line for line in lines)
    run.train(steps=3, print_each=0)
    assert capsys.readouterr().out == ""


def test_hyperparameters_have_defaults_and_one_dict_serves_all():
    everything = {"alpha": 0.5, "beta": 0.5, "beta1": 0.5, "beta2": 0.5, "epsilon": 0.5}
    for optimizer in ALL:
        assert optimizer(Line(), X, Y).hyperparam == dict(optimizer.defaults)
        assert optimizer(Line(), X, Y, everything).hyperparam == everything
    assert dict(Adam.defaults) == {"alpha": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}


@pytest.mark.parametrize(
    "wrong",
    [
        {"lr": 0.1},
        {"alpha": 0},
        {"alpha": float("nan")},
        {"alpha": float("inf")},
        {"beta": 1},
        {"beta1": -0.1},
        {"epsilon": 0},
    ],
)
def test_wrong_hyperparameters_are_refused(wrong):
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        Adam(Line(), X, Y, wrong)


def test_no_default_is_shared_between_optimizers():
    one, two = Adam(Line(), X, Y), Adam(Line(), X, Y)
    one.hyperparam["alpha"] = 99
    one.train(1, 0)
    assert two.hyperparam["alpha"] == 0.001
    assert two.state == {}
    with pytest.raises(TypeError):
        Adam.defaults["alpha"] = 1
    given = {"alpha": 0.1}
    SGD(Line(), X, Y, given).hyperparam["beta"] = 0.3
    assert given == {"alpha": 0.1}


def test_no_default_of_the_whole_api_is_mutable():
    for name in dp.__all__:
        thing = getattr(dp, name)
        functions = inspect.getmembers(thing, inspect.isfunction) if inspect.isclass(thing) else []
        for _, function in functions:
            for parameter in inspect.signature(function).parameters.values():
                assert not isinstance(parameter.default, (dict, list, set, np.ndarray))


def test_wrong_data_are_refused():
    with pytest.raises(ShapeError, match="one_hot_encoding"):
        SGD(Line(), X, Y[:, 0])
    with pytest.raises(ShapeError, match="one row an example"):
        SGD(Line(), X, Y[:-1])
    with pytest.raises(ShapeError):
        SGD(Line(), X[:0], Y[:0])
    with pytest.raises(ArgumentError, match="batch_size"):
        SGD(Line(), X, Y, batch_size=0)
    with pytest.raises(ArgumentError, match="steps"):
        SGD(Line(), X, Y).train(steps=0)
    with pytest.raises(ArgumentError, match=r"batch_size=2\.5 is no whole number"):
        SGD(Line(), X, Y, batch_size=2.5)
    with pytest.raises(ArgumentError, match=r"steps=2\.5 is no whole number"):
        SGD(Line(), X, Y).train(steps=2.5)


@pytest.mark.parametrize("given", [0.1, "alpha", {"alpha": "0.1"}, {"beta": None}])
def test_hyperparameters_of_wrong_types_are_refused(given):
    with pytest.raises(ArgumentError, match=r"come as a dict|is no number"):
        SGD(Line(), X, Y, given)


def test_a_class_is_no_model():
    with pytest.raises(ArgumentError, match=r"make one first: Line\(\)"):
        SGD(Line, X, Y)


def test_a_diverging_training_says_so():
    with pytest.raises(DivergedError, match="smaller alpha"), np.errstate(all="ignore"):
        SGD(Line(), X, Y, {"alpha": 10.0}).train(500, 0)


def test_the_base_class_is_no_optimizer():
    with pytest.raises(TypeError, match="abstract"):
        Optimizer(Line(), X, Y)


def test_optimizers_are_also_under_optimizer():
    for name in ("SGD", "SGD_Momentum", "RMS_Prop", "Adam", "Optimizer"):
        assert getattr(dp.optimizer, name) is getattr(dp, name)
