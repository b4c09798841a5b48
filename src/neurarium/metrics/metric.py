"""Metric: an accumulator. Update in any split, merge in any order: the same value as one update over everything."""

from __future__ import annotations

import abc
import copy
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeVar

import torch
from torch import Tensor

from neurarium.core.errors import OptionError

State = dict[str, Tensor]
Average = Literal["uniform", "each"]
Same = TypeVar("Same", bound="Metric")


class Metric(abc.ABC):
    """The root of all metrics: `update`, `merge`, `compute`, `reset`, `state`, `load`.

    A metric is three functions: `check` turns raw predictions into examples (or raises a typed error), `contribution`
    says what these examples add to the state, `result` turns a state into the value. States of tensors are joined by
    `joined`: added, concatenated, or merged as moments.
    """

    goal: ClassVar[Literal["max", "min"] | None] = None
    proportion: ClassVar[bool] = False  # the share of examples of which something is so

    def __init__(self) -> None:
        self._parts: list[State] = []

    @abc.abstractmethod
    def check(self, predictions: Any, targets: Any, weights: Any) -> Any:
        """Check raw arguments and return them as examples."""

    @abc.abstractmethod
    def contribution(self, examples: Any) -> State:
        """Return what the examples add to the state."""

    @abc.abstractmethod
    def joined(self, parts: Sequence[State]) -> State:
        """Join several states into one; the order does not matter for the result."""

    @abc.abstractmethod
    def result(self, state: State) -> Any:
        """Turn a state into the value: a float, a tensor, or a dict of tensors."""

    def shares(self) -> Hashable:
        """Return a key: metrics with equal keys have equal contributions (computed once in a `MetricSet`)."""
        return id(self)

    def shares_check(self) -> Hashable:
        """Return a key: metrics with equal keys read equal examples. Overridden where options change the check."""
        return type(self).check

    def update(self, predictions: Any, targets: Any, weights: Any = None) -> None:
        """Take one batch of predictions, targets and optional weights `(batch,)`."""
        self.absorb(self.contribution(self.check(predictions, targets, weights)))

    def absorb(self, part: State) -> None:
        """Take a contribution that was computed before."""
        self._parts.append(part)

    def merge(self, other: Metric) -> None:
        """Take what another metric of the same kind and options has seen (another rank, another fold).

        Raises:
            OptionError: the other metric is of another kind or has other options.
        """
        if type(self) is not type(other) or self.options() != other.options():
            raise OptionError(
                "two metrics can be merged only when they are of one kind with equal options",
                expected=f"{type(self).__name__}({self.options()})",
                received=f"{type(other).__name__}({other.options()})",
            )
        state = other.state()
        if state:
            own = self.state()
            device = next(iter(own.values())).device if own else None
            self.absorb({key: value.to(device) if device else value for key, value in state.items()})

    def compute(self) -> Any:
        """Return the value over everything seen; NaN when nothing was seen."""
        state = self.state()
        return self.result(state) if state else math.nan

    def reset(self) -> None:
        """Forget everything seen."""
        self._parts = []

    def state(self) -> State:
        """Return what was seen, as tensors; an empty dict when nothing was."""
        if len(self._parts) > 1:
            self._parts = [self.joined(self._parts)]
        return dict(self._parts[0]) if self._parts else {}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Put back a state of `state()`."""
        self._parts = [dict(state)] if state else []

    def options(self) -> dict[str, Any]:
        """Return the metric's options: all it holds except what it has seen."""
        return {key: value for key, value in vars(self).items() if not key.startswith("_")}

    def fresh(self: Same) -> Same:
        """Return a copy that has seen nothing."""
        twin = copy.copy(self)
        twin._parts = []
        return twin

    def value(self, predictions: Any, targets: Any, weights: Any = None) -> Any:
        """Return the metric of one batch alone, leaving the accumulated state as it is."""
        return self.result(self.contribution(self.check(predictions, targets, weights)))

    def many(self, examples: Any, weightings: Tensor) -> Tensor:
        """Return the metric under each of several weightings `(resamples, batch)`: `(resamples,)` float64.

        The weightings multiply the examples' own weights; counts of a bootstrap resample are such a weighting.
        """
        results = [self.result(self.contribution(examples.reweighted(row))) for row in weightings]
        return torch.tensor([float(each) for each in results], dtype=torch.float64)

    def __repr__(self) -> str:
        options = ", ".join(f"{key}={value!r}" for key, value in self.options().items())
        return f"{type(self).__name__}({options})"


