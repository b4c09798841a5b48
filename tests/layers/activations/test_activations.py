"""One conformance suite over all activations, and the equation of each in NumPy."""

import math

import numpy
import pytest
import torch
from scipy.special import erf, expit, log1p
from torch import nn

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.members import find, table
from neurarium.core.recipe import build, recipe_of
from neurarium.layers.activations import GLU, LeakyReLU, Maxout, PReLU, Softplus, activation


def halves(x):
    return numpy.split(x, 2, axis=-1)


def gelu(x):
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805
EQUATIONS = {
    "identity": lambda x: x,
    "sigmoid": lambda x: 1 / (1 + numpy.exp(-x)),
    "hard-sigmoid": lambda x: numpy.clip(x / 6 + 0.5, 0, 1),
    "softmax": lambda x: numpy.exp(x) / numpy.exp(x).sum(-1, keepdims=True),
    "tanh": lambda x: (numpy.exp(x) - numpy.exp(-x)) / (numpy.exp(x) + numpy.exp(-x)),
    "hard-tanh": lambda x: numpy.clip(x, -1, 1),
    "relu": lambda x: numpy.maximum(0, x),
    "leaky-relu": lambda x: numpy.maximum(0.01 * x, x),
    "prelu": lambda x: numpy.where(x > 0, x, 0.25 * x),
    "elu": lambda x: numpy.where(x > 0, x, numpy.exp(x) - 1),
    "selu": lambda x: SCALE * numpy.where(x > 0, x, ALPHA * (numpy.exp(x) - 1)),
    "softplus": lambda x: numpy.log(1 + numpy.exp(x)),
    "gelu": gelu,
    "gelu-tanh": lambda x: 0.5 * x * (1 + numpy.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x * expit(x),
    "hard-swish": lambda x: x * numpy.clip(x / 6 + 0.5, 0, 1),
    "mish": lambda x: x * numpy.tanh(log1p(numpy.exp(x))),
    "glu": lambda x: halves(x)[0] * expit(halves(x)[1]),
    "geglu": lambda x: halves(x)[0] * gelu(halves(x)[1]),
    "swiglu": lambda x: halves(x)[0] * halves(x)[1] * expit(halves(x)[1]),
    "maxout": lambda x: x.reshape(*x.shape[:-1], -1, 2).max(-1),
}
NAMES = sorted(table("activation"))


def inputs():
    return torch.linspace(-7.31, 6.93, 120, dtype=torch.float64).reshape(12, 10)


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_its_equation(name):
    found = find("activation", name)().double()(inputs()).detach().numpy()
    assert numpy.abs(found - EQUATIONS[name](inputs().numpy())).max() < 1e-10


@pytest.mark.parametrize("name", NAMES)
def test_derivative_is_that_of_finite_differences(name):
    module = find("activation", name)().double()
    assert torch.autograd.gradcheck(module, inputs()[::3].requires_grad_())


@pytest.mark.parametrize("name", NAMES)
def test_extreme_inputs_give_finite_outputs_and_gradients(name):
    extreme = torch.tensor([[1e4, -1e4, 0.0, -1e4, 1e4, 1e4]], requires_grad=True)
    outputs = find("activation", name)()(extreme)
    outputs.sum().backward()
    assert torch.isfinite(outputs).all() and torch.isfinite(extreme.grad).all()


@pytest.mark.parametrize("name", NAMES)
def test_never_in_place_and_never_shared(name):
    module, given = activation(name), inputs().float()
    before = given.clone()
    module(given)
    assert torch.equal(given, before)
    assert not getattr(module, "inplace", False)
    assert activation(name) is not module


@pytest.mark.parametrize("name", NAMES)
def test_widening_says_how_many_numbers_make_one(name):
    module = activation(name)
    assert module(inputs().float()).shape == (12, 10 // module.widening)


@pytest.mark.parametrize("name", NAMES)
def test_recipe_builds_the_same(name):
    module = activation(name)
    again = build(recipe_of(module).to_json())
    assert type(again) is type(module) and torch.equal(again(inputs().float()), module(inputs().float()))


def test_explainers_recognise_those_that_torch_has():
    for name, kind in {"relu": nn.ReLU, "selu": nn.SELU, "gelu": nn.GELU, "softplus": nn.Softplus}.items():
        assert isinstance(activation(name), kind)


def test_leaky_relu_is_the_maximum_for_small_slopes_alone():
    x = inputs()
    assert torch.equal(LeakyReLU(0.3)(x), torch.maximum(0.3 * x, x))
    assert torch.equal(LeakyReLU(2.0)(x), torch.where(x > 0, x, 2 * x))
    assert (LeakyReLU(2.0)(x) != torch.maximum(2 * x, x)).any()


def test_prelu_learns_its_slope_per_channel():
    module = PReLU(channels=2, slope=0.1)
    module(torch.tensor([[-1.0, -3.0], [1.0, -1.0]])).sum().backward()
    assert module.weight.grad.tolist() == [-1.0, -4.0]


def test_forms_of_gelu_differ_by_less_than_one_thousandth():
    x = inputs()
    gap = (activation("gelu")(x) - activation("gelu-tanh")(x)).abs().max()
    assert 1e-4 < gap < 1e-3


def test_softplus_is_exact_where_torch_turns_to_the_line():
    x = torch.tensor([21.0, 25.0], dtype=torch.float64)
    assert (Softplus()(x) - torch.log1p(torch.exp(x))).abs().max() < 1e-14
    assert (nn.Softplus()(x) - torch.log1p(torch.exp(x))).abs().max() > 1e-10


def test_selu_keeps_mean_zero_and_variance_one():
    x = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0))
    y = activation("selu")(x)
    assert abs(y.mean()) < 0.005 and abs(y.var() - 1) < 0.005


def test_gated_units_take_any_axis():
    x = torch.randn(2, 6, 5)
    assert torch.allclose(GLU(dim=1)(x), nn.functional.glu(x, dim=1))
    assert torch.equal(Maxout(3, dim=1)(x), x.unflatten(1, (2, 3)).amax(2))
    assert torch.equal(Maxout(3, dim=-2)(x), Maxout(3, dim=1)(x))


def test_refusals():
    with pytest.raises(ShapeError, match="even"):
        GLU()(torch.zeros(2, 3))
    with pytest.raises(ShapeError, match="multiple of 3"):
        Maxout(3)(torch.zeros(2, 4))
    with pytest.raises(OptionError):
        Maxout(1)
    with pytest.raises(OptionError, match="did you mean 'leaky-relu'"):
        activation("leaky_relu")
    with pytest.raises(OptionError, match="slope"):
        activation("leaky-relu", slop=1)
