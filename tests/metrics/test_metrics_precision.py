"""Precision against scikit-learn and torchmetrics."""

from __future__ import annotations

import warnings

import numpy
import pytest
import torch
from hypothesis import given, settings
from metric_strategies import classified, labelled
from sklearn.metrics import precision_score
from torchmetrics.functional.classification import multiclass_precision as oracle

from neurarium.metrics import Precision


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@given(classified())
@settings(max_examples=24, deadline=None, derandomize=True)
def test_it_is_scikit_learns(average, problem):
    scores, targets, weights = problem
    expected = precision_score(
        targets, scores.argmax(1), average=average, sample_weight=weights, zero_division=0
    )
    assert Precision(average=average).value(scores, targets, weights) == pytest.approx(expected, abs=1e-12)


@given(classified())
@settings(max_examples=24, deadline=None, derandomize=True)
def test_per_class_and_of_class_1_it_is_scikit_learns(problem):
    scores, targets, weights = problem
    each = Precision(average="each").value(scores, targets, weights).numpy()
    kinds = numpy.arange(scores.shape[1])
    chosen = scores.argmax(1)
    expected = precision_score(
        targets, chosen, labels=kinds, average=None, sample_weight=weights, zero_division=0
    )
    occurs = numpy.isin(kinds, targets) | numpy.isin(kinds, chosen)
    numpy.testing.assert_allclose(each[occurs], expected[occurs], atol=1e-12)
    assert numpy.isnan(each[~occurs]).all()
    if len(kinds) == 2 and occurs[1]:
        assert Precision(average="binary").value(scores, targets, weights) == pytest.approx(
            expected[1], abs=1e-12
        )


@given(labelled())
@settings(max_examples=24, deadline=None, derandomize=True)
def test_of_several_labels_it_is_scikit_learns_over_the_labels_that_occur(problem):
    scores, targets, weights = problem
    chosen = (scores > 0.5).astype(int)
    pairs = [(targets[:, label], chosen[:, label]) for label in range(scores.shape[1])]
    each = [
        precision_score(*pair, sample_weight=weights, zero_division=0)
        for pair in pairs
        if (pair[0] + pair[1]).any()
    ]
    found = Precision().value(scores, targets, weights)
    assert found == pytest.approx(numpy.mean(each), abs=1e-12) if each else numpy.isnan(found)


@given(classified())
@settings(max_examples=12, deadline=None, derandomize=True)
def test_it_is_torchmetrics(problem):
    scores, targets, _ = problem
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chosen = torch.from_numpy(scores.argmax(1))
        expected = oracle(chosen, torch.from_numpy(targets), num_classes=scores.shape[1], average="macro")
    assert Precision().value(scores, targets) == pytest.approx(float(expected), abs=1e-6)
