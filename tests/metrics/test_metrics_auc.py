"""AUC and average precision against scikit-learn and torchmetrics."""

from __future__ import annotations

import math
import warnings

import numpy
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from metric_strategies import classified, labelled, scored
from sklearn.metrics import average_precision_score, roc_auc_score
from torchmetrics.functional.classification import multiclass_auroc

from neurarium.core.errors import OptionError
from neurarium.metrics import AUC, AveragePrecision


@given(scored())
@settings(max_examples=48, deadline=None, derandomize=True)
def test_of_two_classes_it_is_scikit_learns_ties_and_weights_included(problem):
    scores, targets, weights = problem
    found = AUC().value(scores, targets, weights)
    if not 0 < targets.sum() < len(targets):
        assert math.isnan(found)
    else:
        assert found == pytest.approx(roc_auc_score(targets, scores, sample_weight=weights), abs=1e-12)
    precision = AveragePrecision().value(scores, targets, weights)
    if not targets.any():
        assert math.isnan(precision)
    else:
        expected = average_precision_score(targets, scores, sample_weight=weights)
        assert precision == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("average", ["macro", "weighted", "micro"])
@given(problem=classified(kinds=st.just(3), count=st.integers(8, 24)))
@settings(max_examples=18, deadline=None, derandomize=True)
def test_of_several_classes_it_is_scikit_learns_one_against_the_rest(average, problem):
    scores, targets, weights = problem
    assume(len(set(targets)) == 3)
    expected = roc_auc_score(targets, scores, average=average, multi_class="ovr", sample_weight=weights)
    assert AUC(average=average).value(scores, targets, weights) == pytest.approx(expected, abs=1e-12)
    binary = numpy.eye(3, dtype=int)[targets]
    expected = average_precision_score(binary, scores, average=average, sample_weight=weights)
    assert AveragePrecision(average=average).value(scores, targets, weights) == pytest.approx(
        expected, abs=1e-12
    )


@given(labelled())
@settings(max_examples=24, deadline=None, derandomize=True)
def test_of_several_labels_it_is_the_mean_over_the_labels_for_which_it_is_defined(problem):
    scores, targets, weights = problem
    pairs = [(t, s) for t, s in zip(targets.T, scores.T, strict=True) if 0 < t.sum() < len(t)]
    found = AUC().value(scores, targets, weights)
    each = [roc_auc_score(t, s, sample_weight=weights) for t, s in pairs]
    assert found == pytest.approx(numpy.mean(each), abs=1e-12) if each else math.isnan(found)


@given(classified(kinds=st.just(4)))
@settings(max_examples=18, deadline=None, derandomize=True)
def test_absent_classes_are_left_out_as_in_torchmetrics(problem):
    scores, targets, _ = problem
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        each = multiclass_auroc(
            torch.from_numpy(scores), torch.from_numpy(targets), num_classes=4, average=None
        )
    present = [
        float(value) for label, value in enumerate(each) if 0 < (targets == label).sum() < len(targets)
    ]
    found = AUC().value(scores, targets)
    assert found == pytest.approx(numpy.mean(present), abs=1e-6) if present else math.isnan(found)
    mine = AUC(average="each").value(scores, targets)
    assert int(mine.isnan().sum()) == 4 - len(present)


def test_it_is_no_mean_over_batches():
    metric = AUC()
    metric.update(torch.tensor([0.1, 0.2]), torch.tensor([0, 1]))
    metric.update(torch.tensor([0.8, 0.9]), torch.tensor([0, 1]))
    assert metric.compute() == 0.75  # each batch alone has 1


def test_only_the_order_of_the_scores_counts():
    scores, targets = torch.tensor([1e-12, 2e-12, 3e-12, 5.0]), torch.tensor([0, 1, 0, 1])
    assert AUC().value(scores, targets) == AUC().value(scores.log(), targets) == 0.75


def test_constant_scores_earn_chance():
    targets = torch.tensor([0, 1, 1, 0, 1])
    assert AUC().value(torch.full((5,), 0.3), targets) == 0.5
    assert AveragePrecision().value(torch.full((5,), 0.3), targets) == pytest.approx(0.6)


def test_an_unknown_average_is_refused():
    with pytest.raises(OptionError):
        AUC(average="binary")
