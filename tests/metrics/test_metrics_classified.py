"""What predictions of classes may look like."""

from __future__ import annotations

import math

import pytest
import torch

from neurarium.core.errors import DataError, NotFiniteError, ShapeError
from neurarium.metrics import AUC, F1, Accuracy, BrierScore, LogLoss
from neurarium.metrics.classified import Decided, Probable, Ranked, first_largest


def test_one_column_is_the_probability_of_class_1():
    scores, targets = torch.tensor([0.2, 0.9, 0.6]), torch.tensor([0, 1, 0])
    both = torch.stack([1 - scores, scores], dim=1)
    for metric in (Accuracy(), LogLoss(), AUC(), BrierScore(), F1()):
        assert metric.value(scores, targets) == pytest.approx(metric.value(both, targets), abs=1e-6)
        assert metric.value(scores[:, None], targets) == metric.value(scores, targets)


def test_half_precision_keeps_its_values():
    scores = torch.softmax(torch.randn(50, 9, generator=torch.Generator().manual_seed(0)), 1)
    targets = torch.arange(50) % 9
    for kind in (torch.bfloat16, torch.float16):
        rounded = scores.to(kind)
        assert LogLoss().value(rounded, targets) == pytest.approx(
            LogLoss().value(rounded.float(), targets), abs=1e-6
        )


def test_positions_are_examples_of_their_own_with_the_weight_of_their_example():
    scores = torch.softmax(torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0)), 1)
    targets = torch.randint(0, 4, (3, 5), generator=torch.Generator().manual_seed(1))
    weights = torch.tensor([1.0, 2.0, 0.5])
    flat = scores.movedim(1, -1).reshape(15, 4)
    expected = Accuracy().value(flat, targets.reshape(15), weights.repeat_interleave(5))
    assert Accuracy().value(scores, targets, weights) == expected
    assert Accuracy().value(scores, targets, weights[:, None].expand(3, 5)) == expected


def test_float_targets_of_whole_numbers_will_do():
    assert Accuracy().value(torch.eye(2), torch.tensor([0.0, 1.0])) == 1.0
    assert Accuracy().value(torch.tensor([0.2, 0.9]), torch.tensor([False, True])) == 1.0


@pytest.mark.parametrize(
    ("scores", "targets", "error", "message"),
    [
        (torch.eye(3), torch.tensor([0, 1, 3]), DataError, "outside the classes"),
        (torch.eye(3), torch.tensor([0, 1, -1]), DataError, "outside the classes"),
        (torch.eye(3), torch.tensor([0.0, 0.5, 1.0]), ShapeError, "whole numbers"),
        (torch.eye(3), torch.tensor([0, 1]), ShapeError, "number of examples"),
        (torch.eye(3), torch.zeros(3, 2), ShapeError, "neither classes nor several labels"),
        (torch.zeros(3, 0), torch.zeros(3), ShapeError, "no column"),
        (torch.tensor([0.1, math.nan]), torch.tensor([0, 1]), NotFiniteError, "1 of 2 predictions"),
        (torch.tensor([-3.0, 4.0]), torch.tensor([0, 1]), DataError, "no probabilities"),
        (torch.tensor([[-3.0, 4.0]]), torch.tensor([[0, 1]]), DataError, "no probabilities"),
    ],
)
def test_what_cannot_be_measured_is_refused(scores, targets, error, message):
    with pytest.raises(error, match=message):
        Accuracy().update(scores, targets)


def test_logits_are_taken_where_the_order_alone_counts():
    logits, targets = torch.tensor([[2.0, -1.0], [-3.0, 4.0]]), torch.tensor([0, 1])
    assert Decided().check(logits, targets).chosen().tolist() == [0, 1]
    assert Ranked().check(logits[:, 1], targets).scores[:, 1].tolist() == [-1.0, 4.0]
    with pytest.raises(DataError):
        Probable().check(logits, targets)


def test_the_lowest_index_of_the_largest_scores():
    assert first_largest(torch.tensor([[1, 3, 3], [2, 2, 2], [0, 1, 5]])).tolist() == [1, 0, 2]
