"""The guard against NaN and infinity: stopped within a step, the source named, the last good weights kept."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from training_helpers import difference, examples, regression

import neurarium as nr
from neurarium.core.codec import load_tree
from neurarium.core.errors import NotFiniteError
from neurarium.data.examples import Examples
from neurarium.data.sources import Minibatches
from neurarium.losses import MeanSquaredError
from neurarium.training.callbacks.callback import Callback
from neurarium.training.finiteness import first_bad

AT = 6  # the step at which something breaks: the 3rd batch of the 2nd epoch, after 5 good steps
ROW = 37


class Inject(Callback):
    """Breaks something after a step."""

    def __init__(self, breaks):
        self.breaks = breaks

    def step(self, loop, metrics):
        if loop.step == AT - 1:
            self.breaks(loop.method)


def data(value: float | None = None, where: str = "inputs") -> Examples:
    batch = {name: each.clone() for name, each in examples(64)[:].items()}
    if value is not None:
        batch[where][ROW, 0] = value
    return Examples(batch)


class Breaks(nn.Module):
    """Passes on what it gets, until it is told to break it."""

    def __init__(self, forward: float = 1.0, backward: float = 1.0):
        super().__init__()
        self.forward_factor, self.backward_factor = forward, backward

    def forward(self, inputs):
        if self.backward_factor != 1.0 and inputs.requires_grad:
            inputs.register_hook(lambda gradient: gradient * self.backward_factor)
        return inputs * self.forward_factor


class BadLoss(MeanSquaredError):
    bad = False

    def forward(self, outputs, targets, weights=None):
        total, weight = super().forward(outputs, targets, weights)
        return (total * math.nan if self.bad else total), weight


def broken(name: str):
    """Return a method, its data, and what breaks it."""
    if name.startswith("input") or name.startswith("target"):
        where, value = name.split()
        return regression(), data(float(value), f"{where}s"), None
    torch.manual_seed(0)
    part = Breaks()
    net = nn.Sequential(nn.Linear(4, 8), part, nn.Tanh(), nn.Linear(8, 1))
    loss = BadLoss()
    method = nr.methods.Supervised(net, loss=loss)
    breaks = {
        "weight nan": lambda m: m.network[3].weight.data[0, 2].fill_(math.nan),
        "gradient inf": lambda m: setattr(part, "backward_factor", math.inf),
        "gradient nan": lambda m: setattr(part, "backward_factor", math.nan),
        "layer nan": lambda m: setattr(part, "forward_factor", math.nan),
        "layer inf": lambda m: setattr(part, "forward_factor", math.inf),
        "loss nan": lambda m: setattr(loss, "bad", True),
    }
    return method, data(), breaks[name]


CASES = {
    "input nan": ["the loss", "the batch: 'inputs' holds nan", f"example {ROW} of the split"],
    "input inf": ["the batch: 'inputs' holds inf", f"example {ROW} of the split"],
    "target nan": ["the batch: 'targets' holds nan", f"example {ROW} of the split"],
    "target inf": ["the batch: 'targets' holds inf"],
    "weight nan": ["the weights of the network: '3.weight' holds nan at [0, 2]", "batch 2 of 4 in epoch 2"],
    "gradient inf": ["the gradient of the network: '0.bias' holds", "batch 2 of 4 in epoch 2"],
    "gradient nan": ["the gradient of the network: '0.bias' holds nan"],
    "layer nan": ["the output of layer 'network.1' (Breaks)", "batch 2 of 4 in epoch 2"],
    "layer inf": ["the output of layer 'network.1' (Breaks)"],
    "loss nan": ["the loss itself", "batch 2 of 4 in epoch 2"],
}


@pytest.mark.parametrize("name", CASES)
def test_the_source_is_named_within_the_step_and_good_weights_stay(name, tmp_path):
    method, split, breaks = broken(name)
    callbacks = [Inject(breaks)] if breaks else []
    steps: list[int] = []
    callbacks.append(Count(steps))
    with pytest.raises(NotFiniteError) as raised:
        nr.fit(
            method, Minibatches(split, 16), epochs=3, progress=False, callbacks=callbacks, out=tmp_path / "run",
            checkpoint_steps=1,
        )  # fmt: skip
    text = str(raised.value)
    assert all(part in text for part in CASES[name]), text
    assert raised.value.fix
    bad = [not all(torch.isfinite(each).all() for each in batch.values()) for batch in Minibatches(split, 16)]
    bad_batch = bad.index(True) if any(bad) else AT - 1
    assert len(steps) == bad_batch  # no step was taken after the break
    if name != "weight nan":  # that one was broken by the test itself
        assert first_bad(dict(method.named_parameters())) is None
    saved = sorted((tmp_path / "run" / "checkpoints").glob("*.safetensors"))
    for path in saved:
        state = load_tree(path)["method"]
        assert first_bad({key: value for key, value in state.items() if key.startswith("network")}) is None
    assert not breaks or len(saved) == 2


class Count(Callback):
    def __init__(self, steps):
        self.steps = steps

    def step(self, loop, metrics):
        self.steps.append(loop.step)


@pytest.mark.parametrize("accumulate", [1, 4])
@pytest.mark.parametrize("clip", [None, 1.0])
def test_a_bad_gradient_is_found_with_and_without_clipping_and_parts(accumulate, clip):
    torch.manual_seed(0)
    part = Breaks(backward=math.inf)
    net = nn.Sequential(nn.Linear(4, 8), part, nn.Linear(8, 1))
    method = nr.methods.Supervised(net, loss=MeanSquaredError(), accumulate=accumulate, clip_norm=clip)
    before = {name: each.clone() for name, each in net.state_dict().items()}
    with pytest.raises(NotFiniteError, match="the gradient is not finite at step 0"):
        method.step(examples(16)[:])
    assert difference(before, dict(net.state_dict())) is None


def test_a_rate_that_is_too_high_is_stopped_with_finite_weights():
    method = regression(optimizer="sgd", learning_rate=1e6, optimizer_options={"momentum": 0.0}, width=16)
    method.network[1] = nn.Identity()  # linear, so that nothing holds it back
    with pytest.raises(NotFiniteError, match="not finite") as raised:
        nr.fit(method, Minibatches(data(), 16), epochs=50, progress=False)
    assert "learning_rate" in raised.value.fix
    assert "as large as" in str(raised.value)
    assert first_bad(dict(method.named_parameters())) is None


def test_a_loss_divided_by_nothing_names_the_weights():
    batch = {**examples(8)[:], "weights": torch.zeros(8)}
    with pytest.raises(NotFiniteError, match="the weights of the batch, whose sum is 0"):
        regression().step(batch)


def test_without_the_guard_nothing_is_looked_at():
    method = regression(guard=False)
    loss = method.step({name: each * math.nan for name, each in examples(8)[:].items()})["loss"]
    assert torch.isnan(loss)


def test_checkpoints_are_never_written_of_bad_weights(tmp_path):
    method = regression(guard=False)
    breaks = Inject(lambda m: m.network[0].weight.data.fill_(math.nan))
    nr.fit(
        method, Minibatches(data(), 16), epochs=3, progress=False, out=tmp_path / "run", checkpoint_steps=1,
        callbacks=[breaks],
    )  # fmt: skip
    newest = sorted((tmp_path / "run" / "checkpoints").glob("*.safetensors"))[-1]
    assert newest.name == f"step-{AT - 2:010d}.safetensors"
    assert first_bad(load_tree(newest)["method"]["network.0.weight"]) is None


def test_first_bad_names_the_place():
    nest = {
        "a": torch.zeros(2),
        "b": [torch.zeros(1), torch.tensor([[0.0, -math.inf]])],
        "c": torch.tensor([1]),
    }
    assert first_bad(nest) == "'b.1' holds -inf at [0, 1] (shape (1, 2))"
    assert first_bad({"a": torch.zeros(2)}) is None
