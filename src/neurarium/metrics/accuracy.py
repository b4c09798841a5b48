"""Accuracy: the share of examples whose predicted class is the right one."""

from __future__ import annotations

from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.classified import Classified, Decided
from neurarium.metrics.metric import MeanMetric


@recorded
class Accuracy(Decided, MeanMetric):
    """Accuracy: `sum(w * [predicted == target]) / sum(w)`; with several labels all labels must be right.

    Predictions `(batch, classes)` or `(batch, labels)`, targets `(batch,)` or `(batch, labels)`; a float in [0, 1].
    Of equal scores the class of the lower index is predicted.

    Args:
        threshold: above which a label, or class 1 of two, is predicted.

    >>> import torch
    >>> metric = Accuracy()
    >>> metric.update(torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), torch.tensor([0, 1, 1]))
    >>> round(metric.compute(), 4)
    0.6667
    """

    goal = "max"
    proportion = True

    def __init__(self, threshold: float = 0.5):
        super().__init__()
        self.threshold = threshold

    def values(self, examples: Classified) -> Tensor:
        right = examples.chosen(self.threshold) == examples.targets
        return (right.all(dim=1) if examples.several else right).double()


@recorded
class LabelAccuracy(Decided, MeanMetric):
    """Label accuracy: the share of single labels that are right, `1 - Hamming loss`; of classes, the accuracy.

    Predictions and targets `(batch, labels)`; a float in [0, 1].

    >>> import torch
    >>> LabelAccuracy().value(torch.tensor([[0.9, 0.1], [0.2, 0.8]]), torch.tensor([[1, 0], [1, 1]]))
    0.75
    """

    goal = "max"

    def __init__(self, threshold: float = 0.5):
        super().__init__()
        self.threshold = threshold

    def values(self, examples: Classified) -> Tensor:
        right = (examples.chosen(self.threshold) == examples.targets).double()
        return right.mean(dim=1) if examples.several else right
