"""ROC and precision-recall curves against scikit-learn."""

from __future__ import annotations

import numpy
import pytest
import torch
from hypothesis import assume, given, settings
from metric_strategies import scored
from sklearn.metrics import precision_recall_curve as oracle_precision_recall
from sklearn.metrics import roc_curve as oracle_roc

from neurarium.core.errors import OptionError
from neurarium.metrics import PrecisionRecallCurve, RocCurve, precision_recall_curve, roc_curve


@given(scored())
@settings(max_examples=48, deadline=None, derandomize=True)
def test_the_roc_curve_is_scikit_learns(problem):
    scores, targets, weights = problem
    assume(0 < targets.sum() < len(targets))
    found = roc_curve(*map(torch.from_numpy, (scores, targets, weights)))
    expected = oracle_roc(targets, scores, sample_weight=weights, drop_intermediate=False)
    for mine, theirs in zip(found, expected, strict=True):
        numpy.testing.assert_allclose(mine, theirs, atol=1e-12)


@given(scored())
@settings(max_examples=48, deadline=None, derandomize=True)
def test_the_precision_recall_curve_is_scikit_learns(problem):
    scores, targets, weights = problem
    assume(targets.sum() > 0)
    found = precision_recall_curve(*map(torch.from_numpy, (scores, targets, weights)))
    for mine, theirs in zip(
        found, oracle_precision_recall(targets, scores, sample_weight=weights), strict=True
    ):
        numpy.testing.assert_allclose(mine, theirs, atol=1e-12)


def test_rates_of_what_does_not_occur_are_nan():
    curve = roc_curve(torch.tensor([0.1, 0.9]), torch.tensor([1, 1]))
    assert curve.false_positive_rate.isnan().all() and curve.true_positive_rate.tolist() == [0.0, 0.5, 1.0]
    assert precision_recall_curve(torch.tensor([0.1]), torch.tensor([0])).recall[0].isnan()


def test_one_curve_needs_one_positive_class():
    scores, targets = torch.rand(4, 3), torch.tensor([0, 1, 2, 1])
    for kind in (RocCurve, PrecisionRecallCurve):
        with pytest.raises(OptionError, match="positive"):
            kind().value(scores, targets)
    against = roc_curve(scores[:, 2], targets == 2)
    assert torch.equal(
        RocCurve(positive=2).value(scores, targets)["true_positive_rate"], against.true_positive_rate
    )
