"""Temperature scaling: the error falls, the classes stay."""

from __future__ import annotations

import numpy
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from torch import nn

from neurarium.core.errors import DataError, NotFiniteError
from neurarium.core.recipe import build, recipe_of
from neurarium.data.examples import Examples
from neurarium.data.specs import Array, Classes
from neurarium.metrics import Accuracy, ExpectedCalibrationError, LogLoss
from neurarium.networks import MLP
from neurarium.studies import (
    Temperature,
    calibrate,
    fit_spread,
    fit_temperature,
    quantile_reliability,
    reliability,
)


def overconfident(count, factor=3.0, classes=4, seed=0):
    """Logits that are `factor` times too large: the targets follow softmax(logits / factor)."""
    source = torch.Generator().manual_seed(seed)
    logits = 1.5 * torch.randn(count, classes, generator=source, dtype=torch.float64)
    targets = torch.multinomial(torch.softmax(logits, 1), 1, generator=source)[:, 0]
    return factor * logits, targets


def test_the_factor_is_found_the_error_falls_and_the_classes_stay():
    found = fit_temperature(*overconfident(5000))
    assert found.temperature == pytest.approx(3.0, rel=0.08)
    logits, targets = overconfident(5000, seed=1)
    before, after = torch.softmax(logits, 1), found.probabilities(logits)
    error = ExpectedCalibrationError()
    assert error.value(before, targets) > 0.15 and error.value(after, targets) < 0.03
    assert LogLoss().value(after, targets) < 0.8 * LogLoss().value(before, targets)
    assert Accuracy().value(after, targets) == Accuracy().value(before, targets)
    assert found.error_after < 0.2 * found.error_before and "temperature" in str(found)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_scipys_minimum(seed):
    logits, targets = overconfident(60, factor=[0.3, 1.0, 4.0, 50.0][seed], seed=seed)
    rows = numpy.arange(60)

    def loss(inverse):
        return -log_softmax(logits.numpy() * inverse, axis=1)[rows, targets.numpy()].mean()

    expected = minimize_scalar(loss, bounds=(1e-3, 50), method="bounded", options={"xatol": 1e-10}).x
    found = fit_temperature(logits, targets)
    assert 1 / found.temperature == pytest.approx(expected, rel=1e-5)
    assert not found.bounded


def test_weights_are_repetitions():
    logits, targets = overconfident(50)
    counts = torch.arange(50) % 3
    repeated = torch.arange(50).repeat_interleave(counts)
    expected = fit_temperature(logits[repeated], targets[repeated]).temperature
    assert fit_temperature(logits, targets, counts).temperature == pytest.approx(expected, rel=1e-9)


def test_several_labels_share_one_temperature():
    source = torch.Generator().manual_seed(0)
    logits = torch.randn(3000, 2, generator=source)
    targets = (torch.rand(3000, 2, generator=source) < torch.sigmoid(logits)).float()
    assert fit_temperature(2 * logits, targets).temperature == pytest.approx(2.0, rel=0.1)


def test_where_no_temperature_is_best_the_bound_is_taken_and_said():
    logits = torch.tensor([[5.0, 0.0], [0.0, 3.0]])
    right = fit_temperature(logits, torch.tensor([0, 1]))
    assert right.bounded and right.temperature == 1.0 and "no finite temperature" in str(right)
    wrong = fit_temperature(logits, torch.tensor([1, 0]))
    assert wrong.bounded and wrong.temperature == pytest.approx(1e3) and wrong.loss_after < wrong.loss_before
    flat = fit_temperature(torch.zeros(4, 2), torch.tensor([0, 1, 0, 0]))
    assert flat.bounded and flat.temperature == 1.0


def test_extreme_logits_stay_finite():
    logits = torch.tensor([[9e2, -9e2]] * 9 + [[-9e2, 9e2]])
    found = fit_temperature(logits, torch.zeros(10, dtype=torch.int64))
    assert found.temperature == pytest.approx(1800 / numpy.log(9), rel=1e-6)
    assert found.loss_after < 0.4 and numpy.isfinite(found.loss_before)
    with pytest.raises(NotFiniteError):
        fit_temperature(torch.tensor([[float("inf"), 0.0]]), torch.tensor([0]))
    with pytest.raises(DataError, match="no examples"):
        fit_temperature(torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64))


def test_a_network_is_calibrated_on_a_split_and_rebuilt_from_its_recipe():
    torch.manual_seed(0)
    spec = Classes(("no", "yes"))
    network = nn.Linear(3, spec.outputs)
    inputs = torch.randn(2000, 3)
    chance = torch.sigmoid(network(inputs).detach()[:, 0])
    targets = (torch.rand(2000) < chance).long()
    with torch.no_grad():
        network.weight *= 4
        network.bias *= 4
    split = Examples({"inputs": inputs, "targets": targets, "weights": torch.ones(2000)})
    network.train()
    calibrated, found = calibrate(network, split, spec, batch_size=300)
    assert found.temperature == pytest.approx(4.0, rel=0.15) and network.training
    assert torch.allclose(calibrated(inputs), network(inputs) / found.temperature, rtol=1e-5)
    assert calibrated.state_dict()["temperature"].item() == pytest.approx(found.temperature)


def test_a_calibrated_network_is_rebuilt_with_its_temperature():
    network = MLP.for_data(Array((4,)), Classes(("a", "b", "c")), widths=(8,))
    wrapped = Temperature(network, 2.5)
    twin = build(recipe_of(wrapped).to_json())
    twin.load_state_dict(wrapped.state_dict())
    inputs = torch.randn(5, 4)
    wrapped.eval(), twin.eval()
    assert torch.equal(twin(inputs), wrapped(inputs)) and torch.allclose(
        wrapped(inputs), network(inputs) / 2.5
    )
    assert torch.equal(wrapped.features(inputs), network.features(inputs))
    assert wrapped.feature_dim == network.feature_dim
    with pytest.raises(DataError, match="above 0"):
        Temperature(network, 0.0)


def test_reliability_has_the_data_of_a_plot():
    logits, targets = overconfident(3000)
    data = reliability(torch.softmax(logits, 1), targets, bins=10)
    filled = data["weight"] > 50
    assert (data["confidence"] - data["frequency"])[filled].mean() > 0.1  # too sure
    assert data["error"] == pytest.approx(
        float((data["weight"] * (data["confidence"] - data["frequency"]).abs()).nansum() / 3000)
    )
    assert data["edges"].tolist() == pytest.approx(numpy.linspace(0, 1, 11))


def test_predicted_deviations_are_scaled_to_what_happens():
    source = torch.Generator().manual_seed(0)
    mean, std = torch.randn(4000, 2, generator=source), torch.rand(4000, 2, generator=source) + 0.5
    targets = mean + std * torch.tensor([3.0, 0.5]) * torch.randn(4000, 2, generator=source)
    factors = fit_spread({"mean": mean, "std": std}, targets)
    assert factors == pytest.approx((3.0, 0.5), rel=0.05)
    levels = (0.1, 0.5, 0.9)
    before = quantile_reliability({"mean": mean, "std": std}, targets, levels=levels)["frequency"]
    scaled = {"mean": mean, "std": std * torch.tensor(factors)}
    after = quantile_reliability(scaled, targets, levels=levels)["frequency"]
    assert before[0].tolist() == pytest.approx([0.335, 0.005], abs=0.03)
    assert torch.allclose(after, torch.tensor(levels, dtype=torch.float64)[:, None].expand(3, 2), atol=0.02)
