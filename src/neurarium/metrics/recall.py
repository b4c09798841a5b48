"""Recall: the share of the examples of a class that are predicted as it."""

from __future__ import annotations

from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.confusion import ClassAveraged, Counts


@recorded
class Recall(ClassAveraged):
    """Recall: `TP / (TP + FN)` per class, averaged over classes.

    Predictions `(batch, classes)` or `(batch, labels)`; a float in [0, 1], or `(classes,)` with `average="each"`.
    The arguments are those of `ClassAveraged`.

    >>> import torch
    >>> scores = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> Recall().value(scores, torch.tensor([0, 1, 1]))
    0.75
    """

    goal = "max"

    def quotient(self, found: Counts) -> tuple[Tensor, Tensor]:
        return found.true_positive, found.true_positive + found.false_negative
