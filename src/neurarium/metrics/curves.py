"""Curves over all thresholds: ROC and precision-recall, with ties taken as one step."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.metrics.classified import Classified, Ranked
from neurarium.metrics.metric import KeptMetric, State


class Steps(NamedTuple):
    """What a falling threshold lets in: one step per distinct score.

    Args:
        thresholds: `(steps,)`, falling.
        true_positive, false_positive: `(resamples, steps)` float64, sums of weights of scores at or above each.
    """

    thresholds: Tensor
    true_positive: Tensor
    false_positive: Tensor


class Roc(NamedTuple):
    """Receiver operating characteristic: `(steps + 1,)` each, from (0, 0) at threshold infinity to (1, 1)."""

    false_positive_rate: Tensor
    true_positive_rate: Tensor
    thresholds: Tensor


class PrecisionRecall(NamedTuple):
    """Precision and recall `(steps + 1,)`, thresholds `(steps,)` rising; the last point is (1, 0) by convention."""

    precision: Tensor
    recall: Tensor
    thresholds: Tensor


def steps(scores: Tensor, positive: Tensor, weights: Tensor) -> Steps:
    """Count what each distinct threshold lets in; equal scores enter together, so their order does not matter.

    Args:
        scores: `(batch,)`.
        positive: `(batch,)` bool.
        weights: `(resamples, batch)` float64.
    """
    ordered, order = scores.sort(descending=True)
    weights, positive = weights.index_select(1, order), positive[order].double()
    last = torch.ones(len(ordered), dtype=torch.bool, device=scores.device)
    last[:-1] = ordered[1:] != ordered[:-1]
    positives = (weights * positive).cumsum(dim=1)[:, last]
    negatives = (weights * (1 - positive)).cumsum(dim=1)[:, last]
    return Steps(ordered[last], positives, negatives)


def roc_curve(scores: Tensor, targets: Tensor, weights: Tensor | None = None) -> Roc:
    """Return the ROC curve of scores `(batch,)` for 0/1 targets `(batch,)`.

    The rates are NaN where the targets hold no positive, or no negative.

    >>> curve = roc_curve(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([0, 0, 1, 1]))
    >>> curve.true_positive_rate.tolist()
    [0.0, 0.5, 0.5, 1.0, 1.0]
    """
    return _roc(*_binary(scores, targets, weights))


def precision_recall_curve(scores: Tensor, targets: Tensor, weights: Tensor | None = None) -> PrecisionRecall:
    """Return the precision-recall curve of scores `(batch,)` for 0/1 targets `(batch,)`.

    Recall is NaN where the targets hold no positive.

    >>> curve = precision_recall_curve(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([0, 0, 1, 1]))
    >>> curve.recall.tolist()
    [1.0, 1.0, 0.5, 0.5, 0.0]
    """
    return _precision_recall(*_binary(scores, targets, weights))


def _binary(scores: Any, targets: Any, weights: Any) -> tuple[Tensor, Tensor, Tensor]:
    examples = Ranked().check(scores, targets, weights)
    return examples.scores[:, 1], examples.targets == 1, examples.weights


def _roc(scores: Tensor, positive: Tensor, weights: Tensor) -> Roc:
    scores, positive, weights = (each[weights > 0] for each in (scores, positive, weights))
    found = steps(scores, positive, weights[None])
    rates = [
        torch.cat([each.new_zeros(1), each]) for each in (found.false_positive[0], found.true_positive[0])
    ]
    thresholds = torch.cat([found.thresholds.new_full((1,), torch.inf), found.thresholds])
    return Roc(rates[0] / rates[0][-1], rates[1] / rates[1][-1], thresholds)


def _precision_recall(scores: Tensor, positive: Tensor, weights: Tensor) -> PrecisionRecall:
    scores, positive, weights = (each[weights > 0] for each in (scores, positive, weights))
    found = steps(scores, positive, weights[None])
    true, false = found.true_positive[0].flip(0), found.false_positive[0].flip(0)
    total = true[0] if len(true) else true.new_tensor(torch.nan)
    precision = torch.cat([true / (true + false), true.new_ones(1)])
    return PrecisionRecall(precision, torch.cat([true / total, true.new_zeros(1)]), found.thresholds.flip(0))


class ScoreMetric(Ranked, KeptMetric):
    """A metric that needs the scores of all examples: it keeps them."""

    def shares(self) -> str:
        return "scores"

    def contribution(self, examples: Classified) -> State:
        state = {"scores": examples.scores, "targets": examples.targets, "weights": examples.weights}
        # The number of axes of the targets tells several labels from classes when the state is read again.
        return state

    def of(self, state: State) -> Classified:
        """Return the kept examples."""
        return Classified(state["scores"], state["targets"], state["weights"], state["targets"].ndim > 1)


def against_rest(examples: Classified, column: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return scores, positives and weights of one class or label against the rest."""
    targets = examples.targets[:, column] == 1 if examples.several else examples.targets == column
    return examples.scores[:, column], targets, examples.weights


def columns(examples: Classified) -> range:
    """Return the classes to look at: class 1 alone of two, else each."""
    count = examples.scores.shape[1]
    return range(1, 2) if count == 2 and not examples.several else range(count)


class CurveMetric(ScoreMetric):
    """A curve over thresholds.

    Args:
        positive: the class or label that counts as positive against the rest; None: class 1 of two.
    """

    def __init__(self, positive: int | None = None):
        super().__init__()
        self.positive = positive

    def chosen(self, state: State) -> tuple[Tensor, Tensor, Tensor]:
        """Return scores, positives and weights of the positive class."""
        examples = self.of(state)
        count = examples.scores.shape[1]
        if self.positive is None and (count != 2 or examples.several):
            raise OptionError(
                "a curve needs one positive class",
                expected=f"positive=0 to {count - 1}",
                received=f"positive=None with {count} classes",
                fix="make one curve for each class, against the rest",
            )
        return against_rest(examples, 1 if self.positive is None else self.positive)


@recorded
class RocCurve(CurveMetric):
    """ROC curve: true positive rate `TP / (TP + FN)` over false positive rate `FP / (FP + TN)` at each threshold.

    Predictions `(batch, classes)`; `compute()` gives a dict of `false_positive_rate`, `true_positive_rate`,
    `thresholds`, each `(steps + 1,)`.

    >>> scores = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> RocCurve().value(scores, torch.tensor([0, 1, 1]))["true_positive_rate"].tolist()
    [0.0, 0.5, 1.0, 1.0]
    """

    def result(self, state: State) -> dict[str, Tensor]:
        return _roc(*self.chosen(state))._asdict()


@recorded
class PrecisionRecallCurve(CurveMetric):
    """Precision-recall curve: precision `TP / (TP + FP)` over recall `TP / (TP + FN)` at each threshold.

    Predictions `(batch, classes)`; `compute()` gives a dict of `precision`, `recall` `(steps + 1,)` and `thresholds`
    `(steps,)`, rising.

    >>> scores = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> PrecisionRecallCurve().value(scores, torch.tensor([0, 1, 1]))["recall"].tolist()
    [1.0, 1.0, 0.5, 0.0]
    """

    def result(self, state: State) -> dict[str, Tensor]:
        return _precision_recall(*self.chosen(state))._asdict()
