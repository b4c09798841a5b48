"""Calibration: whether what is said with probability p happens with frequency p."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.metrics.classified import Classified, Probable
from neurarium.metrics.metric import KeptMetric, State

Spacing = Literal["width", "mass"]


class BinnedConfidence(Probable, KeptMetric):
    """Confidences in bins, beside how often they were right.

    Args:
        bins: how many bins.
        spacing: `width`: bins `(a, b]` of equal width over [0, 1]; `mass`: bins that hold nearly equal weight (equal
            confidences stay together).
        positive: look at the probability of this class or label and whether it is the right one; None: at the largest
            probability and whether its class is right.
    """

    def __init__(self, bins: int = 15, spacing: Spacing = "width", positive: int | None = None):
        super().__init__()
        if bins < 1 or spacing not in ("width", "mass"):
            raise OptionError(
                "the bins are not possible",
                expected="bins >= 1, spacing width or mass",
                received=(bins, spacing),
            )
        self.bins, self.spacing, self.positive = bins, spacing, positive

    def shares(self) -> tuple[str, int | None]:
        return ("confidence", self.positive)

    def contribution(self, examples: Classified) -> State:
        if self.positive is None:
            if examples.several:
                raise ShapeError(
                    "calibration of several labels is looked at label by label",
                    expected="positive=INDEX of a label",
                    received="positive=None",
                )
            chosen = examples.chosen()
            confidence, right = examples.scores.gather(1, chosen[:, None])[:, 0], chosen == examples.targets
        else:
            confidence = examples.scores[:, self.positive]
            targets = examples.targets
            right = targets[:, self.positive] == 1 if examples.several else targets == self.positive
        return {"confidence": confidence.double(), "right": right.double(), "weights": examples.weights}

    def binned(self, state: State) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return weight, mean confidence and frequency per bin `(bins,)`, and the bins' edges `(bins + 1,)`."""
        confidence, weights = state["confidence"], state["weights"]
        index, edges = self._placed(confidence, weights)
        sums = torch.zeros(3, self.bins, dtype=torch.float64, device=confidence.device)
        sums.index_add_(1, index, torch.stack([weights, weights * confidence, weights * state["right"]]))
        return sums[0], sums[1] / sums[0], sums[2] / sums[0], edges

    def _placed(self, confidence: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Return the bin of each example, and the bins' edges."""
        if self.spacing == "mass":
            return _equal_mass(confidence, weights, self.bins)
        edges = torch.linspace(0, 1, self.bins + 1, dtype=torch.float64, device=confidence.device)
        return torch.bucketize(confidence.contiguous(), edges).sub(1).clamp(0, self.bins - 1), edges


def _equal_mass(confidence: Tensor, weights: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """Return the bin of each example, and the edges: groups of equal confidence go where their middle weight lies."""
    values, group = confidence.unique(return_inverse=True)
    mass = torch.zeros_like(values).index_add_(0, group, weights)
    middle = (mass.cumsum(0) - mass / 2) / mass.sum()
    place = (middle * bins).floor().nan_to_num().clamp(0, bins - 1).to(torch.int64)
    edges = torch.zeros(bins + 1, dtype=torch.float64, device=values.device)
    top = torch.zeros(bins, dtype=torch.float64, device=values.device)
    top.scatter_reduce_(0, place, values, "amax")
    edges[1:] = top.cummax(0).values
    edges[-1] = 1.0
    return place[group], edges


@recorded
class ExpectedCalibrationError(BinnedConfidence):
    """Expected calibration error: `sum_b (weight_b / weight) |confidence_b - accuracy_b|` (Guo et al. 2017,
    arXiv:1706.04599, eq. 3).

    The arguments are those of `BinnedConfidence`. The error depends on the bins and is biased upwards when they hold
    few examples: compare only equal bins and sizes. Predictions `(batch, classes)`; a float in [0, 1].

    >>> scores = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> round(ExpectedCalibrationError().value(scores, torch.tensor([0, 1, 1])), 4)
    0.3
    """

    goal = "min"

    def result(self, state: State) -> float:
        weight, confidence, frequency, _ = self.binned(state)
        if not weight.sum() > 0:
            return math.nan
        return float((weight * (confidence - frequency).abs()).nan_to_num().sum() / weight.sum())

    def many(self, examples: Classified, weightings: Tensor) -> Tensor:
        if self.spacing == "mass":
            return super().many(examples, weightings)
        state = self.contribution(examples)
        index, _ = self._placed(state["confidence"], state["weights"])
        weightings = weightings * state["weights"]
        # Bins of equal width do not move with the weights: sum_b |sum_i w_i (confidence_i - right_i)| is enough.
        gaps = torch.zeros(len(weightings), self.bins, dtype=torch.float64, device=weightings.device)
        gaps.index_add_(1, index, weightings * (state["confidence"] - state["right"]))
        return (gaps.abs().sum(dim=1) / weightings.sum(dim=1)).cpu()


@recorded
class ReliabilityCurve(BinnedConfidence):
    """Reliability: per bin the mean confidence and how often it was right. The data of a reliability plot.

    The arguments are those of `BinnedConfidence`. `compute()` gives a dict: `confidence`, `frequency` (NaN for an empty
    bin), `weight`, each `(bins,)`, and `edges` `(bins + 1,)`.

    >>> scores = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    >>> ReliabilityCurve(bins=2).value(scores, torch.tensor([0, 1, 1]))["weight"].tolist()
    [0.0, 3.0]
    """

    def result(self, state: State) -> dict[str, Any]:
        weight, confidence, frequency, edges = self.binned(state)
        return {"confidence": confidence, "frequency": frequency, "weight": weight, "edges": edges}
