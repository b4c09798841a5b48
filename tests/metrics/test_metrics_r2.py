"""R2 and explained variance against scikit-learn."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from hypothesis import given, settings
from metric_strategies import regressed
from sklearn.metrics import explained_variance_score, r2_score

from neurarium.metrics import R2, ExplainedVariance


@given(regressed(least=2))
@settings(max_examples=36, deadline=None, derandomize=True)
def test_they_are_scikit_learns_where_the_targets_vary(problem):
    predictions, targets, weights = problem
    varies = targets.max(0) > targets.min(0)
    for kind, oracle in ((R2, r2_score), (ExplainedVariance, explained_variance_score)):
        expected = oracle(targets, predictions, sample_weight=weights, multioutput="raw_values")
        found = kind(average="each").value(predictions, targets, weights).numpy()
        numpy.testing.assert_allclose(found[varies], expected[varies], rtol=1e-9, atol=1e-9)
        assert numpy.isnan(found[~varies]).all()


def test_digits_are_kept_where_the_mean_is_large_beside_the_spread():
    source = torch.Generator().manual_seed(0)
    targets = 1e8 + torch.randn(1000, generator=source, dtype=torch.float64)
    predictions = targets + 0.1 * torch.randn(1000, generator=source, dtype=torch.float64)
    metric = R2()
    for chunk in torch.arange(1000).split(7):
        metric.update(predictions[chunk], targets[chunk])
    assert metric.compute() == pytest.approx(r2_score(targets, predictions), abs=1e-6)


def test_constant_targets_leave_them_undefined_however_they_round():
    targets = torch.full((30,), 0.1, dtype=torch.float64)
    metric = R2()
    for chunk in torch.arange(30).split(7):
        metric.update(targets[chunk] + 0.01, targets[chunk])
    assert math.isnan(metric.compute())
    assert math.isnan(R2().value(torch.tensor([1.0]), torch.tensor([1.0])))


def test_a_constant_offset_costs_r2_and_not_the_explained_variance():
    targets = torch.tensor([1.0, 2.0, 3.0])
    assert ExplainedVariance().value(targets + 1, targets) == 1.0
    assert R2().value(targets + 1, targets) == pytest.approx(-0.5)
    assert R2().value(torch.full((3,), 2.0), targets) == 0.0
