"""FedAvg: weights averaged directly, over any local method; one client is central training, bit by bit."""

from __future__ import annotations

import copy

import pytest
import torch
import zoo
from distillation import Distillation
from fedavg import FedAvg, Rounds
from gan import GAN
from torch import nn

from neurarium.core import batches
from neurarium.core.errors import RefusalError
from neurarium.data.examples import Examples
from neurarium.data.sources import Minibatches
from neurarium.data.specs import Classes
from neurarium.methods.supervised import Supervised
from neurarium.training.fitting import fit

PLAIN = {"optimizer": "sgd", "learning_rate": 0.2, "optimizer_options": {"momentum": 0.0}}
TARGETS = Classes(("a", "b", "c"))


def supervised(kind: str, dtype: torch.dtype = torch.float32) -> Supervised:
    return Supervised(zoo.network(kind, dtype=dtype), targets=TARGETS, **PLAIN)


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_one_client_is_central_training_bitwise(kind):
    examples = Examples(zoo.batch(kind, 30))
    central, federated = supervised(kind), FedAvg(supervised(kind))
    start = copy.deepcopy(central.network.state_dict())
    fit(central, Minibatches(examples, 8, seed=5), epochs=3, progress=False)
    fit(federated, Rounds([examples], 8, seed=5), epochs=3, progress=False)
    for name, each in central.network.state_dict().items():
        assert torch.equal(each, federated.deployed.state_dict()[name]), name
    assert not torch.equal(central.network.head.weight, start["head.weight"])


@pytest.mark.parametrize("kind", [kind for kind in zoo.KINDS if kind != "cnn"])
def test_one_step_per_client_is_a_step_on_all_data(kind):
    """Clients count by their examples: 20, 6 and 4 of them give the gradient of all 30."""
    batch = zoo.batch(kind, 30, dtype=torch.float64)
    parts = [Examples(batches.take(batch, slice(a, b))) for a, b in ((0, 20), (20, 26), (26, 30))]
    central, federated = supervised(kind, torch.float64), FedAvg(supervised(kind, torch.float64))
    fit(central, Minibatches(Examples(batch), 30), epochs=1, progress=False)
    fit(federated, Rounds(parts, 30), epochs=1, progress=False)
    for a, b in zip(central.network.parameters(), federated.deployed.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-12, rtol=0)


def test_statistics_are_averaged_too():
    batch = zoo.batch("cnn", 24, dtype=torch.float64)
    parts = [Examples(batches.take(batch, slice(a, b))) for a, b in ((0, 16), (16, 24))]
    federated = FedAvg(supervised("cnn", torch.float64))
    alone = [supervised("cnn", torch.float64) for _ in parts]
    fit(federated, Rounds(parts, 30), epochs=1, progress=False)
    for method, part in zip(alone, parts, strict=True):
        fit(method, Minibatches(part, 30), epochs=1, progress=False)
    means = [method.network.norm.running_mean for method in alone]
    assert torch.allclose(
        federated.deployed.norm.running_mean, (16 * means[0] + 8 * means[1]) / 24, atol=1e-12
    )
    assert not torch.allclose(means[0], means[1], atol=1e-6)
    assert int(federated.deployed.norm.num_batches_tracked) == 1


LOCAL = {
    "gan": lambda: GAN(zoo.Imitator(), zoo.network("mlp", outputs=1), torch.sin, **PLAIN),
    "distillation": lambda: Distillation(zoo.network("mlp"), zoo.network("mlp", seed=3), **PLAIN),
}


@pytest.mark.parametrize("name", LOCAL)
def test_any_local_method_is_averaged_whole(name):
    """All networks of all roles, so that one client is local training here too; a frozen teacher stays."""
    examples = Examples(zoo.batch("mlp", 24))
    local, federated = LOCAL[name](), FedAvg(LOCAL[name]())
    fit(local, Minibatches(examples, 8), epochs=2, progress=False)
    fit(federated, Rounds([examples], 8), epochs=2, progress=False)
    pairs = dict(federated.local.named_parameters())
    for key, each in local.named_parameters():
        assert torch.equal(each, pairs[key]), key


def test_a_run_resumes_bitwise(tmp_path):
    parts = [Examples(zoo.batch("mlp", count, seed)) for seed, count in enumerate((20, 12))]
    whole, begun, resumed = (FedAvg(supervised("mlp")) for _ in range(3))
    fit(whole, Rounds(parts, 8), epochs=4, progress=False)
    fit(begun, Rounds(parts, 8), epochs=2, progress=False, out=tmp_path / "run")
    fit(resumed, Rounds(parts, 8), epochs=4, progress=False, out=tmp_path / "run", resume=True)
    for a, b in zip(whole.deployed.parameters(), resumed.deployed.parameters(), strict=True):
        assert torch.equal(a, b)


def test_it_learns_from_clients_of_one_class_each():
    batch = zoo.batch("mlp", 300)
    parts = [Examples(batches.take(batch, (batch["targets"] == c).nonzero()[:, 0])) for c in range(3)]
    federated = FedAvg(Supervised(nn.Linear(6, 3), targets=TARGETS, **PLAIN))
    fit(federated, Rounds(parts, 50), epochs=30, progress=False)
    test = zoo.batch("mlp", 200, seed=8)
    accuracy = (federated.deployed(test["inputs"]).argmax(1) == test["targets"]).float().mean()
    assert float(accuracy) > 0.85


def test_sharding_is_refused_by_name():
    parts = [Examples(zoo.batch("mlp", 8))]
    with pytest.raises(RefusalError, match="FedAvg cannot train sharded parameters"):
        fit(FedAvg(supervised("mlp")), Rounds(parts), steps=1, shard=True, progress=False)
