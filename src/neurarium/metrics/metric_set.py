"""MetricSet: several metrics that see the same predictions."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from torch import Tensor

from neurarium.core.errors import OptionError, unknown
from neurarium.metrics.metric import Metric, State


class MetricSet:
    """Several metrics by name, updated together; what they have in common is computed once.

    Args:
        metrics: name (with underscores, as it stands in results) to metric.

    >>> import torch
    >>> from neurarium.metrics import F1, Accuracy
    >>> metrics = MetricSet({"accuracy": Accuracy(), "f1_macro": F1()})
    >>> metrics.update(torch.tensor([[0.9, 0.1], [0.2, 0.8]]), torch.tensor([0, 1]))
    >>> metrics.compute()
    {'accuracy': 1.0, 'f1_macro': 1.0}
    """

    def __init__(self, metrics: Mapping[str, Metric]):
        self.metrics = dict(metrics)

    def update(self, predictions: Any, targets: Any, weights: Any = None) -> None:
        """Take one batch; a batch that a check refuses leaves all metrics as they were."""
        parts: dict[Hashable, State] = {}
        for metric, examples in zip(
            self.metrics.values(), self.checked(predictions, targets, weights), strict=True
        ):
            key = metric.shares()
            if key not in parts:
                parts[key] = metric.contribution(examples)
        for metric in self.metrics.values():
            metric.absorb(parts[metric.shares()])

    def checked(self, predictions: Any, targets: Any, weights: Any = None) -> list[Any]:
        """Return the examples each metric reads, each kind of check done once."""
        found: dict[Hashable, Any] = {}
        examples = []
        for metric in self.metrics.values():
            key = metric.shares_check()
            if key not in found:
                found[key] = metric.check(predictions, targets, weights)
            examples.append(found[key])
        return examples

    def merge(self, other: MetricSet) -> None:
        """Take what another set of the same metrics has seen.

        Raises:
            OptionError: the sets hold other metrics.
        """
        if list(self.metrics) != list(other.metrics):
            raise OptionError(
                "two sets of metrics can be merged only when they hold the same ones",
                expected=list(self.metrics),
                received=list(other.metrics),
            )
        for name, metric in self.metrics.items():
            metric.merge(other.metrics[name])

    def compute(self) -> dict[str, Any]:
        """Return each metric's value over everything seen, by name."""
        return {name: metric.compute() for name, metric in self.metrics.items()}

    def reset(self) -> None:
        """Forget everything seen."""
        for metric in self.metrics.values():
            metric.reset()

    def fresh(self) -> MetricSet:
        """Return a set of the same metrics that has seen nothing."""
        return MetricSet({name: metric.fresh() for name, metric in self.metrics.items()})

    def state(self) -> State:
        """Return what was seen as `{"metric.key": tensor}`."""
        return {
            f"{name}.{key}": value for name, metric in self.items() for key, value in metric.state().items()
        }

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Put back a state of `state()`."""
        for name, metric in self.items():
            start = f"{name}."
            metric.load({key[len(start) :]: value for key, value in state.items() if key.startswith(start)})

    def items(self) -> Iterator[tuple[str, Metric]]:
        """Yield (name, metric)."""
        yield from self.metrics.items()

    def __getitem__(self, name: str) -> Metric:
        if name not in self.metrics:
            raise unknown("metric", name, self.metrics)
        return self.metrics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)

    def __len__(self) -> int:
        return len(self.metrics)

    def __repr__(self) -> str:
        return f"MetricSet({', '.join(self.metrics)})"
