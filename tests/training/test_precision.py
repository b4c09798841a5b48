"""Precision: float32, bfloat16, float16 with a scaler whose skipped steps move nothing."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from training_helpers import descend, difference, examples, network, regression, source

import neurarium as nr
from neurarium.core.errors import OptionError, RefusalError
from neurarium.training.descent import Descent


def seen_types(precision: str) -> dict[str, torch.dtype]:
    """Return the types of outputs, weights and gradients in one step."""
    net, found = network(), {}
    net[0].register_forward_hook(lambda module, inputs, output: found.update(output=output.dtype))
    descent = Descent(net, precision=precision, optimizer="sgd")
    batch = examples(16)[:]
    descent(lambda b: ((net(b["inputs"]).float() - b["targets"]).square().sum(), 16), batch)
    return {**found, "weight": net[0].weight.dtype, "gradient": net[0].weight.grad.dtype}


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_products_have_the_type_and_weights_stay_float32(precision):
    expected = {"output": getattr(torch, precision), "weight": torch.float32, "gradient": torch.float32}
    assert seen_types(precision) == expected


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_half_the_bits_learn_nearly_the_same(precision, optimizer):
    batch = examples(64)[:]
    whole = descend(regression(optimizer=optimizer), batch, 60)
    half = descend(regression(optimizer=optimizer, precision=precision), batch, 60)
    assert half[-1] == pytest.approx(whole[-1], rel=0.05)
    assert half != whole


def overflowing(**options):
    """A descent whose loss can be made to overflow in the gradient alone, and its loss function."""
    torch.manual_seed(0)
    line = nn.Linear(1, 1)
    descent = Descent(line, optimizer="sgd", learning_rate=0.1, precision="float16", **options)
    scale = {"is": 1.0}

    class Explode(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient * scale["is"]

    return line, descent, scale, lambda x: (Explode.apply(line(x).float()).square().sum(), len(x))


def test_a_skipped_step_advances_neither_schedule_nor_average_nor_count():
    line, descent, scale, loss = overflowing(average=0.9, schedule="cosine")
    descent.begin(nr.training.Context(steps=10))
    x = torch.ones(4, 1)
    while not descent.updates:  # the first scale is too large on purpose: it is halved until gradients fit
        descent(loss, x)
    held = {name: each.clone() for name, each in line.named_parameters()}
    before = (descent.updates, descent.average.updates, descent.scaler.get_scale())
    average = [each.clone() for each in descent.average.values]
    rates = []
    for _ in range(2):
        scale["is"] = float("inf")
        descent(loss, x)
        rates.append(descent.rate)
    assert descent.updates == before[0] == 1 and descent.average.updates == before[1]
    assert all(torch.equal(each, held[name]) for name, each in line.named_parameters())
    assert all(torch.equal(a, b) for a, b in zip(average, descent.average.values, strict=True))
    assert descent.scaler.get_scale() == before[2] / 4
    scale["is"] = 1.0
    descent(loss, x)
    assert descent.updates == 2 and rates[0] == rates[1] == descent.rate
    assert not torch.equal(line.weight, held["weight"])


def test_an_overflow_in_one_part_skips_all_optimizers():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    descent = Descent(net, optimizer="muon", precision="float16")  # the matrices by Muon, the biases by AdamW
    net[1].bias.register_hook(lambda gradient: gradient * float("inf"))
    before = [each.clone() for each in net.parameters()]
    descent(lambda x: (net(x).float().square().sum(), len(x)), torch.ones(4, 2))
    assert len(descent.optimizers) == 2 and descent.updates == 0
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def test_clipping_sees_the_gradient_without_the_scale():
    line, descent, _, loss = overflowing(clip_norm=0.01, optimizer_options={"momentum": 0.0})
    before = nn.utils.parameters_to_vector(line.parameters()).detach()
    while not descent.updates:
        descent(loss, 10 * torch.ones(4, 1))
    moved = nn.utils.parameters_to_vector(line.parameters()).detach() - before
    assert moved.norm() == pytest.approx(0.1 * 0.01, rel=1e-3)


def test_the_scaler_goes_on_where_it_was(tmp_path):
    def trained(out, **options):
        method = regression(precision="float16", learning_rate=0.01)
        return nr.fit(method, source(), steps=10, out=out, progress=False, checkpoint_steps=2, **options)

    from training_helpers import StopAt

    whole = trained(None)
    trained(tmp_path / "run", callbacks=[StopAt(5)])
    resumed = trained(tmp_path / "run", resume=True)
    assert difference(whole.method.state_dict(), resumed.method.state_dict()) is None
    assert resumed.method.descent.scaler.get_scale() == whole.method.descent.scaler.get_scale()


@pytest.mark.parametrize("optimizer", ["lbfgs", "sam"])
def test_a_loss_that_is_evaluated_again_cannot_be_scaled(optimizer):
    with pytest.raises(RefusalError, match="bfloat16 or float32"):
        regression(optimizer=optimizer, precision="float16").descent.begin()
    losses = descend(regression(optimizer=optimizer, precision="bfloat16"), examples(32)[:], 8)
    assert losses[-1] < losses[0]


def test_unknown_precision():
    with pytest.raises(OptionError, match="did you mean 'float16'"):
        regression(precision="flaot16").step(examples(4)[:])
