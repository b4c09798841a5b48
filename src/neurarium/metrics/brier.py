"""Brier score: the squared distance of probabilities from what happened."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.classified import Classified, Probable
from neurarium.metrics.metric import MeanMetric


@recorded
class BrierScore(Probable, MeanMetric):
    """Brier score: mean of `sum_k (p_k - y_k)^2`; for two classes `(p_1 - y)^2`, which is half of that sum.

    With several labels the mean over labels of `(p - y)^2`. Predictions `(batch, classes)`, targets `(batch,)`; a float
    in [0, 1] for two classes and labels, in [0, 2] for more.

    >>> round(BrierScore().value(torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), torch.tensor([0, 1, 1])), 4)
    0.1367
    """

    goal = "min"

    def values(self, examples: Classified) -> Tensor:
        scores = examples.scores.double()
        if examples.several:
            return (scores - examples.targets).square().mean(dim=1)
        truth = torch.nn.functional.one_hot(examples.targets, scores.shape[1])
        squares = (scores - truth).square()
        return squares[:, 1] if scores.shape[1] == 2 else squares.sum(dim=1)
