"""GAN: two descents in one step, gradients accumulated, and neither loss touches the other's network."""

from __future__ import annotations

import copy
from functools import partial

import gan
import pytest
import torch
import zoo

from neurarium.core.batches import concatenate, split
from neurarium.training.context import Context
from neurarium.training.optimizers.sharpness_aware import SharpnessAware


def noise(real):
    return zoo.floats(real, lambda each: torch.sin(17 * each))


def make(kind: str, **options) -> gan.GAN:
    critic = zoo.network(kind, outputs=1, dtype=torch.float64)
    method = gan.GAN(zoo.Imitator().double(), critic, noise, **options)
    method.begin(Context())
    return method


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_each_loss_moves_its_own_network_alone(kind):
    method = make(kind, optimizer="sgd", learning_rate=0.1)
    batch = zoo.batch(kind, 8, dtype=torch.float64)
    before = copy.deepcopy(method.state_dict())
    method.judging(method.critic_loss, {"real": batch["inputs"], "noise": noise(batch["inputs"])})
    critic = [p.grad.clone() for p in method.critic.parameters()]
    assert all(p.grad is None for p in method.generator.parameters())
    assert any((g != 0).any() for g in critic)

    method.generating(method.generator_loss, {"noise": noise(batch["inputs"])})
    assert all(torch.equal(p.grad, g) for p, g in zip(method.critic.parameters(), critic, strict=True))
    assert all(p.grad is not None for p in method.generator.parameters())
    moved = {n: float((p.detach() - before[n]).abs().max()) for n, p in method.named_parameters()}
    assert min(moved[n] for n in moved if n.startswith("generator")) > 1e-9
    assert max(moved[n] for n in moved if n.startswith("critic")) > 1e-6


@pytest.mark.parametrize("kind", [kind for kind in zoo.KINDS if kind != "cnn"])
def test_accumulated_steps_are_those_of_the_whole_batch(kind):
    """But for BatchNorm, whose statistics are those of each micro-batch."""
    whole, parts = make(kind), make(kind, accumulate=3)
    for seed in range(3):
        batch = zoo.batch(kind, 8, seed, dtype=torch.float64)
        losses = [method.step(batch) for method in (whole, parts)]
        assert float(losses[0]["critic"]) == pytest.approx(float(losses[1]["critic"]), abs=1e-6)
    for (name, a), b in zip(whole.named_parameters(), parts.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-10, rtol=0), name


def test_sharpness_aware_descents_climb_with_one_noise():
    """The loss is evaluated twice; its chance is part of the batch, so that both evaluations see the same."""
    method = make("mlp", optimizer=partial(SharpnessAware, lr=0.1, radius=0.1))
    seen = []
    method.noise = lambda real: seen.append(torch.randn_like(real)) or seen[-1]
    method.step(zoo.batch("mlp", 8, dtype=torch.float64))
    assert len(seen) == 2  # one draw per descent, though each evaluates twice


def test_parts_of_a_batch_hold_their_noise():
    """Splitting a batch splits its noise with it: the parts joined are the whole."""
    batch = zoo.batch("lstm", 7, dtype=torch.float64)
    nest = {"real": batch["inputs"], "noise": noise(batch["inputs"])}
    joined = concatenate(split(nest, 3))
    assert torch.equal(joined["noise"]["series"], nest["noise"]["series"])
    assert torch.equal(joined["real"]["lengths"], nest["real"]["lengths"])
