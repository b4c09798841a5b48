"""The confusion matrix against scikit-learn, and what averages do with absent classes."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from hypothesis import given, settings
from metric_strategies import classified, labelled
from sklearn.metrics import confusion_matrix, multilabel_confusion_matrix

from neurarium.core.errors import OptionError, ShapeError
from neurarium.metrics import F1, ConfusionMatrix, Precision, Recall
from neurarium.metrics.confusion import counts


@given(classified())
@settings(max_examples=36, deadline=None, derandomize=True)
def test_the_table_is_scikit_learns(problem):
    scores, targets, weights = problem
    found = ConfusionMatrix().value(scores, targets, weights)
    kinds = range(scores.shape[1])
    expected = confusion_matrix(targets, scores.argmax(1), labels=kinds, sample_weight=weights)
    numpy.testing.assert_allclose(found["matrix"], expected, atol=1e-12)
    each = multilabel_confusion_matrix(targets, scores.argmax(1), labels=kinds, sample_weight=weights)
    names = (
        ("true_negative", 0, 0),
        ("false_positive", 0, 1),
        ("false_negative", 1, 0),
        ("true_positive", 1, 1),
    )
    for name, row, column in names:
        numpy.testing.assert_allclose(found[name], each[:, row, column], atol=1e-12)


@given(labelled())
@settings(max_examples=24, deadline=None, derandomize=True)
def test_several_labels_have_one_table_each(problem):
    scores, targets, weights = problem
    found = ConfusionMatrix().value(scores, targets, weights)["matrix"]
    for label in range(scores.shape[1]):
        chosen = scores[:, label] > 0.5
        expected = confusion_matrix(targets[:, label], chosen, labels=[0, 1], sample_weight=weights)
        numpy.testing.assert_allclose(found[label], expected, atol=1e-12)


def test_positives_and_negatives_of_each_class_add_up_to_all():
    table = torch.tensor([[5.0, 1.0, 0.0], [2.0, 3.0, 4.0], [0.0, 0.0, 6.0]])
    found = counts(table)
    assert found.true_positive.tolist() == [5, 3, 6]
    assert found.false_positive.tolist() == [2, 1, 4]
    assert found.false_negative.tolist() == [1, 6, 0]
    assert torch.stack(found).sum(0).tolist() == [21, 21, 21]


def test_a_class_that_occurs_nowhere_is_left_out_and_named_nan():
    scores = torch.tensor([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.7, 0.2, 0.1]])
    targets = torch.tensor([0, 1, 1])
    assert F1().value(scores, targets) == pytest.approx((2 / 3 + 2 / 3) / 2)
    each = F1(average="each").value(scores, targets)
    assert each[:2].tolist() == pytest.approx([2 / 3, 2 / 3]) and math.isnan(each[2])


def test_a_class_never_predicted_has_the_precision_that_was_asked_for():
    scores, targets = torch.tensor([[0.9, 0.1], [0.8, 0.2]]), torch.tensor([0, 1])
    assert Precision().value(scores, targets) == 0.25
    assert Precision(zero_division=1.0).value(scores, targets) == 0.75
    assert Precision(zero_division=math.nan).value(scores, targets) == 0.5
    assert Recall().value(scores, targets) == 0.5


def test_a_batch_of_one_class_has_values():
    scores, targets = torch.tensor([[0.9, 0.1], [0.8, 0.2]]), torch.tensor([0, 0])
    assert F1().value(scores, targets) == 1.0
    assert math.isnan(F1(average="binary").value(scores, targets))


def test_impossible_averages_are_refused():
    with pytest.raises(OptionError, match="average"):
        F1(average="median")
    with pytest.raises(ShapeError, match="two classes"):
        F1(average="binary").value(torch.eye(3), torch.arange(3))
    with pytest.raises(OptionError, match="threshold"):
        F1(threshold=0.3).value(torch.eye(3), torch.arange(3))


def test_batches_with_other_classes_are_refused():
    metric = ConfusionMatrix()
    metric.update(torch.eye(3), torch.arange(3))
    with pytest.raises(ShapeError, match="number of classes"):
        metric.update(torch.eye(4), torch.arange(4))
