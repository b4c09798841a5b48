"""Gradients: micro-batches, clipping, and what a descent does with a loss of another kind."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from training_helpers import descend, examples, network, regression, source

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.training.descent import Descent


def weights(method) -> torch.Tensor:
    return nn.utils.parameters_to_vector(method.parameters()).detach()


@pytest.mark.parametrize("parts", [2, 3, 4, 7])
@pytest.mark.parametrize("weighted", [False, True])
def test_micro_batches_equal_one_batch(parts, weighted):
    more = {"weights": torch.rand(50, generator=torch.Generator().manual_seed(3))} if weighted else {}
    data = examples(
        50, **more
    )  # 50 in batches of 16: a short last batch of 2, fewer than some numbers of parts
    whole, split = regression(optimizer="sgd", learning_rate=0.05), regression(
        optimizer="sgd", learning_rate=0.05, accumulate=parts
    )  # fmt: skip
    losses = []
    for method in (whole, split):
        run = nr.fit(method, nr.data.sources.Minibatches(data, 16), epochs=3, progress=False)
        losses.append([row["train"]["loss"] for row in run.history])
    assert torch.allclose(weights(whole), weights(split), atol=1e-6)
    assert losses[0] == pytest.approx(losses[1], rel=2e-6)
    assert not torch.allclose(weights(whole), weights(regression()), atol=1e-2)


def test_weights_of_examples_count_as_copies():
    data = examples(12)[:]
    counts = torch.tensor([1, 2, 3] * 4)
    copied = {name: each.repeat_interleave(counts, dim=0) for name, each in data.items()}
    one, two = (regression(optimizer="sgd", learning_rate=0.1) for _ in range(2))
    descend(one, {**data, "weights": counts.float()}, 5)
    descend(two, copied, 5)
    assert torch.allclose(weights(one), weights(two), atol=1e-6)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(1, 6))
def test_the_mean_is_over_all_weights_however_a_batch_is_split(counts, parts):
    torch.manual_seed(0)
    line = nn.Linear(1, 1).double()
    rows = sum(counts)
    x = torch.randn(rows, 1, dtype=torch.float64)
    w = torch.rand(rows, 1, dtype=torch.float64) + 0.1
    descent = Descent(
        line, optimizer="sgd", learning_rate=1.0, optimizer_options={"momentum": 0.0}, accumulate=parts
    )
    before = line.weight.item()
    gradient = torch.autograd.grad((w * (line(x) - x).square()).sum() / w.sum(), line.weight)[0].item()
    descent(lambda b: ((b[1] * (line(b[0]) - b[0]).square()).sum(), b[1].sum()), (x, w))
    assert before - line.weight.item() == pytest.approx(gradient, abs=1e-9)


def test_clipping_the_norm_scales_the_whole_gradient():
    method = regression(
        optimizer="sgd", learning_rate=1.0, optimizer_options={"momentum": 0.0}, clip_norm=0.5
    )
    free = regression(optimizer="sgd", learning_rate=1.0, optimizer_options={"momentum": 0.0})
    start, batch = weights(method), {name: 10 * each for name, each in examples(32)[:].items()}
    method.step(batch)
    free.step(batch)
    step, whole = start - weights(method), start - weights(free)
    assert step.norm() == pytest.approx(0.5, rel=1e-4)
    assert torch.allclose(step / step.norm(), whole / whole.norm(), atol=1e-5)


def test_clipping_values_cuts_each_entry():
    method = regression(
        optimizer="sgd", learning_rate=1.0, optimizer_options={"momentum": 0.0}, clip_value=0.25
    )
    free = regression(optimizer="sgd", learning_rate=1.0, optimizer_options={"momentum": 0.0})
    start, batch = weights(method), {name: 3 * each for name, each in examples(32)[:].items()}
    method.step(batch)
    free.step(batch)
    whole = start - weights(free)
    assert whole.abs().max() > 0.25
    assert torch.allclose(start - weights(method), whole.clamp(-0.25, 0.25), atol=1e-6)


def test_clipping_sees_the_gradient_of_all_micro_batches():
    batch = {name: 10 * each for name, each in examples(32)[:].items()}
    one, many = (regression(optimizer="sgd", learning_rate=0.1, clip_norm=0.5, accumulate=k) for k in (1, 4))
    descend(one, batch, 5)
    descend(many, batch, 5)
    assert torch.allclose(weights(one), weights(many), atol=1e-6)


def test_ready_gradients_are_clipped_too():
    net = network()
    descent = Descent(
        net, optimizer="sgd", learning_rate=1.0, optimizer_options={"momentum": 0.0}, clip_norm=1.0
    )
    before = weights(net)
    descent.follow([torch.full_like(each, 5.0) for each in net.parameters()])
    assert (before - weights(net)).norm() == pytest.approx(1.0, rel=1e-4)


def test_accumulating_in_a_run_leaves_the_order_and_the_log_alone():
    runs = [
        nr.fit(
            regression(accumulate=k, optimizer="sgd", learning_rate=0.05), source(), epochs=2, progress=False
        )
        for k in (1, 2)
    ]
    assert [row["step"] for row in runs[0].history] == [row["step"] for row in runs[1].history] == [4, 8]


def test_no_part_is_no_way_to_split():
    with pytest.raises(OptionError, match="1 or more"):
        regression(accumulate=0)


def test_metrics_of_parts_are_averaged():
    line = nn.Linear(1, 1)
    x = torch.arange(4.0)[:, None]
    descent = Descent(line, optimizer="sgd", learning_rate=0.0001, accumulate=2)
    found = descent(lambda b: (line(b).sum(), len(b), {"mean": b.mean()}), x)
    assert float(found["mean"]) == pytest.approx(1.5)
