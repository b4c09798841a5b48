"""Blocks computed twice: the same gradients, statistics and chance, less that is kept for backward."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from training_helpers import difference, regression, source

import neurarium as nr
from neurarium.core.errors import OptionError, RefusalError
from neurarium.losses import MeanSquaredError
from neurarium.training.need import watched
from neurarium.training.rematerialization import blocks, rematerialized


def block(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width), nn.GELU(), nn.Dropout(0.3))


class Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.inside = block(width)

    def forward(self, inputs):
        return inputs + self.inside(inputs)


class Named(nn.Module):
    """Takes a dict, holds its blocks in a list."""

    def __init__(self, width: int = 16):
        super().__init__()
        self.rise = nn.Linear(4, width)
        self.parts = nn.ModuleList(Residual(width) for _ in range(4))
        self.head = nn.Linear(width, 1)

    def forward(self, inputs):
        hidden = self.rise(inputs["x"])
        for part in self.parts:
            hidden = part(hidden)
        return self.head(hidden)


class Spectral(nn.Module):
    """A buffer moves in every forward pass in training, and the result depends on it."""

    def __init__(self, width: int = 16):
        super().__init__()
        self.body = nn.ModuleList(
            nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(width, width)), nn.Tanh())
            for _ in range(3)
        )

    def forward(self, inputs):
        for each in self.body:
            inputs = each(inputs)
        return inputs


def lstm_like() -> nn.Module:
    shared = block(16)
    return nn.Sequential(nn.Sequential(nn.Linear(4, 16), nn.ReLU()), shared, shared)


def plain() -> nn.Module:
    layers = [each for _ in range(5) for each in (nn.Linear(16, 16), nn.Tanh(), nn.Dropout(0.2))]
    return nn.Sequential(nn.Linear(4, 16), *layers)


NETWORKS = {
    "blocks in a list, inputs in a dict": (Named, {"x": torch.randn(32, 4)}, 4),
    "a block used twice": (lstm_like, torch.randn(32, 4), 2),
    "one plain sequence": (plain, torch.randn(32, 4), 1),
    "power iterations": (Spectral, torch.randn(32, 16), 3),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_statistics_and_results_are_bitwise_the_same(name):
    build, inputs, count = NETWORKS[name]
    torch.manual_seed(0)
    first = build().train()
    second = copy.deepcopy(first)
    states, kinds = [], [type(each) for each in second.modules()]
    for net in (first, second):
        torch.manual_seed(1)
        for _ in range(2):  # a second step would show statistics that moved twice
            if net is second:
                with rematerialized([net]) as found:
                    assert found == count
                    output = net(inputs)
                    output.square().sum().backward()
            else:
                output = net(inputs)
                output.square().sum().backward()
        gradients = {key: each.grad for key, each in net.named_parameters()}
        states.append({"output": output.detach(), "gradients": gradients, "state": dict(net.state_dict())})
    assert difference(*states) is None
    assert [type(each) for each in second.modules()] == kinds


def kept(net: nn.Module, inputs) -> int:
    with watched(net, inputs) as saved:
        output = net(inputs)
    held = saved.now
    del output
    return held


@pytest.mark.parametrize(
    ("name", "at_most"), [("blocks in a list, inputs in a dict", 0.35), ("one plain sequence", 0.5)]
)
def test_less_is_kept_for_backward(name, at_most):
    build, inputs, _ = NETWORKS[name]
    net = build().train()
    whole = kept(net, inputs)
    with rematerialized([net]):
        less = kept(net, inputs)
    assert 0 < less < at_most * whole


def test_nothing_is_computed_twice_without_gradients_or_in_eval():
    net, calls = Named(), []
    net.parts[0].inside[0].register_forward_hook(lambda *args: calls.append(1))
    with rematerialized([net]):
        net.eval()
        net({"x": torch.randn(4, 4)}).sum().backward()
        with torch.no_grad():
            net.train()({"x": torch.randn(4, 4)})
        assert len(calls) == 2
        net({"x": torch.randn(4, 4)}).sum().backward()
    assert len(calls) == 4


def test_fit_trains_to_the_same_weights_and_leaves_the_network_as_it_was():
    def trained(**options):
        torch.manual_seed(0)
        net = nn.Sequential(block(4), block(4), nn.Linear(4, 1))
        return nr.fit(
            nr.methods.Supervised(net, loss=MeanSquaredError()),
            source(),
            epochs=2,
            progress=False,
            seed=3,
            **options,
        )

    plain_run, less = trained(), trained(rematerialize=True)
    assert difference(plain_run.method.state_dict(), less.method.state_dict()) is None
    assert type(less.method.network[0]) is nn.Sequential
    assert list(less.method.state_dict()) == list(plain_run.method.state_dict())


def test_blocks_are_the_outermost_parts_that_have_parts():
    net = Named()
    assert blocks(net) == list(net.parts)
    nested = nn.Sequential(nn.Sequential(Residual(4), Residual(4)), nn.Linear(4, 1))
    assert blocks(nested) == list(nested[0])


def test_what_cannot_be_is_refused_by_name(tmp_path):
    with pytest.raises(RefusalError, match="Linear has no block"):
        nr.fit(
            nr.methods.Supervised(nn.Linear(4, 1), loss=MeanSquaredError()), source(), epochs=1, rematerialize=True,
            out=tmp_path / "run", progress=False,
        )  # fmt: skip
    assert not (tmp_path / "run").exists()
    method = regression()
    type(method).second_order = True
    try:
        with pytest.raises(RefusalError, match="differentiates twice"):
            nr.fit(method, source(), epochs=1, rematerialize=True, progress=False)
    finally:
        type(method).second_order = False
    with pytest.raises(OptionError, match="do not go together"):
        nr.fit(regression(), source(), epochs=1, rematerialize=True, compile=True, progress=False)
