"""Calibration error against torchmetrics and scikit-learn, and the two ways of binning."""

from __future__ import annotations

import numpy
import pytest
import torch
from sklearn.calibration import calibration_curve
from torchmetrics.functional.classification import binary_calibration_error, multiclass_calibration_error

from neurarium.core.errors import OptionError, ShapeError
from neurarium.metrics import ExpectedCalibrationError, ReliabilityCurve


def drawn(count, classes, seed):
    source = torch.Generator().manual_seed(seed)
    scores = torch.softmax(torch.randn(count, classes, generator=source), dim=1)
    return scores, torch.randint(0, classes, (count,), generator=source)


@pytest.mark.parametrize(("classes", "bins"), [(2, 10), (3, 15), (7, 4)])
def test_it_is_torchmetrics(classes, bins):
    for seed in range(5):
        scores, targets = drawn(300, classes, seed)
        expected = multiclass_calibration_error(scores, targets, num_classes=classes, n_bins=bins, norm="l1")
        found = ExpectedCalibrationError(bins=bins).value(scores, targets)
        assert found == pytest.approx(float(expected), abs=1e-6)


def test_of_one_class_it_is_torchmetrics_binary():
    scores, targets = drawn(300, 2, 0)
    expected = binary_calibration_error(scores[:, 1], targets, n_bins=12, norm="l1")
    assert ExpectedCalibrationError(bins=12, positive=1).value(scores, targets) == pytest.approx(
        float(expected), abs=1e-6
    )


@pytest.mark.parametrize(("spacing", "strategy"), [("width", "uniform"), ("mass", "quantile")])
def test_the_curve_is_scikit_learns(spacing, strategy):
    scores, targets = drawn(400, 2, 1)
    frequency, confidence = calibration_curve(targets, scores[:, 1], n_bins=8, strategy=strategy)
    found = ReliabilityCurve(bins=8, spacing=spacing, positive=1).value(scores, targets)
    filled = found["weight"] > 0
    # The two cut points of quantiles may differ by one example per bin.
    tolerance = 1e-6 if spacing == "width" else 0.02
    numpy.testing.assert_allclose(found["confidence"][filled], confidence, atol=tolerance)
    numpy.testing.assert_allclose(found["frequency"][filled], frequency, atol=tolerance)


def test_bins_of_equal_mass_hold_equal_mass_and_keep_ties_together():
    confidence = torch.linspace(0.51, 0.99, 100)
    scores = torch.stack([confidence, 1 - confidence], dim=1)
    found = ReliabilityCurve(bins=10, spacing="mass").value(scores, torch.zeros(100, dtype=torch.int64))
    assert found["weight"].tolist() == [10.0] * 10
    assert (found["edges"][1:] >= found["edges"][:-1]).all()
    tied = torch.tensor([[0.7, 0.3]] * 6 + [[0.9, 0.1]] * 2)
    found = ReliabilityCurve(bins=4, spacing="mass").value(tied, torch.zeros(8, dtype=torch.int64))
    assert sorted(found["weight"].tolist()) == [0.0, 0.0, 2.0, 6.0]


def test_a_calibrated_prediction_has_little_error_and_a_sure_wrong_one_much():
    source = torch.Generator().manual_seed(3)
    chance = torch.rand(20_000, generator=source, dtype=torch.float64)
    targets = (torch.rand(20_000, generator=source, dtype=torch.float64) < chance).long()
    scores = torch.stack([1 - chance, chance], dim=1)
    assert ExpectedCalibrationError().value(scores, targets) < 0.015
    sure = torch.where(scores > 0.5, 0.99, 0.01)
    assert ExpectedCalibrationError().value(sure, targets) > 0.2


def test_a_probability_of_exactly_0_or_1_falls_into_the_outer_bins():
    scores = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    found = ReliabilityCurve(bins=5, positive=1).value(scores, torch.tensor([0, 1]))
    assert found["weight"].tolist() == [1.0, 0.0, 0.0, 0.0, 1.0]
    assert found["frequency"][1].isnan()


def test_impossible_requests_are_refused():
    with pytest.raises(OptionError):
        ExpectedCalibrationError(bins=0)
    with pytest.raises(ShapeError, match="label by label"):
        ExpectedCalibrationError().value(torch.rand(3, 2), torch.ones(3, 2))
