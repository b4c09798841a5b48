"""Supervised learning: weights, members, class weights, the units of what is measured."""

from __future__ import annotations

import numpy
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.data.specs import Array, Classes, Quantity
from neurarium.training.context import Context

THREE = Classes(("a", "b", "c"))


def batch_of(rows=8, weights=None, targets=None):
    torch.manual_seed(0)
    truth = torch.randint(3, (rows,)) if targets is None else targets
    held = {"inputs": torch.randn(rows, 4), "targets": truth}
    return held if weights is None else {**held, "weights": weights}


def method_for(network, targets=THREE, **options):
    method = nr.methods.Supervised(network, targets=targets, **options)
    method.begin(Context())
    return method


def test_examples_of_weight_zero_are_as_if_absent():
    torch.manual_seed(1)
    first, second = torch.nn.Linear(4, 3), torch.nn.Linear(4, 3)
    second.load_state_dict(first.state_dict())
    batch = batch_of(weights=torch.tensor([1.0, 1, 1, 0, 0, 0, 0, 0]))
    few = {"inputs": batch["inputs"][:3], "targets": batch["targets"][:3]}
    options = {"optimizer": "sgd", "learning_rate": 0.5}
    with_zeros = method_for(first, **options).step(batch)["loss"]
    without = method_for(second, **options).step(few)["loss"]
    torch.testing.assert_close(with_zeros, without)
    torch.testing.assert_close(first.weight, second.weight)


def test_members_learn_by_the_mean_of_their_losses():
    torch.manual_seed(1)
    network = nr.networks.TabM.for_data(Array((4,)), THREE, widths=(8,), ensemble_size=3)
    with torch.no_grad():
        for parameter in network.parameters():  # members that differ
            parameter.add_(0.3 * torch.randn_like(parameter))
    batch = batch_of()
    with torch.no_grad():
        total, weight = method_for(network).total_loss(batch)
        members = network.members(batch["inputs"])
    single = [torch.nn.functional.cross_entropy(members[:, k], batch["targets"]) for k in range(3)]
    assert float(total / weight) == pytest.approx(float(sum(single)) / 3, rel=1e-5)
    of_the_mean = torch.nn.functional.cross_entropy(network(batch["inputs"]), batch["targets"]).detach()
    assert float(total / weight) > float(of_the_mean) + 1e-4


def test_balanced_class_weights_are_those_of_scikit_learn():
    truth = torch.tensor([0] * 6 + [1] * 3 + [2])
    train = nr.data.Examples(batch_of(10, targets=truth))
    method = nr.methods.Supervised(torch.nn.Linear(4, 3), class_weights="balanced", targets=THREE)
    context = Context(train=train)
    method.begin(context)
    expected = compute_class_weight("balanced", classes=numpy.arange(3), y=truth.numpy())
    assert context.decisions[-1].choice == pytest.approx(expected, abs=1e-4)
    losses = torch.nn.functional.cross_entropy(method.network(train.inputs), truth, reduction="none")
    scale = torch.as_tensor(expected, dtype=torch.float32)[truth]
    total, weight = method.total_loss(train[:])
    torch.testing.assert_close(total / weight, (losses * scale).sum() / scale.sum())


def test_quantities_are_measured_in_their_own_units():
    targets = Quantity(("price",), mean=(200.0,), scale=(50.0,))
    network = torch.nn.Linear(4, 1)
    batch = batch_of(targets=torch.randn(8, 1))
    seen = method_for(network, targets).evaluate(batch)
    expected = network(batch["inputs"]).detach() * 50 + 200
    torch.testing.assert_close(seen.predictions, expected, check_dtype=False)
    torch.testing.assert_close(seen.targets, batch["targets"] * 50 + 200, check_dtype=False)


def test_classes_are_measured_as_probabilities():
    network = torch.nn.Linear(4, 3)
    batch = batch_of()
    seen = method_for(network).evaluate(batch)
    torch.testing.assert_close(seen.predictions, network(batch["inputs"]).detach().softmax(1))
    loss = torch.nn.functional.cross_entropy(
        network(batch["inputs"]).detach(), batch["targets"], reduction="sum"
    )
    assert float(seen.loss[0]) == pytest.approx(float(loss), rel=1e-6)


def test_without_targets_or_loss_it_says_what_to_do():
    with pytest.raises(OptionError, match="give loss= a module, or targets="):
        nr.methods.Supervised(torch.nn.Linear(4, 3)).begin(Context())
