"""Top-k accuracy: the right class is among the k of largest score."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.metrics.classified import Classified, Ranked
from neurarium.metrics.metric import MeanMetric


@recorded
class TopKAccuracy(Ranked, MeanMetric):
    """Top-k accuracy: the share of examples whose class has fewer than k classes before it.

    Of equal scores the class of the lower index comes first, so that k = 1 is the accuracy. With k of at least the
    number of classes it is 1. Predictions `(batch, classes)`, targets `(batch,)`; a float in [0, 1].

    Raises:
        OptionError: k below 1.
        ShapeError: several labels.

    >>> import torch
    >>> TopKAccuracy(k=2).value(torch.tensor([[0.5, 0.3, 0.2], [0.6, 0.3, 0.1]]), torch.tensor([1, 2]))
    0.5
    """

    goal = "max"
    proportion = True

    def __init__(self, k: int = 5):
        super().__init__()
        if k < 1:
            raise OptionError("k of the top-k accuracy is too small", expected="1 or more", received=k)
        self.k = k

    def values(self, examples: Classified) -> Tensor:
        if examples.several:
            raise ShapeError("top-k accuracy needs one class per example", expected="targets (batch,)")
        scores, targets = examples.scores, examples.targets[:, None]
        own = scores.gather(1, targets)
        indices = torch.arange(scores.shape[1], device=scores.device)
        before = (scores > own) | ((scores == own) & (indices < targets))
        return (before.sum(dim=1) < self.k).double()
