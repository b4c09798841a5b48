"""Confusion: which class was taken for which, and all metrics that are read off that table."""

from __future__ import annotations

import abc
import math
from collections.abc import Hashable, Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.metrics.classified import Classified, Decided
from neurarium.metrics.metric import FoldedMetric, State

ClassAverage = Literal["macro", "micro", "weighted", "binary", "each"]


class Counts(NamedTuple):
    """True and false positives and negatives of each class, `(..., classes)` float64 (sums of weights)."""

    true_positive: Tensor
    false_positive: Tensor
    true_negative: Tensor
    false_negative: Tensor


def counts(matrix: Tensor) -> Counts:
    """Read each class against the rest off a confusion matrix.

    Args:
        matrix: `(..., classes, classes)` of targets by predictions; or `(..., labels, 2, 2)`, one table per label.

    >>> counts(torch.tensor([[2.0, 1.0], [0.0, 3.0]])).false_positive.tolist()
    [0.0, 1.0]
    """
    if matrix.shape[-2:] == (2, 2) and matrix.ndim > 2:
        return Counts(matrix[..., 1, 1], matrix[..., 0, 1], matrix[..., 0, 0], matrix[..., 1, 0])
    right, total = matrix.diagonal(dim1=-2, dim2=-1), matrix.sum(dim=(-2, -1), keepdim=False)[..., None]
    taken, present = matrix.sum(dim=-2), matrix.sum(dim=-1)
    return Counts(right, taken - right, total - taken - present + right, present - right)


def confusion(examples: Classified, threshold: float = 0.5, weightings: Tensor | None = None) -> Tensor:
    """Return the weighted confusion matrix.

    Args:
        examples: checked predictions.
        threshold: above which a label, or class 1 of two, is predicted.
        weightings: `(resamples, batch)`: one matrix for each.

    Returns:
        `(classes, classes)` of targets by predictions, or `(labels, 2, 2)`; with weightings a leading axis.
    """
    cells, shape = _cells(examples, threshold)
    weights = examples.weights[None] if weightings is None else weightings.double() * examples.weights
    size = shape.numel()
    labels = cells.shape[1]
    flat = torch.zeros(len(weights), size, dtype=torch.float64, device=weights.device)
    for label in range(labels):
        flat.index_add_(1, cells[:, label], weights)
    return flat.reshape(shape if weightings is None else (len(weights), *shape))


def _cells(examples: Classified, threshold: float) -> tuple[Tensor, torch.Size]:
    """Return the cell of the table that each example falls into, `(batch, 1 or labels)`, and the table's shape."""
    chosen = examples.chosen(threshold)
    columns = examples.scores.shape[1]
    if not examples.several:
        return (examples.targets * columns + chosen)[:, None], torch.Size((columns, columns))
    labels = torch.arange(columns, device=chosen.device) * 4
    return labels + examples.targets * 2 + chosen, torch.Size((columns, 2, 2))


class ConfusionMetric(Decided, FoldedMetric):
    """A metric that is read off the confusion matrix.

    Args:
        threshold: above which a label, or class 1 of two, is predicted.
    """

    def __init__(self, threshold: float = 0.5):
        super().__init__()
        self.threshold = threshold

    def shares(self) -> Hashable:
        return ("confusion", self.threshold)

    def contribution(self, examples: Classified) -> State:
        return {"matrix": confusion(examples, self.threshold)}

    def joined(self, parts: Sequence[State]) -> State:
        shapes = {tuple(part["matrix"].shape) for part in parts}
        if len(shapes) > 1:
            raise ShapeError("batches disagree on the number of classes", received=sorted(shapes))
        return {"matrix": torch.stack([part["matrix"] for part in parts]).sum(dim=0)}

    def many(self, examples: Classified, weightings: Tensor) -> Tensor:
        matrices = confusion(examples, self.threshold, weightings)
        return torch.tensor([float(self.result({"matrix": each})) for each in matrices], dtype=torch.float64)


@recorded
class ConfusionMatrix(ConfusionMetric):
    """Confusion matrix: how often each class was taken for each, and TP, FP, TN, FN of each class.

    Predictions `(batch, classes)` or `(batch, labels)`. `compute()` gives a dict of float64 tensors: `matrix`
    `(classes, classes)` with targets as rows and predictions as columns, or `(labels, 2, 2)`; `true_positive`,
    `false_positive`, `true_negative`, `false_negative`, each `(classes,)`. With weights the counts are sums of weights.

    >>> metric = ConfusionMatrix()
    >>> metric.update(torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), torch.tensor([0, 1, 1]))
    >>> metric.compute()["matrix"].tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """

    def result(self, state: State) -> dict[str, Tensor]:
        return {"matrix": state["matrix"], **counts(state["matrix"])._asdict()}


class ClassAveraged(ConfusionMetric):
    """A quotient per class, averaged over classes.

    Args:
        average: `macro`: the mean over classes that occur among targets or predictions. `weighted`: weighted by how
            often a class occurs among the targets. `micro`: the quotient of the sums over classes. `binary`: class 1
            of two. `each`: a tensor with one value per class, NaN where the class occurs nowhere.
        threshold: above which a label, or class 1 of two, is predicted.
        zero_division: the value of a class whose denominator is 0 although the class occurs (a class never predicted
            has no precision); NaN leaves it out of the mean.
    """

    def __init__(self, average: ClassAverage = "macro", threshold: float = 0.5, zero_division: float = 0.0):
        super().__init__(threshold)
        if average not in ("macro", "micro", "weighted", "binary", "each"):
            raise OptionError(
                "there is no such average",
                expected="macro, micro, weighted, binary or each",
                received=average,
            )
        self.average, self.zero_division = average, zero_division

    @abc.abstractmethod
    def quotient(self, found: Counts) -> tuple[Tensor, Tensor]:
        """Return numerator and denominator, `(..., classes)`."""

    def result(self, state: State) -> Any:
        found = counts(state["matrix"])
        above, below = self.quotient(found)
        if self.average == "micro":
            return float(divide(above.sum(), below.sum(), self.zero_division))
        occurs = found.true_positive + found.false_positive + found.false_negative > 0
        values = torch.where(occurs, divide(above, below, self.zero_division), math.nan)
        if self.average == "each":
            return values
        if self.average == "binary":
            if len(values) != 2 or state["matrix"].ndim > 2:
                raise ShapeError("the binary average needs two classes", expected=2, received=len(values))
            return float(values[1])
        support = found.true_positive + found.false_negative
        return float(
            weighted_mean(values, support if self.average == "weighted" else torch.ones_like(support))
        )


def divide(above: Tensor, below: Tensor, otherwise: float) -> Tensor:
    """Return `above / below`, and `otherwise` where the denominator is 0."""
    return torch.where(below > 0, above / torch.where(below > 0, below, 1.0), otherwise)


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted mean over the last axis of the values that are not NaN; NaN where there is none."""
    weights = torch.where(values.isnan(), 0.0, weights)
    return (values.nan_to_num() * weights).sum(dim=-1) / weights.sum(dim=-1)
