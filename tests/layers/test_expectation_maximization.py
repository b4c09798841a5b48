"""EM routing: the paper's procedure in loops, what it listens to, and its use in place of the other routings."""

from __future__ import annotations

import numpy
import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.layers import EMRouting, em_routing
from neurarium.networks import CapsNet, EfficientCapsNet


def normal(*shape, seed=2):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def routed_by_loops(votes, present, cost, threshold, iterations, scale, least=1e-4):
    """Procedure 1 of the paper, capsule by capsule, with its lambda of scale * wholes / (parts * h)."""
    wholes, parts, width = votes.shape
    shares = numpy.full((parts, wholes), 1 / wholes)
    means, variances, there = numpy.zeros((wholes, width)), numpy.zeros((wholes, width)), numpy.zeros(wholes)
    for turn in range(iterations):
        rate = scale * (1 - 0.95 ** (turn + 1)) * wholes / (parts * width)
        for j in range(wholes):  # M step
            weights = [shares[i, j] * present[i] for i in range(parts)]
            total = 0.0
            for h in range(width):
                means[j, h] = sum(w * votes[j, i, h] for i, w in enumerate(weights)) / sum(weights)
                variances[j, h] = sum(
                    w * (votes[j, i, h] - means[j, h]) ** 2 for i, w in enumerate(weights)
                ) / sum(weights)
                variances[j, h] += least
                total += (cost[j] + numpy.log(numpy.sqrt(variances[j, h]))) * sum(weights)
            # beta_a is counted in the same units as the mean cost
            there[j] = 1 / (1 + numpy.exp(-rate * (threshold[j] * parts * width / wholes - total)))
        for i in range(parts):  # E step
            density = [
                numpy.exp(-((votes[j, i] - means[j]) ** 2 / (2 * variances[j])).sum())
                / numpy.sqrt((2 * numpy.pi * variances[j]).prod())
                for j in range(wholes)
            ]
            for j in range(wholes):
                shares[i, j] = there[j] * density[j] / sum(a * p for a, p in zip(there, density, strict=True))
    return means, there


@pytest.mark.parametrize("iterations", [1, 2, 3, 5])
def test_routing_is_that_of_the_loops(iterations):
    votes, present = normal(2, 3, 7, 4), torch.sigmoid(normal(2, 7, seed=3))
    cost, threshold = normal(3, seed=4), normal(3, seed=5)
    for dtype, near in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        given = [each.to(dtype) for each in (votes, present, cost, threshold)]
        means, there = em_routing(*given, iterations=iterations, inverse_temperature=8.0)
        for row in range(2):
            expected = routed_by_loops(
                *(each.numpy() for each in (votes[row], present[row], cost, threshold)), iterations, 8.0
            )
            numpy.testing.assert_allclose(means[row].numpy(), expected[0], atol=near)
            numpy.testing.assert_allclose(there[row].numpy(), expected[1], atol=near)


def test_the_layer_votes_by_directions_and_counts_lengths():
    layer, parts = EMRouting(7, 5, 3, 4).double(), 0.1 * normal(2, 7, 5)
    with torch.no_grad():
        layer.cost.add_(normal(3, seed=6))
        layer.weight.mul_(4)
    length = numpy.linalg.norm(parts.numpy(), axis=-1)
    poses = parts.numpy() / numpy.sqrt(length[..., None] ** 2 + 1e-4)
    votes = numpy.einsum("bip,oipd->boid", poses, layer.weight.detach().numpy())
    found = layer(parts).detach().numpy()
    for row in range(2):
        means, there = routed_by_loops(
            votes[row], length[row], layer.cost.detach().numpy(), numpy.zeros(3), 3, 60.0, least=0.03**2 / 2
        )
        expected = there[:, None] * means / numpy.linalg.norm(means, axis=-1, keepdims=True)
        numpy.testing.assert_allclose(found[row], expected, atol=1e-8)
    assert torch.autograd.gradcheck(layer, parts.requires_grad_(), atol=1e-4)


def test_parts_that_agree_are_heard_and_the_odd_ones_are_not():
    """Eight parts vote for one pose of whole 0, two of them elsewhere; for whole 1 all disagree."""
    votes = normal(1, 2, 8, 4, seed=7)
    votes[0, 0] = torch.tensor([1.0, -1.0, 0.5, 0.0]) + 0.05 * normal(8, 4, seed=8)
    votes[0, 0, :2] += 4.0
    ones, zeros = torch.ones(1, 8, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    once, thrice = (em_routing(votes, ones, zeros, zeros, iterations=turns) for turns in (1, 3))
    wanted = torch.tensor([1.0, -1.0, 0.5, 0.0], dtype=torch.float64)
    assert (once[0][0, 0] - wanted).abs().max() > 0.9 and (thrice[0][0, 0] - wanted).abs().max() < 0.1
    assert thrice[1][0, 0] > 0.9 and thrice[1][0, 0] > thrice[1][0, 1]


def test_parts_that_are_not_there_do_not_vote_and_nothing_at_all_is_finite():
    votes, present = normal(1, 3, 6, 4), torch.ones(1, 6, dtype=torch.float64)
    present[0, 2] = 0
    zeros = torch.zeros(3, dtype=torch.float64)
    other = votes.clone()
    other[:, :, 2] = 100.0
    torch.testing.assert_close(
        em_routing(votes, present, zeros, zeros), em_routing(other, present, zeros, zeros)
    )
    layer, nothing = EMRouting(6, 5, 3, 4), torch.zeros(2, 6, 5, requires_grad=True)
    layer(nothing).square().sum().backward()
    assert torch.isfinite(nothing.grad).all()


@pytest.mark.parametrize("builder", [CapsNet, EfficientCapsNet])
@pytest.mark.parametrize("routing", ["dynamic", "em", "attention"])
def test_every_network_of_capsules_takes_every_routing(builder, routing):
    torch.manual_seed(0)
    options = {"filters": 8, "types": 2} if builder is CapsNet else {"widths": (4, 8, 8, 64)}
    network = builder(1, 28, 28, 10, routing=routing, **options)
    lengths = network.capsules(torch.randn(3, 1, 28, 28)).norm(dim=-1)
    assert lengths.shape == (3, 10) and bool(((lengths > 0) & (lengths < 1)).all())
    assert type(network.head.routing).__name__.lower().startswith(routing)


def test_mistakes_are_told():
    for wrong in ({"iterations": 0}, {"inverse_temperature": 0.0}):
        with pytest.raises(OptionError, match=r"few|small"):
            EMRouting(2, 3, 2, 3, **wrong)
    with pytest.raises(OptionError, match="no such routing"):
        CapsNet(1, 28, 28, 10, routing="vote")
