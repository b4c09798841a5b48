"""The estimate of memory against what autograd really keeps, and what optimizers really hold."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from training_helpers import classes, classifier, difference, examples, regression

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.training.descent import Descent
from neurarium.training.need import estimate_need, watched

FACTOR = 1.05  # what the estimate may be off by
ROUNDED = 1.2  # the fused LSTM rounds its workspace up to sixteen examples


def mlp() -> nn.Module:
    layers = [
        each for _ in range(4) for each in (nn.Linear(32, 32), nn.GELU(), nn.LayerNorm(32), nn.Dropout(0.1))
    ]
    return nn.Sequential(nn.Linear(16, 32), *layers, nn.Linear(32, 3))


def cnn() -> nn.Module:
    return nr.networks.SmallCNN(1, 3, widths=(8, 16))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.head = nn.LSTM(4, 16, 2, batch_first=True), nn.Linear(16, 3)

    def forward(self, inputs):
        return self.head(self.cell(inputs)[0][:, -1])


CASES = {
    "mlp": (mlp, (16,)),
    "cnn": (cnn, (1, 12, 12)),
    "lstm": (Recurrent, (12, 4)),
    "transformer": (lambda: nr.networks.FTTransformer(6, 3, width=32, blocks=2), (6,)),
}


def method_and_batch(name: str, count: int, **options):
    build, shape = CASES[name]
    torch.manual_seed(0)
    loss = nr.losses.CrossEntropy()
    batch = {"inputs": torch.randn(count, *shape), "targets": torch.randint(0, 3, (count,))}
    return nr.methods.Supervised(build(), loss=loss, **options), batch


def actual(method, batch) -> int:
    tried = copy.deepcopy(method).train()
    with watched(tried, batch) as saved:
        tried.step(batch)
    assert saved.now == 0  # all of it is free again after backward
    return saved.peak


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [32, 96])
def test_activations_of_a_batch_are_foretold_from_eight_examples(name, size):
    method, batch = method_and_batch(name, size)
    need = estimate_need(method, batch, batch_size=size)
    factor = ROUNDED if name == "lstm" else FACTOR
    assert actual(method, batch) / factor < need.activations < actual(method, batch) * factor


@pytest.mark.parametrize(
    ("options", "states"),
    [({"optimizer": "adamw"}, 2), ({"optimizer": "sgd"}, 1), ({"optimizer": "adamw", "average": 0.9}, 3)],
)
def test_states_are_counted(options, states):
    method, batch = method_and_batch("mlp", 8, **options)
    need = estimate_need(method, batch, batch_size=8)
    weights = 4 * sum(each.numel() for each in method.parameters())
    assert need.parameters == need.gradients == weights
    assert states * weights <= need.optimizer <= states * weights + 200


def test_lbfgs_counts_the_history_that_it_will_fill():
    method, batch = method_and_batch("mlp", 8, optimizer="lbfgs")
    weights = 4 * sum(each.numel() for each in method.parameters())
    assert estimate_need(method, batch).optimizer > 200 * weights


def test_micro_batches_need_less():
    one, batch = method_and_batch("mlp", 64)
    four, _ = method_and_batch("mlp", 64, accumulate=4)
    whole, parts = estimate_need(one, batch, batch_size=64), estimate_need(four, batch, batch_size=64)
    assert parts.parts == 4 and parts.batch == whole.batch
    assert parts.activations < 0.3 * whole.activations
    assert actual(four, batch) / FACTOR < parts.activations < actual(four, batch) * FACTOR


def test_blocks_that_are_computed_twice_need_less():
    torch.manual_seed(0)
    parts = [nn.Sequential(nn.Linear(16, 16), nn.GELU(), nn.LayerNorm(16)) for _ in range(6)]
    method = nr.methods.Supervised(nn.Sequential(*parts, nn.Linear(16, 3)), loss=nr.losses.CrossEntropy())
    batch = {"inputs": torch.randn(64, 16), "targets": torch.randint(0, 3, (64,))}
    whole = estimate_need(method, batch, batch_size=64)
    less = estimate_need(method, batch, batch_size=64, rematerialize=True)
    assert less.activations < 0.6 * whole.activations


def test_the_largest_batch_fits_and_one_more_does_not():
    method, batch = method_and_batch("cnn", 8)
    need = estimate_need(method, batch, batch_size=8)
    largest = need.largest_batch(10_000_000)
    assert largest > 100
    assert estimate_need(method, batch, batch_size=largest).total <= 10_000_000
    assert estimate_need(method, batch, batch_size=largest + 1).total > 10_000_000
    assert need.largest_batch(1000) == 0


def test_the_method_stays_as_it_is():
    method, data = classifier(), classes()
    before, chance = copy.deepcopy(dict(method.state_dict())), torch.get_rng_state()
    told = str(estimate_need(method, data, batch_size=1000))
    assert difference(before, dict(method.state_dict())) is None
    assert torch.equal(chance, torch.get_rng_state())
    assert "for batches of 1000: parameters 268 bytes" in told


def test_several_descents_are_counted_together():
    class Two(nr.Method):
        def __init__(self):
            super().__init__()
            self.network, self.other = nn.Linear(4, 4), nn.Linear(4, 4)
            self.first, self.second = Descent(self.network), Descent(self.other, optimizer="sgd")

        def step(self, batch):
            self.first(lambda x: (self.network(x).square().sum(), len(x)), batch)
            return self.second(lambda x: (self.other(x).square().sum(), len(x)), batch)

    need = estimate_need(Two(), torch.randn(8, 4), batch_size=8)
    assert need.parameters == need.gradients == 2 * 20 * 4
    assert 3 * 80 <= need.optimizer <= 3 * 80 + 20


def test_one_example_is_too_few():
    with pytest.raises(OptionError, match="two examples or more"):
        estimate_need(regression(), examples(1)[:])
