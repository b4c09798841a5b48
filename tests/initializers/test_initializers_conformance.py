"""One conformance suite over all initializers: the variance they promise, in every kind of layer."""

import math

import pytest
import torch
from torch import nn

from neurarium.core.errors import OptionError
from neurarium.core.members import find, table
from neurarium.core.recipe import build, recipe_of
from neurarium.initializers import Fans, GlorotNormal, HeNormal, LeCunNormal, Orthogonal, fans_of, initialize

STD = {
    "gaussian": lambda fans: 0.01,
    "truncated-normal": lambda fans: 0.02,
    "uniform": lambda fans: 0.05 / math.sqrt(3),
    "glorot-normal": lambda fans: math.sqrt(2 / (fans.inputs + fans.outputs)),
    "glorot-uniform": lambda fans: math.sqrt(2 / (fans.inputs + fans.outputs)),
    "lecun-normal": lambda fans: math.sqrt(1 / fans.inputs),
    "lecun-uniform": lambda fans: math.sqrt(1 / fans.inputs),
    "he-normal": lambda fans: math.sqrt(2 / fans.inputs),
    "he-uniform": lambda fans: math.sqrt(2 / fans.inputs),
}
ALL = sorted(set(table("initializer")) - {"lsuv", "depth-scaled"})


@pytest.mark.parametrize("name", STD)
def test_standard_deviation(name):
    weight, initializer = torch.empty(300, 400), find("initializer", name)()
    initializer(weight, generator=torch.Generator().manual_seed(0))
    assert weight.std().item() == pytest.approx(STD[name](Fans(400, 300)), rel=0.01)
    assert abs(weight.mean()) < 0.01 * weight.std()


@pytest.mark.parametrize("name", ["glorot", "lecun", "he"])
def test_agrees_with_torch_on_kernels(name):
    functions = {"glorot": nn.init.xavier_normal_, "lecun": None, "he": nn.init.kaiming_normal_}
    ours, theirs = torch.empty(64, 32, 5, 5), torch.empty(64, 32, 5, 5)
    find("initializer", f"{name}-normal")()(ours)
    if functions[name]:
        functions[name](theirs)
    else:
        nn.init.kaiming_normal_(theirs, nonlinearity="linear")
    assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.02)


def test_uniform_bounds():
    weight = torch.empty(300, 500)
    for name, bound in {"glorot-uniform": 6 / 800, "lecun-uniform": 3 / 500, "he-uniform": 6 / 500}.items():
        find("initializer", name)()(weight)
        assert weight.abs().max().item() == pytest.approx(math.sqrt(bound), rel=1e-3)
        assert weight.abs().max() <= math.sqrt(bound)


def test_xavier_is_glorot_and_not_lecun():
    assert GlorotNormal().std(Fans(100, 300)) == pytest.approx(math.sqrt(2 / 400))
    assert LeCunNormal().std(Fans(100, 300)) == pytest.approx(math.sqrt(1 / 100))


def test_he_knows_the_slope_and_the_direction():
    assert HeNormal(slope=1.0).std(Fans(100, 300)) == pytest.approx(0.1)
    assert HeNormal(keeps="gradient").std(Fans(100, 200)) == pytest.approx(0.1)


def test_truncated_normal_has_no_tail():
    weight = torch.empty(1000, 100)
    find("initializer", "truncated-normal")(std=1.0, cut=1.5)(weight)
    parent = 1 / torch.distributions.Normal(0, 1).cdf(torch.tensor(1.5))
    assert weight.std().item() == pytest.approx(1.0, rel=0.01)
    assert weight.abs().max() / weight.std() < 2.1 and parent > 1


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (6, 6), (4, 3, 3, 3)])
def test_orthogonal_rows_or_columns(shape):
    weight = torch.empty(shape)
    Orthogonal(gain=2.0)(weight)
    matrix = weight.flatten(1)
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    assert torch.allclose(product, 4 * torch.eye(len(product)), atol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_each_reaches_every_layer_and_comes_back_from_its_recipe(name):
    network = nn.ModuleDict(
        {
            "linear": nn.Linear(6, 5),
            "conv": nn.Conv2d(3, 4, 3),
            "lstm": nn.LSTM(4, 3),
            "embedding": nn.Embedding(7, 2),
        }
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(99.0)
    touched = initialize(network, name)
    assert touched == [each for each, _ in network.named_parameters()]
    for each, parameter in network.named_parameters():
        assert (parameter.abs() < 20).all()
        assert "bias" not in each or (parameter == 0).all()
    initializer = find("initializer", name)()
    again = build(recipe_of(initializer).to_json())
    left, right = torch.empty(4, 4), torch.empty(4, 4)
    initializer(left, generator=torch.Generator().manual_seed(1))
    again(right, generator=torch.Generator().manual_seed(1))
    assert torch.equal(left, right)


def test_low_precision_weights_are_filled():
    weight = torch.empty(200, 200, dtype=torch.bfloat16)
    for name in ("he-normal", "orthogonal", "truncated-normal"):
        find("initializer", name)()(weight)
        assert torch.isfinite(weight).all() and weight.std() > 0


def test_fans():
    assert fans_of(torch.empty(5)) == Fans(5, 1)
    assert fans_of(torch.empty(8, 3, 2)) == Fans(6, 16)


def test_wrong_options_are_refused():
    for name, options in {
        "gaussian": {"std": 0},
        "uniform": {"bound": -1},
        "orthogonal": {"gain": 0},
    }.items():
        with pytest.raises(OptionError, match="not positive"):
            find("initializer", name)(**options)
