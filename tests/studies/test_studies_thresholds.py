"""Thresholds and costs: against a search over all thresholds with scikit-learn."""

from __future__ import annotations

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    matthews_corrcoef,
    precision_score,
)

from neurarium.core.errors import DataError, OptionError, ShapeError
from neurarium.metrics import F1, Accuracy
from neurarium.studies import Costs, choose_costs, choose_threshold, choose_thresholds

ORACLES = {
    "f1": lambda t, p, w: f1_score(t, p, sample_weight=w, zero_division=0),
    "accuracy": lambda t, p, w: accuracy_score(t, p, sample_weight=w),
    "balanced_accuracy": lambda t, p, w: balanced_accuracy_score(t, p, sample_weight=w),
    "mcc": lambda t, p, w: matthews_corrcoef(t, p, sample_weight=w),
    "precision": lambda t, p, w: precision_score(t, p, sample_weight=w, zero_division=0),
}


def imbalanced(count, seed, share=0.1):
    source = torch.Generator().manual_seed(seed)
    targets = (torch.rand(count, generator=source) < share).long()
    logits = 1.5 * targets + torch.randn(count, generator=source) - 2.5
    return torch.sigmoid(logits), targets


@pytest.mark.parametrize("goal", sorted(ORACLES))
@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.integers(0, 1), st.sampled_from([0.5, 1.0, 2.0])),
        min_size=2,
        max_size=14,
    )
)
@settings(max_examples=20, deadline=None, derandomize=True)
def test_it_is_the_best_of_all_thresholds(goal, rows):
    scores, targets, weights = (numpy.array(column) for column in zip(*rows, strict=True))
    if len(set(targets)) == 1:
        return
    scores = scores / 8
    tried = [ORACLES[goal](targets, scores > t, weights) for t in (-1, *scores)]
    found = choose_threshold(scores, targets, goal=goal, weights=weights)
    assert found.score == pytest.approx(max(tried), abs=1e-12)
    decided = found.decide(scores)
    assert ORACLES[goal](targets, decided.numpy(), weights) == pytest.approx(found.score, abs=1e-12)
    assert ORACLES[goal](targets, scores > 0.5, weights) == pytest.approx(found.plain, abs=1e-12)


def test_chosen_on_validation_it_is_better_on_test():
    found = choose_threshold(*imbalanced(3000, 0))
    scores, targets = imbalanced(3000, 1)
    metric, plain = F1(average="binary", threshold=found.value), F1(average="binary")
    assert metric.value(scores, targets) > plain.value(scores, targets) + 0.1
    assert found.value < 0.4 and "at 0.5" in str(found)


def test_the_threshold_lies_halfway_between_two_probabilities():
    found = choose_threshold(torch.tensor([0.1, 0.2, 0.6, 0.9]), torch.tensor([0, 0, 1, 1]))
    assert found.value == pytest.approx(0.4) and found.score == 1.0
    assert found.candidates.tolist() == pytest.approx([0.05, 0.15, 0.4, 0.75, 0.95])
    near = torch.tensor([0.5, 0.5000001], dtype=torch.float32)
    close = choose_threshold(near, torch.tensor([0, 1]))
    assert close.decide(near).tolist() == [0, 1]
    assert Accuracy(threshold=close.value).value(near, torch.tensor([0, 1])) == 1.0


def test_costs_move_the_threshold_to_their_ratio():
    source = torch.Generator().manual_seed(0)
    scores = torch.rand(40_000, generator=source, dtype=torch.float64)
    targets = (torch.rand(40_000, generator=source, dtype=torch.float64) < scores).long()
    costs = ((0.0, 1.0), (9.0, 0.0))  # a miss costs nine times an alarm: theory says 1 / (1 + 9)
    found = choose_threshold(scores, targets, costs=costs)
    assert found.value == pytest.approx(0.1, abs=0.03) and found.goal == "cost"
    assert found.score < 0.7 * found.plain
    theory = Costs(costs)
    assert theory.decide(torch.tensor([[0.95, 0.05], [0.85, 0.15]])).tolist() == [0, 1]
    assert theory.mean(found.decide(scores), targets) == pytest.approx(found.score)


def test_limits_are_kept():
    scores, targets = imbalanced(3000, 0)
    found = choose_threshold(scores, targets, goal="precision", at_least={"recall": 0.9})
    decided = found.decide(scores)
    recall = float(decided[targets == 1].double().mean())
    assert recall >= 0.9 and found.value < choose_threshold(scores, targets, goal="precision").value
    with pytest.raises(DataError, match="no threshold keeps"):
        choose_threshold(scores, targets, at_least={"precision": 0.9999, "recall": 0.9999})


def test_labels_have_thresholds_of_their_own():
    one, two = imbalanced(2000, 0, 0.1), imbalanced(2000, 1, 0.5)
    scores, targets = (torch.stack(each, dim=1) for each in zip(one, two, strict=True))
    found = choose_thresholds(scores, targets)
    assert [each.value for each in found] == [choose_threshold(*one).value, choose_threshold(*two).value]


def test_a_decision_may_be_to_ask():
    costs = Costs(((0.0, 10.0, 1.0), (10.0, 0.0, 1.0)))
    assert costs.decide(torch.tensor([0.02, 0.5, 0.98])).tolist() == [0, 2, 1]
    assert costs.expected(torch.tensor([[0.5, 0.5]])).tolist() == [[5.0, 5.0, 1.0]]


def skewed(count, seed):
    """Three classes, the last rare, and probabilities that know it."""
    source = torch.Generator().manual_seed(seed)
    shares = torch.tensor([0.6, 0.35, 0.05])
    targets = torch.multinomial(shares, count, replacement=True, generator=source)
    logits = (
        torch.log(shares)
        + 1.3 * torch.nn.functional.one_hot(targets, 3)
        + torch.randn(count, 3, generator=source)
    )
    return torch.softmax(logits, 1), targets


def test_costs_chosen_on_validation_raise_macro_f1_on_test():
    found = choose_costs(*skewed(3000, 0))
    scores, targets = skewed(3000, 1)
    before = F1().value(scores, targets)
    after = F1().value(torch.nn.functional.one_hot(found.decide(scores), 3).double(), targets)
    assert after > before + 0.03 and found.score > found.plain
    matrix = torch.tensor(found.matrix)
    assert matrix.diagonal().tolist() == [0.0, 0.0, 0.0] and matrix[2, 0] > matrix[0, 1]


def test_what_cannot_be_chosen_is_refused():
    scores, targets = imbalanced(50, 0)
    with pytest.raises(OptionError, match="did you mean 'recall'"):
        choose_threshold(scores, targets, goal="recal")
    with pytest.raises(ShapeError, match="two classes"):
        choose_threshold(torch.eye(3), torch.arange(3))
    with pytest.raises(ShapeError, match="2 x 2"):
        choose_threshold(scores, targets, costs=((0.0, 1.0, 2.0), (1.0, 0.0, 2.0)))
    with pytest.raises(DataError, match="no examples"):
        choose_threshold(scores[:0], targets[:0])
    with pytest.raises(OptionError, match="confusion matrix"):
        choose_costs(torch.eye(3), torch.arange(3), goal="auc")
    with pytest.raises(ShapeError, match="other classes"):
        Costs(((0.0, 1.0), (1.0, 0.0))).decide(torch.eye(3))
