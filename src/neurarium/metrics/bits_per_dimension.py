"""Bits per dimension: how many bits a density model needs for one number of an example."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.metrics.checks import finite, tensor, weighting
from neurarium.metrics.metric import MeanMetric, State


@recorded
class BitsPerDimension(MeanMetric):
    """Bits per dimension: `-mean(log p(x)) / (dimensions log 2) + log2(levels)`.

    Predictions: log-likelihoods in nats, `(batch,)`; targets: None, or the number of dimensions of each example
    `(batch,)` where they differ (the mean is then over dimensions).

    Args:
        dimensions: of an example (3 x 32 x 32 = 3072); 1 with targets.
        levels: of the data before it was scaled to [0, 1) with uniform noise (256 for bytes); 1 when the likelihood is of
            the data as it is.

    >>> metric = BitsPerDimension(dimensions=2)
    >>> metric.update(torch.tensor([-math.log(4.0)]))
    >>> round(metric.compute(), 6)
    1.0
    """

    goal = "min"

    def __init__(self, dimensions: int = 1, levels: int = 1):
        super().__init__()
        if dimensions < 1 or levels < 1:
            raise OptionError(
                "too few dimensions or levels", expected="1 or more", received=(dimensions, levels)
            )
        self.dimensions, self.levels = dimensions, levels

    def update(self, predictions: Any, targets: Any = None, weights: Any = None) -> None:
        super().update(predictions, targets, weights)

    def check(self, predictions: Any, targets: Any = None, weights: Any = None) -> Likelihoods:
        values = tensor(predictions, "predictions").to(torch.float64)
        if values.ndim != 1:
            raise ShapeError(
                "one log-likelihood per example is needed", expected="(batch,)", received=tuple(values.shape)
            )
        finite(predictions=values)
        weights = weighting(weights, len(values), values.device)
        if targets is None:
            return Likelihoods(values, torch.full_like(values, float(self.dimensions)), weights)
        sizes = weighting(targets, len(values), values.device) * self.dimensions
        return Likelihoods(values, sizes, weights)

    def values(self, examples: Likelihoods) -> Tensor:
        return examples.values

    def terms(self, examples: Likelihoods) -> State:
        return {"total": examples.weights * examples.values, "weight": examples.weights * examples.sizes}

    def finish(self, means: Tensor) -> Tensor:
        return math.log2(self.levels) - means / math.log(2)


class Likelihoods:
    """Checked log-likelihoods, numbers of dimensions and weights, each `(batch,)` float64."""

    def __init__(self, values: Tensor, sizes: Tensor, weights: Tensor):
        self.values, self.sizes, self.weights = values, sizes, weights

    def __len__(self) -> int:
        return len(self.values)
