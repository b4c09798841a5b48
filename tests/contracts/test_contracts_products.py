"""The product of the parts: methods on transformed networks, methods around methods, on every kind of network."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import pytest
import torch
import zoo
from distillation import Distillation
from fedavg import FedAvg, Rounds
from gan import GAN
from maml import MAML
from prune_quantize import Prune, Quantize, matrices
from sharpness import Sharpness
from torch import nn
from torch.nn.functional import cross_entropy
from wgan_gp import WGANGP

from neurarium.core import batches
from neurarium.core.frozen import Frozen
from neurarium.data.examples import Examples
from neurarium.data.sources import Minibatches
from neurarium.data.specs import Classes
from neurarium.methods.supervised import Supervised
from neurarium.training.fitting import fit
from neurarium.transforms.transformation import transform

TARGETS = Classes(("a", "b", "c"))


def small(kind: str, outputs: int = 3) -> nn.Module:
    """Return a pruned network whose weights are rounded to 8 bits."""
    return transform(transform(zoo.network(kind, outputs=outputs), Prune(0.5)), Quantize(8))


def noise(real: Any) -> Any:
    return zoo.floats(real, lambda each: torch.sin(17 * each))


def tasks(kind: str) -> dict[str, Any]:
    parts = [zoo.batch(kind, 12, seed) for seed in range(2)]
    halves = ({"support": slice(0, 6), "query": slice(6, 12)} for _ in parts)
    return batches.stack(
        [
            {name: batches.take(part, half) for name, half in each.items()}
            for part, each in zip(parts, halves, strict=True)
        ]
    )


METHODS = {
    "supervised": lambda net: Supervised(net, targets=TARGETS, learning_rate=0.05),
    "sharpness": lambda net: Supervised(net, targets=TARGETS, optimizer=partial(Sharpness, lr=0.2)),
    "distillation": lambda net: Distillation(net, copy.deepcopy(net), learning_rate=0.05),
    "maml": lambda net: MAML(net, cross_entropy, rate=0.2, learning_rate=0.05),
    "gan": lambda net: GAN(zoo.Imitator(), net, noise, learning_rate=0.05),
    "wgan-gp": lambda net: WGANGP(zoo.Imitator(), net, noise, critic_steps=1, learning_rate=0.05),
}


@pytest.mark.parametrize("kind", zoo.KINDS)
@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains_a_compressed_network(name, kind):
    """Its weights move, its zeros stay zero, its other values stay on their grid."""
    network = small(kind, outputs=1 if "gan" in name else 3)
    method = METHODS[name](network)
    source = Examples(tasks(kind) if name == "maml" else zoo.batch(kind, 16))
    if name == "distillation":
        with torch.no_grad():
            method.student.head.bias.add_(1.0)
    before = {place: weight.detach().clone() for place, _, _, weight in matrices(network)}
    fit(method, Minibatches(source, 8), epochs=3, progress=False)
    changed = 0
    for place, module, key, weight in matrices(network):
        mask, grid = module.parametrizations[key][0].mask, module.parametrizations[key][1]
        assert (weight[~mask] == 0).all() and int((~mask).sum()) >= int(0.5 * weight.numel()), place
        assert torch.allclose(weight / grid.scale, (weight / grid.scale).round(), atol=1e-3), place
        changed += not torch.equal(weight, before[place])
    assert changed


@pytest.mark.parametrize("kind", ["cnn", "tied"])
def test_federated_distillation_of_a_compressed_student(kind):
    """Three techniques in one: clients teach a pruned, rounded student what a frozen teacher says."""
    teacher, student = zoo.network(kind, seed=4), small(kind)
    before, start = copy.deepcopy(teacher.state_dict()), student.head.weight.detach().clone()
    method = FedAvg(Distillation(student, teacher, learning_rate=0.05))
    parts = [Examples(zoo.batch(kind, 24, seed)) for seed in range(2)]
    fit(method, Rounds(parts, 8), epochs=5, progress=False)
    for name, each in teacher.state_dict().items():
        assert torch.equal(each, before[name]), name
    assert not torch.equal(student.head.weight, start)
    for place, module, key, weight in matrices(student):
        assert (weight[~module.parametrizations[key][0].mask] == 0).all(), place
    assert isinstance(method.local.teacher, Frozen)
