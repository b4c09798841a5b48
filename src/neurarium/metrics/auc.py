"""AUC: the probability that a positive example scores above a negative one."""

from __future__ import annotations

import abc
import math
from typing import Any, Literal

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.metrics.classified import Classified
from neurarium.metrics.confusion import weighted_mean
from neurarium.metrics.curves import ScoreMetric, against_rest, columns, steps
from neurarium.metrics.metric import State

ScoreAverage = Literal["macro", "micro", "weighted", "each"]


class AreaMetric(ScoreMetric):
    """An area under a curve, per class against the rest, averaged.

    Args:
        average: `macro`: the mean over classes for which it is defined; `weighted`: weighted by how often a class
            occurs; `micro`: all (example, class) pairs as one problem; `each`: `(classes,)`, NaN where undefined.
            Of two classes only class 1 is looked at, except with `each`.
    """

    def __init__(self, average: ScoreAverage = "macro"):
        super().__init__()
        if average not in ("macro", "micro", "weighted", "each"):
            raise OptionError(
                "there is no such average", expected="macro, micro, weighted or each", received=average
            )
        self.average = average

    @abc.abstractmethod
    def areas(self, scores: Tensor, positive: Tensor, weights: Tensor) -> Tensor:
        """Return the area for each weighting.

        Args:
            scores: `(batch,)`.
            positive: `(batch,)` bool.
            weights: `(resamples, batch)` float64.
        """

    def result(self, state: State) -> Any:
        examples = self.of(state)
        ones = torch.ones(1, len(examples), dtype=torch.float64, device=examples.scores.device)
        if self.average == "each":
            return self._each(examples, ones, range(examples.scores.shape[1]))[0][0]
        return float(self.many(examples, ones)[0])

    def many(self, examples: Classified, weightings: Tensor) -> Tensor:
        weightings = weightings.double()
        if self.average == "micro" and (examples.several or examples.scores.shape[1] > 2):
            return self.areas(*_pooled(examples, weightings)).cpu()
        values, support = self._each(examples, weightings, columns(examples))
        weigh = support if self.average == "weighted" and values.shape[1] > 1 else torch.ones_like(support)
        return weighted_mean(values, weigh).cpu()

    def _each(self, examples: Classified, weightings: Tensor, chosen: range) -> tuple[Tensor, Tensor]:
        """Return the area and the weight of the positives for each weighting and class."""
        weightings = weightings * examples.weights
        areas, supports = [], []
        for column in chosen:
            scores, positive, _ = against_rest(examples, column)
            areas.append(self.areas(scores, positive, weightings))
            supports.append(weightings @ positive.double())
        return torch.stack(areas, dim=1), torch.stack(supports, dim=1)


def _pooled(examples: Classified, weightings: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Take every (example, class) pair as one example of a problem with two classes."""
    count = examples.scores.shape[1]
    positive = torch.stack([against_rest(examples, column)[1] for column in range(count)], dim=1)
    weights = (weightings * examples.weights).repeat_interleave(count, dim=1)
    return examples.scores.reshape(-1), positive.reshape(-1), weights


@recorded
class AUC(AreaMetric):
    """Area under the ROC curve: `P(s+ > s-) + P(s+ = s-) / 2`; for several classes one against the rest.

    Scores `(batch, classes)` of any scale (only their order counts; for `micro` their scale too), targets `(batch,)`
    or `(batch, labels)`; a float in [0, 1]. NaN where a class has no positive or no negative example; such classes
    are left out of the mean. The arguments are those of `AreaMetric`.

    >>> metric = AUC()
    >>> metric.update(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([0, 0, 1, 1]))
    >>> metric.compute()
    0.75
    """

    goal = "max"

    def areas(self, scores: Tensor, positive: Tensor, weights: Tensor) -> Tensor:
        above, below = weights[:, positive], weights[:, ~positive]
        ordered, order = scores[~positive].sort()
        # cumulated[:, i] is the weight of the i negatives of lowest score.
        cumulated = torch.nn.functional.pad(below.index_select(1, order).cumsum(dim=1), (1, 0))
        less = torch.searchsorted(ordered, scores[positive])
        tied = torch.searchsorted(ordered, scores[positive], right=True)
        won = cumulated.index_select(1, less)
        if not torch.equal(less, tied):
            won = (won + cumulated.index_select(1, tied)) / 2
        return (above * won).sum(dim=1) / (above.sum(dim=1) * cumulated[:, -1])


@recorded
class AveragePrecision(AreaMetric):
    """Average precision: `sum_n (recall_n - recall_(n-1)) precision_n` over falling thresholds, without interpolation.

    Scores `(batch, classes)` of any scale, targets `(batch,)` or `(batch, labels)`; a float in [0, 1]. Its chance level
    is the share of positives, not 1/2. NaN where a class has no positive example; such classes are left out of the
    mean. The arguments are those of `AreaMetric`.

    >>> metric = AveragePrecision()
    >>> metric.update(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([0, 0, 1, 1]))
    >>> round(metric.compute(), 4)
    0.8333
    """

    goal = "max"

    def areas(self, scores: Tensor, positive: Tensor, weights: Tensor) -> Tensor:
        _, true, false = steps(scores, positive, weights)
        if not true.shape[1]:
            return true.new_full((len(true),), math.nan)
        gained = torch.diff(true, dim=1, prepend=true.new_zeros(len(true), 1))
        taken = true + false
        return (gained * true / torch.where(taken > 0, taken, 1.0)).sum(dim=1) / true[:, -1]
