"""MAML: a gradient through gradient steps, on every network, with statistics that adaptation does not move."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import zoo
from maml import MAML
from torch.nn.functional import cross_entropy

from neurarium.core import batches
from neurarium.core.errors import RefusalError
from neurarium.data.examples import Examples
from neurarium.data.sources import Minibatches
from neurarium.training.context import Context
from neurarium.training.fitting import fit


def tasks(kind: str, count: int, dtype: torch.dtype = torch.float64, shots: int = 6) -> dict[str, Any]:
    """Return tasks that differ in how their classes are named: none can be done without its support set."""
    made = []
    for number in range(count):
        part = zoo.batch(kind, 2 * shots, seed=number, dtype=dtype)
        part["targets"] = (part["targets"] + number) % 3
        made.append(
            {"support": batches.take(part, slice(0, shots)), "query": batches.take(part, slice(shots, None))}
        )
    return batches.stack(made)


def make(kind: str, dtype: torch.dtype = torch.float64, **options: Any) -> MAML:
    method = MAML(zoo.network(kind, dtype=dtype), cross_entropy, **{"rate": 0.3, "inner_steps": 2, **options})
    method.begin(Context())
    return method


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_meta_gradient_is_that_of_finite_differences(kind):
    method, batch = make(kind, optimizer="sgd", learning_rate=1e-12), tasks(kind, 2)
    method.step(batch)
    chance = torch.Generator().manual_seed(0)
    for name, parameter in method.network.named_parameters():
        direction = torch.randn(parameter.shape, generator=chance, dtype=torch.float64)
        values = []
        for sign in (1, -1):
            parameter.data.add_(direction, alpha=sign * 1e-5)
            total, weight = method.meta_loss(batch)
            values.append(float(total.detach()) / weight)
            parameter.data.add_(direction, alpha=-sign * 1e-5)
        slope = float((parameter.grad * direction).sum())
        assert slope == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-5, abs=1e-8), name


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_second_order_is_not_the_first(kind, monkeypatch):
    """Without the derivative of the inner steps the gradient is another one: the test above is no accident."""
    true, cut = (
        make(kind, optimizer="sgd", learning_rate=1e-12),
        make(kind, optimizer="sgd", learning_rate=1e-12),
    )
    true.step(tasks(kind, 2))
    gradient = torch.autograd.grad
    monkeypatch.setattr(torch.autograd, "grad", lambda *a, create_graph: [g.detach() for g in gradient(*a)])
    cut.step(tasks(kind, 2))
    pairs = zip(true.network.parameters(), cut.network.parameters(), strict=True)
    assert max(float((a.grad - b.grad).abs().max()) for a, b in pairs) > 1e-3


def test_adaptation_moves_no_statistics():
    method = make("cnn")
    before = {name: each.clone() for name, each in method.network.named_buffers()}
    method.step(tasks("cnn", 3))
    assert before  # BatchNorm's
    for name, each in method.network.named_buffers():
        assert torch.equal(each, before[name]), name


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_it_learns_to_adapt(kind):
    method = make(kind, torch.float32, optimizer="adam", learning_rate=0.03, inner_steps=1, rate=0.5)
    data = tasks(kind, 6, torch.float32, shots=9)

    def loss(inner_steps: int) -> float:
        method.inner_steps = inner_steps
        total, weight = method.meta_loss(data)
        return float(total.detach()) / weight

    assert loss(1) > 1.0  # ln 3 = 1.099 is that of a guess
    fit(method, Minibatches(Examples(data), batch_size=3), steps=40, progress=False)
    assert loss(1) < 0.85
    assert loss(0) > loss(1) + 0.1  # it is adaptation that helps: tasks name their classes differently


def test_it_refuses_compiled_and_sharded_networks_by_name():
    with pytest.raises(RefusalError, match="MAML differentiates twice"):
        fit(make("mlp"), [tasks("mlp", 2)], steps=1, compile=True, progress=False)
    with pytest.raises(RefusalError, match="MAML cannot train sharded parameters"):
        fit(make("mlp"), [tasks("mlp", 2)], steps=1, shard=True, progress=False)
