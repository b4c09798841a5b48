import hypothesis
import pytest
import torch
from hypothesis import strategies
from torch import nn

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import build, recipe_of
from neurarium.layers import AlphaDropout, ChannelDropout, Dropout, GaussianDropout, StochasticDepth

FAMILY = [Dropout, AlphaDropout, ChannelDropout, GaussianDropout, StochasticDepth]


@pytest.mark.parametrize("kind", FAMILY)
def test_is_the_identity_outside_training_and_at_rate_zero(kind):
    inputs = torch.randn(5, 4, 3)
    assert torch.equal(kind(0.5).eval()(inputs), inputs)
    assert torch.equal(kind(0.0).train()(inputs), inputs)


@pytest.mark.parametrize("kind", FAMILY)
def test_keeps_the_mean_and_leaves_the_input_alone(kind):
    torch.manual_seed(0)
    inputs = torch.randn(20_000, 10) if kind is AlphaDropout else torch.ones(20_000, 10)
    before = inputs.clone()
    outputs = kind(0.3)(inputs)
    assert abs(outputs.mean() - inputs.mean()) < 0.02
    assert not torch.equal(outputs, inputs) and torch.equal(inputs, before)


@pytest.mark.parametrize("kind", FAMILY)
def test_recipe_and_refusal(kind):
    assert type(build(recipe_of(kind(0.2)).to_json())) is kind
    for rate in (-0.1, 1.1):
        with pytest.raises(OptionError, match="rate"):
            kind(rate)


@hypothesis.settings(max_examples=20, deadline=None)
@hypothesis.given(rate=strategies.floats(0.05, 0.9))
def test_share_of_zeros_is_the_rate(rate):
    torch.manual_seed(1)
    for module in (Dropout(rate), ChannelDropout(rate), StochasticDepth(rate)):
        outputs = module(torch.ones(20_000, 1))
        assert abs((outputs == 0).float().mean() - rate) < 0.02
        assert torch.allclose(
            outputs.max(), torch.tensor(1 / (1 - rate)), rtol=1e-4
        )  # rates in steps of 2^-16


def test_rate_one_is_zero_and_not_nan():
    for module in (Dropout(1.0), ChannelDropout(1.0), StochasticDepth(1.0)):
        assert (module(torch.ones(4, 3)) == 0).all()


def test_alpha_dropout_keeps_the_fixed_point_of_selu():
    torch.manual_seed(0)
    inputs = nn.SELU()(torch.randn(200_000, 4))
    outputs = AlphaDropout(0.2)(inputs)
    assert abs(outputs.mean()) < 0.01 and abs(outputs.var() - 1) < 0.02
    assert (outputs.round(decimals=4).unique(return_counts=True)[1].max() / outputs.numel()) > 0.19


def test_gaussian_dropout_has_the_variance_of_dropout():
    torch.manual_seed(0)
    assert abs(GaussianDropout(0.2)(torch.ones(400_000)).var() - 0.25) < 0.005


def test_whole_channels_are_dropped():
    outputs = ChannelDropout(0.5)(torch.ones(50, 8, 4, 4))
    assert torch.equal(outputs, outputs[:, :, :1, :1].expand_as(outputs))
    assert not torch.equal(outputs[:, :1].expand_as(outputs), outputs)
    sequence = ChannelDropout(0.5, dim=-1)(torch.ones(50, 7, 8))
    assert torch.equal(sequence, sequence[:, :1].expand_as(sequence))
    with pytest.raises(ShapeError):
        ChannelDropout(0.5)(torch.ones(3))