class KeptMetric(Metric):
    """A metric that needs all examples at once (AUC, median): its state is concatenated; it holds `weights`."""

    def joined(self, parts: Sequence[State]) -> State:
        return {key: torch.cat([part[key] for part in parts]) for key in parts[0]}

    def many(self, examples: Any, weightings: Tensor) -> Tensor:
        state = self.contribution(examples)
        results = []
        for row in weightings.to(torch.float64):
            factors = row.reshape(-1, *[1] * (state["weights"].ndim - 1))
            results.append(float(self.result({**state, "weights": state["weights"] * factors})))
        return torch.tensor(results, dtype=torch.float64)


class FoldedMetric(Metric):
    """A metric whose state stays small: each contribution is joined to it at once."""

    def absorb(self, part: State) -> None:
        self._parts = [self.joined([*self._parts, part])]


class SumMetric(FoldedMetric):
    """A metric whose state is a sum over examples of per-example terms, weights multiplied in."""

    @abc.abstractmethod
    def terms(self, examples: Any) -> State:
        """Return per-example terms, each `(batch, ...)` float64."""

    def contribution(self, examples: Any) -> State:
        return {key: term.sum(dim=0) for key, term in self.terms(examples).items()}

    def joined(self, parts: Sequence[State]) -> State:
        return {key: torch.stack([part[key] for part in parts]).sum(dim=0) for key in parts[0]}

    def sums(self, examples: Any, weightings: Tensor) -> State:
        """Return the state under each weighting `(resamples, batch)`: `(resamples, ...)`, one matrix product each."""
        weightings = weightings.to(torch.float64)
        terms = self.terms(examples).items()
        return {key: torch.tensordot(weightings, term, dims=([1], [0])) for key, term in terms}

    def many(self, examples: Any, weightings: Tensor) -> Tensor:
        sums = self.sums(examples, weightings)
        states = [{key: each[row] for key, each in sums.items()} for row in range(len(weightings))]
        return torch.tensor([float(self.result(state)) for state in states], dtype=torch.float64)


class MeanMetric(SumMetric):
    """A weighted mean of per-example values: `sum(weight * value) / sum(weight)`, then `finish`."""

    @abc.abstractmethod
    def values(self, examples: Any) -> Tensor:
        """Return a value per example, `(batch,)`, or per example and quantity, `(batch, quantities)`."""

    def quotient(self, total: Tensor, weight: Tensor) -> Tensor:
        """Return the means from sums, one or `(resamples,)`, each `(...)` or `(..., quantities)`."""
        return total / weight

    def finish(self, means: Tensor) -> Tensor:
        """Turn the means into the metric (a square root, an exponential), elementwise; the identity by default."""
        return means

    def terms(self, examples: Any) -> State:
        values = self.values(examples)
        weights = examples.weights
        # An example of weight zero counts for nothing even where its value is infinite.
        return {"total": torch.where(weights > 0, weights * values, 0.0), "weight": weights}

    def result(self, state: State) -> Any:
        values = self.finish(self.quotient(state["total"], state["weight"]))
        return averaged(values, getattr(self, "average", "uniform"))

    def many(self, examples: Any, weightings: Tensor) -> Tensor:
        sums = self.sums(examples, weightings)
        values = self.finish(self.quotient(sums["total"], sums["weight"]))
        return values.reshape(len(weightings), -1).mean(dim=1).cpu()


def averaged(values: Tensor, average: str) -> Any:
    """Return the mean over quantities as a float, or the values per quantity for `each`."""
    return values if average == "each" else float(values.mean())
