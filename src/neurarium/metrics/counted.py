"""Counted: what a network has counted of each example, checked. Read so, no split is held as probabilities."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Hashable
from typing import Any, ClassVar

from torch import Tensor

from neurarium.core.errors import ShapeError
from neurarium.metrics.checks import finite, tensor, weighting
from neurarium.metrics.metric import State, SumMetric


@dataclasses.dataclass(frozen=True)
class Counted:
    """Counts per example.

    Args:
        counts: `(batch, ...)` float64.
        weights: `(batch,)` float64.
    """

    counts: Tensor
    weights: Tensor

    def reweighted(self, factors: Tensor) -> Counted:
        """Return the examples with their weights multiplied by `(batch,)`."""
        return dataclasses.replace(self, weights=self.weights * factors)

    def __len__(self) -> int:
        return len(self.counts)


class CountedMetric(SumMetric):
    """A metric of counts per example, which are the predictions `(batch, *shape)`; targets are not read.

    The counts of all examples are added up, each times its weight: `result` reads `state["counts"]`, `(*shape,)`. A family
    of metrics that read the same counts is a subclass with the three texts below; its members share what was added up.
    """

    shape: ClassVar[tuple[int, ...]] = ()  # of the counts of one example
    read: ClassVar[str]  # "metrics of ... read ... per example"
    given: ClassVar[str]  # the shape that is expected, and what gives it

    @classmethod
    def fits(cls, shape: tuple[int, ...]) -> bool:
        """Tell whether the counts of one example may have this shape."""
        return shape == cls.shape

    def check(self, predictions: Any, targets: Any = None, weights: Any = None) -> Counted:
        counts = tensor(predictions, "predictions").double()
        if counts.ndim < 2 or not self.fits(tuple(counts.shape[1:])):
            raise ShapeError(self.read, expected=self.given, received=tuple(counts.shape))
        finite(predictions=counts)
        return Counted(counts, weighting(weights, len(counts), counts.device))

    def shares(self) -> Hashable:
        return self.given

    def shares_check(self) -> Hashable:
        return self.given

    def terms(self, examples: Counted) -> State:
        counts = examples.counts
        return {"counts": counts * examples.weights.view(-1, *[1] * (counts.ndim - 1))}

    @abc.abstractmethod
    def result(self, state: State) -> float:
        """Turn the counts of all examples into the value."""
