"""Re-evaluation: an optimizer of the user's own, that asks for the loss twice, takes the hand-written step."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
import zoo
from sharpness import Sharpness
from torch import nn
from torch.nn.functional import cross_entropy

from neurarium.core.errors import RefusalError
from neurarium.training.descent import Descent

RATE, RADIUS = 0.1, 0.3


def loss_of(network):
    return lambda batch: (
        cross_entropy(network(batch["inputs"]), batch["targets"], reduction="sum"),
        len(batch["targets"]),
    )


def by_hand(network, batch):
    """Take one sharpness-aware step, written out; the second evaluation moves no statistics."""
    parameters = list(network.parameters())

    def gradients():
        torch.manual_seed(3)
        loss = cross_entropy(network(batch["inputs"]), batch["targets"])
        return torch.autograd.grad(loss, parameters)

    first = gradients()
    length = torch.sqrt(sum((each**2).sum() for each in first))
    held = copy.deepcopy(dict(network.named_buffers()))
    with torch.no_grad():
        for parameter, each in zip(parameters, first, strict=True):
            parameter += RADIUS * each / length
    second = gradients()
    with torch.no_grad():
        for parameter, there, here in zip(parameters, first, second, strict=True):
            parameter -= RADIUS * there / length
            parameter -= RATE * here
        for name, buffer in network.named_buffers():
            buffer.copy_(held[name])


OPTIMIZERS = {
    "own": partial(Sharpness, radius=RADIUS, lr=RATE),
    "library": partial(Descent, optimizer="sam"),
}


def descent_of(network, which, **options):
    if which == "own":
        return Descent(network, optimizer=OPTIMIZERS["own"], **options)
    more = {"learning_rate": RATE, "optimizer_options": {"radius": RADIUS, "momentum": 0.0}}
    return Descent(network, optimizer="sam", **more, **options)


@pytest.mark.parametrize("which", ["own", "library"])
@pytest.mark.parametrize("kind", zoo.KINDS)
def test_update_is_the_hand_written_one(kind, which):
    network, expected = zoo.network(kind, dtype=torch.float64), zoo.network(kind, dtype=torch.float64)
    descent = descent_of(network, which)
    for seed in range(3):
        batch = zoo.batch(kind, 8, seed, dtype=torch.float64)
        torch.manual_seed(3)
        descent(loss_of(network), batch)
        by_hand(expected, batch)
    for (name, a), b in zip(network.state_dict().items(), expected.state_dict().values(), strict=True):
        assert torch.allclose(a, b, atol=1e-12, rtol=0), name
    if kind == "cnn":
        assert int(network.norm.num_batches_tracked) == 3  # once per step, though each evaluates twice


def test_both_evaluations_drop_out_the_same_numbers():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 16), nn.Dropout(0.5), nn.Linear(16, 3)).double()
    expected = copy.deepcopy(network)
    batch = zoo.batch("mlp", 8, dtype=torch.float64)
    descent = descent_of(network, "own")
    torch.manual_seed(3)
    descent(loss_of(network), batch)
    after = torch.rand(1)
    by_hand(expected, batch)
    for a, b in zip(network.parameters(), expected.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-12, rtol=0)
    assert torch.equal(after, torch.rand(1))  # and the step drew as much chance as one evaluation


def test_accumulated_it_is_that_of_the_whole_batch():
    networks = [zoo.network("lstm", dtype=torch.float64) for _ in range(2)]
    batch = zoo.batch("lstm", 7, dtype=torch.float64)
    for network, accumulate in zip(networks, (1, 3), strict=True):
        descent_of(network, "own", accumulate=accumulate)(loss_of(network), batch)
    for a, b in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-10, rtol=0)


def test_what_cannot_work_is_refused():
    network = zoo.network("mlp")
    with pytest.raises(RefusalError, match="float16"):
        descent_of(network, "own", precision="float16").begin()
    with pytest.raises(RefusalError, match="re-evaluates the loss"):
        descent_of(network, "own").follow([None] * 6)
    with pytest.raises(RefusalError, match="nothing to train"):
        descent_of(zoo.network("mlp").requires_grad_(False), "own").begin()
