"""Dropout that stays on in prediction."""

from __future__ import annotations

import copy

import pytest
import torch

from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.recipe import build, recipe_of
from neurarium.layers import AlphaDropout, ChannelDropout, DropConnect, GaussianDropout
from neurarium.networks import MLP, FTTransformer, MonteCarloDropout


def test_its_samples_have_the_mean_and_variance_of_dropout():
    network = MLP(3, 1, widths=(4,), activation="identity", dropout=0.5)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.body[0].bias.fill_(1.0)
        network.head.weight.fill_(1.0)
    # Four units of 1, each kept with probability 1/2 and doubled: mean 4, variance 4 * 4 * 1/4.
    draws = MonteCarloDropout(network, samples=20_000, seed=0).eval().members(torch.zeros(1, 3))
    assert draws.mean().item() == pytest.approx(4.0, abs=0.05)
    assert draws.var().item() == pytest.approx(4.0, abs=0.1)


def test_only_dropout_is_by_chance_and_statistics_stay():
    torch.manual_seed(0)
    network = MLP(3, 2, widths=(8,), normalization="batch", dropout=0.2)
    network.train()(torch.randn(64, 3))
    before = copy.deepcopy(dict(network.named_buffers()))
    sampled = MonteCarloDropout(network, samples=8, seed=3).eval()
    inputs = torch.randn(5, 3)
    members = sampled.members(inputs)
    assert members.shape == (5, 8, 2)
    assert members.std(dim=1).min() > 0
    assert torch.equal(members, sampled.members(inputs))
    torch.testing.assert_close(sampled(inputs), members.mean(dim=1))
    for name, buffer in network.named_buffers():
        assert torch.equal(buffer, before[name])
    assert not network.body[1].training and network.body[3].training


def test_a_seed_leaves_the_global_chance_alone():
    sampled = MonteCarloDropout(MLP(3, 1, dropout=0.5), samples=4, seed=0).eval()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    sampled(torch.zeros(2, 3))
    assert torch.equal(torch.rand(3), expected)
    free = MonteCarloDropout(MLP(3, 1, dropout=0.5), samples=4).eval()
    assert not torch.equal(free(torch.ones(2, 3)), free(torch.ones(2, 3)))


def test_dropout_on_attention_weights_counts():
    torch.manual_seed(0)
    network = FTTransformer(3, 1, width=8, heads=2, blocks=2, dropout=0.0, attention_dropout=0.3)
    members = MonteCarloDropout(network, samples=6).eval().members(torch.randn(4, 3))
    assert members.std(dim=1).min() > 0


@pytest.mark.parametrize("layer", [GaussianDropout(0.3), ChannelDropout(0.3), AlphaDropout(0.3)])
def test_every_kind_of_dropout_counts(layer):
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 8), layer, torch.nn.Linear(8, 1))
    assert MonteCarloDropout(network, samples=6).eval().members(torch.randn(4, 3)).std(dim=1).min() > 0
    connected = DropConnect(torch.nn.Linear(3, 1), 0.5)
    assert MonteCarloDropout(connected, samples=6).eval()(torch.ones(4, 3)).shape == (4, 1)


def test_in_training_it_is_the_network_with_one_draw():
    network = MLP(3, 1, dropout=0.5)
    sampled = MonteCarloDropout(network, samples=7)
    assert sampled.ensemble_size == 1
    assert sampled.members(torch.zeros(2, 3)).shape == (2, 1, 1)
    assert sampled.eval().ensemble_size == 7


def test_it_is_rebuilt_from_its_recipe():
    sampled = MonteCarloDropout(MLP(3, 1, dropout=0.5), samples=4, combination="sigmoid", seed=1).eval()
    rebuilt = build(recipe_of(sampled).to_json()).eval()
    rebuilt.load_state_dict(sampled.state_dict())
    inputs = torch.randn(2, 3)
    assert torch.equal(rebuilt(inputs), sampled(inputs))


def test_mistakes_are_named():
    with pytest.raises(RefusalError, match="no dropout"):
        MonteCarloDropout(MLP(3, 1))
    with pytest.raises(OptionError, match="no sample"):
        MonteCarloDropout(MLP(3, 1, dropout=0.5), samples=0)
