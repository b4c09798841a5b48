"""Part: a metric of one of several targets."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from torch import Tensor

from neurarium.metrics.metric import Metric, State


class PartMetric(Metric):
    """A metric that looks at one target of several: predictions and targets are dicts by the targets' names.

    Args:
        part: the name of the target.
        metric: what is measured of it.

    >>> import torch
    >>> from neurarium.metrics import Accuracy
    >>> sold = PartMetric("sold", Accuracy())
    >>> sold.update({"sold": torch.eye(2), "price": torch.zeros(2, 1)}, {"sold": torch.tensor([0, 0]), "price": torch.zeros(2, 1)})
    >>> sold.compute()
    0.5
    """

    def __init__(self, part: str, metric: Metric):
        super().__init__()
        self.part, self.metric = part, metric

    def check(self, predictions: Any, targets: Any, weights: Any) -> Any:
        return self.metric.check(predictions[self.part], targets[self.part], weights)

    def contribution(self, examples: Any) -> State:
        return self.metric.contribution(examples)

    def joined(self, parts: Sequence[State]) -> State:
        return self.metric.joined(parts)

    def result(self, state: State) -> Any:
        return self.metric.result(state)

    def many(self, examples: Any, weightings: Tensor) -> Tensor:
        return self.metric.many(examples, weightings)

    def shares(self) -> Hashable:
        return self.part, self.metric.shares()

    def shares_check(self) -> Hashable:
        return self.part, self.metric.shares_check()

    def options(self) -> dict[str, Any]:
        return {"part": self.part, "metric": type(self.metric).__name__, **self.metric.options()}
