"""F1: the harmonic mean of precision and recall."""

from __future__ import annotations

from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.confusion import ClassAveraged, Counts


@recorded
class F1(ClassAveraged):
    """F1: `2 TP / (2 TP + FP + FN)` per class, averaged over classes.

    Predictions `(batch, classes)` or `(batch, labels)`; a float in [0, 1], or `(classes,)` with `average="each"`.
    The arguments are those of `ClassAveraged`. The macro average is the mean of the F1 of the classes, not the F1 of
    the mean precision and recall.

    >>> import torch
    >>> scores = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> round(F1().value(scores, torch.tensor([0, 1, 1])), 4)
    0.6667
    """

    goal = "max"

    def quotient(self, found: Counts) -> tuple[Tensor, Tensor]:
        twice = 2 * found.true_positive
        return twice, twice + found.false_positive + found.false_negative
