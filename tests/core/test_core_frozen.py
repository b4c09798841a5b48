"""Frozen: used, never changed; saved by its hash, or carried where it follows another network."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from neurarium.core.errors import ArtifactError, OptionError
from neurarium.core.frozen import Frozen


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))


class Holder(nn.Module):
    """A method that holds a frozen network beside one that learns."""

    def __init__(self, seed: int = 0, carried: bool = False):
        super().__init__()
        self.student = nn.Linear(2, 1)
        self.teacher = Frozen(network(seed), carried=carried)


def test_it_stays_in_eval_mode_and_bitwise_the_same():
    held = Frozen(network())
    before = copy.deepcopy(held.network.state_dict())
    outer = nn.Sequential(held).train()
    inputs = torch.randn(8, 3)
    first = outer(inputs)
    assert torch.equal(first, outer(inputs))  # no dropout
    assert not any(module.training for module in held.network.modules())
    assert all(torch.equal(each, before[name]) for name, each in held.network.state_dict().items())


def test_gradients_flow_through_it_to_its_inputs_alone():
    trained = network()
    trained(torch.randn(4, 3)).sum().backward()
    held = Frozen(trained)
    inputs = torch.randn(4, 3, requires_grad=True)
    held(inputs).sum().backward()
    assert (inputs.grad != 0).any()
    assert all(parameter.grad is None for parameter in held.parameters())


def test_fingerprint_sees_every_bit():
    held = Frozen(network())
    first = held.fingerprint()
    assert first == Frozen(network()).fingerprint() != Frozen(network(1)).fingerprint()
    with torch.no_grad():
        held.network[1].running_var[2] += 1e-7
    assert held.fingerprint() != first


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64, torch.complex64, torch.bool])
def test_fingerprint_takes_every_type(kind):
    module = nn.Module()
    module.register_buffer("held", torch.ones(2, 3).to(kind))
    module.register_buffer("empty", torch.ones(0).to(kind))
    module.register_buffer("scalar", torch.ones(()).to(kind))
    assert len(Frozen(module).fingerprint()) == 64


def test_state_holds_the_hash_and_loading_compares_it():
    holder = Holder()
    state = holder.state_dict()
    assert [key for key in state if key.startswith("teacher")] == ["teacher.fingerprint"]
    Holder().load_state_dict(state)
    with pytest.raises(ArtifactError, match="not the one that the checkpoint was made with"):
        Holder(seed=1).load_state_dict(state)
    del state["teacher.fingerprint"]
    with pytest.raises(RuntimeError, match=r"teacher\.fingerprint"):
        Holder().load_state_dict(state)


def test_a_carried_one_is_saved_with_its_weights():
    holder, other = Holder(carried=True), Holder(seed=1, carried=True)
    state = holder.state_dict()
    assert "teacher.fingerprint" not in state and "teacher.network.0.weight" in state
    other.load_state_dict(state)
    assert other.teacher.fingerprint() == holder.teacher.fingerprint()


def test_it_follows_another_network_by_a_share():
    target, policy = Frozen(network(), carried=True), network(1)
    policy(torch.randn(8, 3))  # moves the statistics
    before = target.network[0].weight.clone()
    target.follow(policy, share=0.25)
    assert torch.allclose(target.network[0].weight, 0.75 * before + 0.25 * policy[0].weight, atol=1e-7)
    assert torch.equal(target.network[1].running_mean, policy[1].running_mean)
    target.follow(policy)
    assert all(
        torch.equal(each, policy.state_dict()[name]) for name, each in target.network.state_dict().items()
    )
    assert not any(each.requires_grad for each in target.parameters())


def test_one_that_is_not_carried_follows_nothing():
    with pytest.raises(OptionError, match="carried"):
        Frozen(network()).follow(network(1))


def test_a_copy_of_it_is_frozen_too():
    twin = copy.deepcopy(Holder()).train()
    assert not twin.teacher.network.training
    assert twin.state_dict()["teacher.fingerprint"] == Holder().state_dict()["teacher.fingerprint"]
