"""Precision: the share of the examples predicted as a class that are of it."""

from __future__ import annotations

from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.confusion import ClassAveraged, Counts


@recorded
class Precision(ClassAveraged):
    """Precision: `TP / (TP + FP)` per class, averaged over classes.

    Predictions `(batch, classes)` or `(batch, labels)`; a float in [0, 1], or `(classes,)` with `average="each"`.
    The arguments are those of `ClassAveraged`.

    >>> import torch
    >>> scores = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> Precision().value(scores, torch.tensor([0, 1, 1]))
    0.75
    """

    goal = "max"

    def quotient(self, found: Counts) -> tuple[Tensor, Tensor]:
        return found.true_positive, found.true_positive + found.false_positive
