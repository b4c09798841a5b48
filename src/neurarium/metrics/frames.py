"""Frames: metrics of what comes at the next step, read off counts per example (`Frames.tables`)."""

from __future__ import annotations

import abc

import torch  # noqa: F401  # for the examples
from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.counted import CountedMetric
from neurarium.metrics.metric import State


class FrameMetric(CountedMetric):
    """A metric of frames. Predictions are counts `(batch, 5)` (`Frames.tables`): nats, frames, hits, false alarms, misses."""

    @abc.abstractmethod
    def of(self, counts: Tensor) -> Tensor:
        """Return the value of counts `(5,)`."""

    shape = (5,)
    read = "metrics of frames read five counts per example"
    given = "(batch, 5), as Frames.tables gives it"

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
