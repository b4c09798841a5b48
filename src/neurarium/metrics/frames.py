"""Frames: metrics of what comes at the next step, read off counts per example (`Frames.tables`)."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Hashable
from typing import Any

import torch  # noqa: F401  # for the examples
from torch import Tensor

from neurarium.core.errors import ShapeError
from neurarium.core.recipe import recorded
from neurarium.metrics.checks import finite, tensor, weighting
from neurarium.metrics.metric import State, SumMetric


@dataclasses.dataclass(frozen=True)
class FrameCounts:
    """Checked counts `(batch, 5)` float64 (nats, frames, hits, false alarms, misses) and a weight per example."""

    counts: Tensor
    weights: Tensor

    def reweighted(self, factors: Tensor) -> FrameCounts:
        return dataclasses.replace(self, weights=self.weights * factors)

    def __len__(self) -> int:
        return len(self.counts)


class FrameMetric(SumMetric):
    """A metric of frames. Predictions are counts `(batch, 5)` (`Frames.tables`); targets are not read."""

    @abc.abstractmethod
    def of(self, counts: Tensor) -> Tensor:
        """Return the value of counts `(5,)`."""

    def check(self, predictions: Any, targets: Any = None, weights: Any = None) -> FrameCounts:
        counts = tensor(predictions, "predictions").double()
        if counts.ndim != 2 or counts.shape[1] != 5:
            raise ShapeError(
                "metrics of frames read five counts per example",
                expected="(batch, 5), as Frames.tables gives it",
                received=tuple(counts.shape),
            )
        finite(predictions=counts)
        return FrameCounts(counts, weighting(weights, len(counts), counts.device))

    def shares(self) -> Hashable:
        return FrameMetric

    def shares_check(self) -> Hashable:
        return FrameMetric

    def terms(self, examples: FrameCounts) -> State:
        return {"counts": examples.counts * examples.weights[:, None]}

    def result(self, state: State) -> float:
        return float(self.of(state["counts"]))


@recorded
class FrameNLL(FrameMetric):
    """The negative log-likelihood of a frame in nats, summed over its notes: the mean over all frames of all pieces.

    Boulanger-Lewandowski et al. 2012, arXiv:1206.6392, section 6.

    >>> FrameNLL().value(torch.tensor([[12.0, 4.0, 0.0, 0.0, 0.0]]), None)
    3.0
    """

    goal = "min"

    def of(self, counts: Tensor) -> Tensor:
        return counts[0] / counts[1]


@recorded
class FrameAccuracy(FrameMetric):
    """Hits over hits, false alarms and misses, over all notes of all frames.

    Bay, Ehmann and Downie 2009, "Evaluation of multiple-F0 estimation and tracking systems".

    >>> FrameAccuracy().value(torch.tensor([[0.0, 4.0, 6.0, 1.0, 1.0]]), None)
    0.75
    """

    goal = "max"

    def of(self, counts: Tensor) -> Tensor:
        return counts[2] / counts[2:].sum()
