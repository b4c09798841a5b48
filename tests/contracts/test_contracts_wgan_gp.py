"""WGAN-GP: the critic's loss holds a gradient, which is differentiated a second time, through every network."""

from __future__ import annotations

import pytest
import torch
import zoo
from test_contracts_gan import noise
from wgan_gp import WGANGP, mixed

from neurarium.core.batches import map_tensors
from neurarium.core.errors import RefusalError
from neurarium.training.context import Context
from neurarium.training.fitting import fit


def make(kind: str, **options) -> WGANGP:
    critic = zoo.network(kind, outputs=1, dtype=torch.float64)
    method = WGANGP(zoo.Imitator().double(), critic, noise, **options)
    method.begin(Context())
    return method


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_critic_gradient_is_that_of_finite_differences(kind):
    method = make(kind, optimizer="sgd", learning_rate=1e-9)
    method.eval()  # or the statistics of BatchNorm would move between the evaluations
    real = zoo.batch(kind, 4, dtype=torch.float64)["inputs"]
    batch = {"real": real, "noise": noise(real), "share": torch.linspace(0.1, 0.9, 4)}
    method.judging(method.critic_loss, batch)
    generator = torch.Generator().manual_seed(0)
    for parameter in method.critic.parameters():
        direction = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        values = []
        for sign in (1, -1):
            parameter.data.add_(direction, alpha=sign * 1e-5)
            total, weight = method.critic_loss(batch)
            values.append(float(total.detach()) / weight)
            parameter.data.add_(direction, alpha=-sign * 1e-5)
        slope = float((parameter.grad * direction).sum())
        assert slope == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_penalty_pulls_steep_slopes_down_to_one(kind):
    method = make(kind, learning_rate=0.05)
    real = zoo.batch(kind, 16, dtype=torch.float64)["inputs"]
    batch = {"real": real, "noise": noise(real), "share": torch.linspace(0, 1, 16)}
    between = mixed(real, method.generator(batch["noise"]), batch["share"])
    method.critic.head.weight.data.mul_(30)

    def distance():
        inputs = map_tensors(lambda each: each.detach().clone(), between)
        return float((method.slopes(inputs) - 1).abs().mean().detach())

    before = distance()
    for _ in range(60):
        method.judging(method.critic_loss, batch)
    assert distance() < 0.35 * before


def test_it_is_accumulated_like_any_loss():
    whole, parts = make("transformer"), make("transformer", accumulate=3)
    batch = zoo.batch("transformer", 7, dtype=torch.float64)
    for method in (whole, parts):
        torch.manual_seed(2)
        method.step(batch)
    for a, b in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-10, rtol=0)


def test_critic_steps_more_often():
    method = make("mlp", critic_steps=3)
    for _ in range(4):
        method.step(zoo.batch("mlp", 8, dtype=torch.float64))
    assert (method.judging.updates, method.generating.updates) == (12, 4)


def test_it_refuses_compiled_and_sharded_networks_by_name():
    source = [zoo.batch("mlp", 4)]
    with pytest.raises(RefusalError, match="WGANGP differentiates twice"):
        fit(make("mlp"), source, steps=1, compile=True, progress=False)
    with pytest.raises(RefusalError, match="WGANGP cannot train sharded parameters"):
        fit(make("mlp"), source, steps=1, shard=True, progress=False)
