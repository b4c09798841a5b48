"""Log-loss against scikit-learn."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from hypothesis import given, settings
from metric_strategies import classified, labelled
from sklearn.metrics import log_loss

from neurarium.core.errors import DataError
from neurarium.metrics import LogLoss, Perplexity


@given(classified())
@settings(max_examples=36, deadline=None, derandomize=True)
def test_it_is_scikit_learns(problem):
    scores, targets, weights = problem
    expected = log_loss(targets, scores, labels=range(scores.shape[1]), sample_weight=weights)
    assert LogLoss().value(scores, targets, weights) == pytest.approx(expected, abs=1e-12)
    assert Perplexity().value(scores, targets, weights) == pytest.approx(math.exp(expected), rel=1e-12)


@given(labelled())
@settings(max_examples=24, deadline=None, derandomize=True)
def test_of_several_labels_it_is_the_mean_over_labels(problem):
    scores, targets, weights = problem
    pairs = zip(targets.T, scores.T, strict=True)
    each = [log_loss(t, s, labels=[0, 1], sample_weight=weights) for t, s in pairs]
    assert LogLoss().value(scores, targets, weights) == pytest.approx(numpy.mean(each), rel=1e-9)


def test_a_class_held_impossible_costs_a_finite_price():
    found = LogLoss().value(torch.tensor([[1.0, 0.0]]), torch.tensor([1]))
    assert found == pytest.approx(-math.log(torch.finfo(torch.float32).eps))


def test_logits_are_refused():
    with pytest.raises(DataError, match="no probabilities"):
        LogLoss().value(torch.tensor([[3.0, -1.0]]), torch.tensor([0]))
    with pytest.raises(DataError, match="sum to 1"):
        LogLoss().value(torch.tensor([[0.5, 0.2]]), torch.tensor([0]))
