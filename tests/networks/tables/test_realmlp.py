"""RealMLP: its parametrization, its starts, its learning rates."""

from __future__ import annotations

import math

import pytest
import torch

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.data.specs import Array, Classes, Quantity
from neurarium.networks import RealMLP


def test_forward_is_the_equation():
    torch.manual_seed(0)
    network = RealMLP(4, 2, widths=(6, 5), activation="mish", embedding="none").eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    linear = [each for each in network.modules() if isinstance(each, torch.nn.Linear)]
    blends = [parameter for name, parameter in network.named_parameters() if name.endswith("blend")]
    hidden = torch.randn(7, 4)
    outputs = network(hidden)
    hidden = hidden * network.scale.weight
    for layer, blend in zip(linear[:2], blends, strict=True):
        z = hidden @ layer.weight.T / math.sqrt(layer.in_features) + layer.bias
        hidden = (1 - blend) * z + blend * torch.nn.functional.mish(z)
    expected = hidden @ linear[2].weight.T / math.sqrt(5) + linear[2].bias
    torch.testing.assert_close(outputs, expected, atol=1e-5, rtol=1e-5)


def test_it_starts_at_zero_with_standard_normal_weights():
    torch.manual_seed(0)
    network = RealMLP(20, 3)
    assert network(torch.randn(5, 20)).abs().max() == 0
    assert network.body[1].weight.std().item() == pytest.approx(1.0, abs=0.05)
    assert torch.equal(network.scale.weight, torch.ones(20 * 4))


def test_the_activation_follows_the_targets():
    classes = RealMLP.for_data(Array((4,)), Classes(("a", "b")))
    quantities = RealMLP.for_data(Array((4,)), Quantity(("y",)))
    assert [type(each.body[2].activate).__name__ for each in (classes, quantities)] == ["SELU", "Mish"]


def test_rate_factors_name_every_parameter():
    network = RealMLP(4, 2, cardinalities=(30,))
    factors = network.rate_factors()
    assert set(factors) == {name for name, _ in network.named_parameters()}
    assert factors["scale.weight"] == 6.0
    assert factors["body.1.weight"] == 1.0
    assert {factors["body.1.bias"], factors["body.2.blend"], factors["embedding.numeric.frequency"]} == {0.1}


def test_an_activation_of_several_numbers_is_refused():
    with pytest.raises(OptionError, match="2 numbers for each"):
        RealMLP(4, 1, activation="swiglu")


def test_layers_start_from_what_training_rows_say_to_them():
    torch.manual_seed(0)
    data = nr.data.table(
        {"a": range(300), "b": [n % 7 for n in range(300)], "y": [n**2 for n in range(300)]}, "y"
    )
    network = RealMLP.for_data(data.inputs, data.targets, widths=(64, 32))
    assert f"{len(data.train)} training rows" in network.start_from(data)
    x = network.scale(network.embedding(data.train.inputs))
    for module in (*network.body, *network.head):
        if isinstance(module, torch.nn.Linear):
            said = x @ module.weight.T
            torch.testing.assert_close(
                said.std(dim=0, correction=0), torch.ones(module.out_features), atol=1e-4, rtol=0
            )
            bends = -module.bias  # each lies among the rows, and mixtures of five are nearer to their mean
            assert ((said.amin(dim=0) - 1e-5 <= bends) & (bends <= said.amax(dim=0) + 1e-5)).all()
            assert module.out_features == 1 or 0.2 < (bends - said.mean(dim=0)).std() < 0.9
        x = x if isinstance(module, torch.nn.Dropout) else module(x)


def test_another_start_is_kept():
    data = nr.data.load("diabetes")
    torch.manual_seed(0)
    network = RealMLP.for_data(data.inputs, data.targets, start="normal")
    before = network.body[1].weight.clone()
    assert network.start_from(data) is None and torch.equal(network.body[1].weight, before)
    asked = {"initializer": "he-normal", "start": "data"}
    run = nr.studies.train(data, "realmlp", options=asked, steps=1, progress=False, evaluate=False)
    assert "start" not in {each.subject for each in run.decisions}
    with pytest.raises(OptionError, match="no such start"):
        RealMLP(4, 1, start="zero")


def test_by_default_it_is_trained_as_its_authors_train_it():
    data = nr.data.table({"a": range(200), "b": [n % 2 for n in range(200)]}, "b", scaling="robust")
    run = nr.studies.train(
        data, "realmlp", options={"widths": "8"}, progress=False, evaluate=False, time_limit=0.0
    )
    told = {each.subject: each.choice for each in run.decisions}
    assert told["epochs"] == 256 and told["label smoothing"] == run.method.loss.label_smoothing == 0.1
    descent = run.method.descent
    assert (descent.learning_rate, descent.weight_decay, descent.rate_factors) == (0.04, 0.02, "own")
    assert descent.schedule_name == "cosine-logarithm" and descent.fading.names == ("flat-then-cosine",) * 2
    assert descent.fading.decay_factor(0.75) == pytest.approx(0.5) == descent.fading.dropout_factor(0.75)
    assert told["start"] and told["scaling"] == "robust"


def test_quantities_have_their_own_rate_and_no_smoothing():
    data = nr.data.load("diabetes")
    run = nr.studies.train(data, "realmlp", options={"widths": "8"}, steps=1, progress=False, evaluate=False)
    assert run.method.descent.learning_rate == 0.2
    assert not {"label smoothing"} & {each.subject for each in run.decisions}
    asked = {"loss": "huber", "schedule": "constant"}
    run = nr.studies.train(data, "realmlp", options=asked, steps=1, progress=False, evaluate=False)
    assert run.method.descent.schedule_name == "constant" and type(run.method.loss).__name__ == "Huber"
