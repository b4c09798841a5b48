"""Balanced accuracy: the mean over the classes of the share that is right."""

from __future__ import annotations

import math

import torch

from neurarium.core.recipe import recorded
from neurarium.metrics.confusion import ConfusionMetric, counts, weighted_mean
from neurarium.metrics.metric import State


@recorded
class BalancedAccuracy(ConfusionMetric):
    """Balanced accuracy: the mean of `TP / (TP + FN)` over the classes that occur among the targets.

    With several labels the mean over labels of `(sensitivity + specificity) / 2`, each label's over the values that
    occur. Predictions `(batch, classes)` or `(batch, labels)`; a float in [0, 1].

    >>> scores = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> BalancedAccuracy().value(scores, torch.tensor([0, 1, 1]))
    0.75
    """

    goal = "max"

    def result(self, state: State) -> float:
        matrix = state["matrix"]
        if matrix.ndim == 3:
            recalls = matrix.diagonal(dim1=1, dim2=2) / matrix.sum(dim=2)
            return float(recalls.nanmean(dim=1).nanmean())
        found = counts(matrix)
        present = found.true_positive + found.false_negative
        recalls = torch.where(present > 0, found.true_positive / present, math.nan)
        return float(weighted_mean(recalls, torch.ones_like(recalls)))
