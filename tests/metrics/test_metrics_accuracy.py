"""Accuracy against scikit-learn."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from metric_strategies import classified, labelled
from sklearn.metrics import accuracy_score, hamming_loss

from neurarium.metrics import Accuracy, LabelAccuracy


@given(classified())
@settings(max_examples=36, deadline=None, derandomize=True)
def test_accuracy_is_scikit_learns(problem):
    scores, targets, weights = problem
    expected = accuracy_score(targets, scores.argmax(1), sample_weight=weights)
    assert Accuracy().value(scores, targets, weights) == pytest.approx(expected, abs=1e-12)


@given(labelled())
@settings(max_examples=36, deadline=None, derandomize=True)
def test_several_labels_must_all_be_right_or_are_counted_singly(problem):
    scores, targets, weights = problem
    chosen = (scores > 0.5).astype(int)
    exact = accuracy_score(targets, chosen, sample_weight=weights) if targets.shape[1] > 1 else None
    if exact is not None:
        assert Accuracy().value(scores, targets, weights) == pytest.approx(exact, abs=1e-12)
    single = 1 - hamming_loss(targets, chosen, sample_weight=weights)
    assert LabelAccuracy().value(scores, targets, weights) == pytest.approx(single, abs=1e-12)


def test_the_class_of_the_lower_index_wins_a_tie():
    scores = torch.tensor([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4], [0.5, 0.5, 0.0]])
    assert Accuracy().value(scores, torch.tensor([0, 1, 0])) == 1.0
    assert Accuracy().value(torch.tensor([[0.5, 0.5]]), torch.tensor([0])) == 1.0


def test_a_threshold_moves_the_decision_between_two_classes():
    scores, targets = torch.tensor([[0.7, 0.3], [0.9, 0.1]]), torch.tensor([1, 0])
    assert Accuracy().value(scores, targets) == 0.5
    assert Accuracy(threshold=0.2).value(scores, targets) == 1.0
    assert Accuracy(threshold=0.2).value(scores[:, 1], targets) == 1.0
