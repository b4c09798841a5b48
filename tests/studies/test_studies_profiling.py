"""Profile and summary: shapes, parameters and multiply-adds against formulas; times that add up."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.studies.probes.profiling import profile, summary


def by_name(found):
    return {each.name: each for each in found.layers}


def test_an_mlp_by_formula():
    network = nr.networks.MLP(784, 10, widths=(256, 64))
    found = summary(network, torch.zeros(8, 784))
    layers = by_name(found)
    assert layers["body.0"].multiply_adds == 8 * 784 * 256
    assert layers["head"].multiply_adds == 8 * 64 * 10
    assert layers["body.2"].parameters == 256 * 64 + 64
    assert layers["body.2"].shape == (8, 64)
    assert found.multiply_adds == 8 * (784 * 256 + 256 * 64 + 64 * 10)
    assert found.parameters == sum(each.numel() for each in network.parameters())
    assert found.examples == 8 and found.seconds is None


def test_a_convolution_by_formula():
    found = summary(nn.Conv2d(3, 16, 5, groups=1), torch.zeros(2, 3, 12, 12))
    assert found.layers[0].shape == (2, 16, 8, 8)
    assert found.multiply_adds == 2 * 16 * 8 * 8 * 3 * 25


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_recurrent_layers_by_formula(kind, gates):
    found = summary(kind(8, 16, 2, batch_first=True, bidirectional=True), torch.zeros(3, 7, 8))
    assert found.layers[0].shape == (3, 7, 32)
    assert found.multiply_adds == 3 * 7 * gates * 16 * 2 * ((8 + 16) + (32 + 16))


def test_attention_counts_scores_and_sums():
    class Attend(nn.Module):
        def forward(self, x):
            return nn.functional.scaled_dot_product_attention(x, x, x)

    found = summary(Attend(), torch.zeros(2, 4, 9, 16))
    assert found.multiply_adds == 2 * 4 * 9 * 9 * (16 + 16)


def test_what_stands_in_a_module_itself_is_not_counted_twice():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.inside, self.scale = nn.Linear(4, 6), nn.Parameter(torch.ones(6, 6))

        def forward(self, x):
            return self.inside(x) @ self.scale

    found = summary(Own(), torch.zeros(5, 4))
    assert [(each.name, each.multiply_adds, each.parameters) for each in found.layers] == [
        ("", 5 * 36, 36),
        ("inside", 5 * 24, 30),
    ]
    assert found.multiply_adds == sum(each.multiply_adds for each in found.layers)


def test_a_layer_used_twice_is_one_row_and_tied_weights_count_once():
    shared = nn.Linear(4, 4)
    found = summary(nn.Sequential(shared, nn.ReLU(), shared), torch.zeros(2, 4))
    layers = by_name(found)
    assert layers["0"].calls == 2 and layers["0"].multiply_adds == 2 * 2 * 16
    assert found.parameters == 20


def test_times_are_taken_and_add_up_to_about_the_whole():
    found = profile(nr.networks.MLP(256, 256, widths=(512, 512)), torch.randn(256, 256), repeats=9)
    own = sum(each.seconds for each in found.layers)
    assert all(each.seconds >= 0 for each in found.layers) and own > 0 and found.seconds > 0
    assert "ms" in str(found).splitlines()[0] and "%" in str(found).splitlines()[0]


def test_the_network_stays_as_it_is():
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
    before = {name: each.clone() for name, each in network.state_dict().items()}
    profile(network, torch.randn(8, 4))
    assert all(torch.equal(before[name], each) for name, each in network.state_dict().items())
    assert all(module.training for module in network.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_methods_runs_datasets_and_dicts():
    iris = nr.data.load("iris")
    method = nr.methods.Supervised(nr.networks.MLP.for_data(iris.inputs, iris.targets, widths=(8,)))
    run = nr.fit(method, iris, epochs=1, progress=False)
    found = [summary(thing, iris) for thing in (method, run, run.network)]
    assert [each.multiply_adds for each in found] == [64 * (4 * 8 + 8 * 3)] * 3
    with pytest.raises(OptionError, match="a network, a method or a run"):
        summary("mlp", torch.zeros(1, 1))


def test_the_table():
    lines = str(summary(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), torch.zeros(2, 4))).splitlines()
    assert lines[0].split() == ["layer", "kind", "output", "parameters", "multiply-adds", "ms", "%"]
    assert lines[1].split() == ["0", "Linear", "2x8", "40", "64"]
    assert lines[-1].split() == ["total", "2", "examples", "40", "64"]
