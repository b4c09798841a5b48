"""Segmented: metrics of masks, read off one table of pixels per image, so that no split is held as probabilities."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Hashable
from typing import Any

from torch import Tensor

from neurarium.core.errors import ShapeError
from neurarium.core.recipe import recorded
from neurarium.metrics.checks import finite, tensor, weighting
from neurarium.metrics.confusion import counts
from neurarium.metrics.metric import State, SumMetric


@dataclasses.dataclass(frozen=True)
class Tables:
    """Checked tables `(batch, classes, classes)` float64, targets by predictions, and a weight per image."""

    tables: Tensor
    weights: Tensor

    def reweighted(self, factors: Tensor) -> Tables:
        return dataclasses.replace(self, weights=self.weights * factors)

    def __len__(self) -> int:
        return len(self.tables)


class TableMetric(SumMetric):
    """A metric of masks. Predictions are tables of pixels `(batch, classes, classes)` (`Mask.tables`); targets are not read.

    All pixels of all images count alike. `each` gives the value per class: NaN where a class is neither there nor
    predicted; the metric is the mean over the others.
    """

    goal = "max"

    @abc.abstractmethod
    def each(self, table: Tensor) -> Tensor:
        """Return the values per class of a table `(classes, classes)`."""

    def check(self, predictions: Any, targets: Any = None, weights: Any = None) -> Tables:
        tables = tensor(predictions, "predictions").double()
        if tables.ndim != 3 or tables.shape[1] != tables.shape[2]:
            raise ShapeError(
                "metrics of masks read a table of pixels per image",
                expected="(batch, classes, classes), as Mask.tables gives it",
                received=tuple(tables.shape),
            )
        finite(predictions=tables)
        return Tables(tables, weighting(weights, len(tables), tables.device))

    def shares(self) -> Hashable:
        return TableMetric

    def shares_check(self) -> Hashable:
        return TableMetric

    def terms(self, examples: Tables) -> State:
        return {"table": examples.tables * examples.weights[:, None, None]}

    def result(self, state: State) -> float:
        return float(self.each(state["table"]).nanmean())


@recorded
class MaskDice(TableMetric):
    """The Dice coefficient of masks: the mean over classes of 2 TP / (2 TP + FP + FN), over all pixels.

    >>> import torch
    >>> MaskDice().value(torch.tensor([[[3.0, 1.0], [0.0, 4.0]]]), None)  # the mean of 6 / 7 and 8 / 9
    0.873015873015873
    """

    def each(self, table: Tensor) -> Tensor:
        found = counts(table)
        twice = 2 * found.true_positive
        return twice / (twice + found.false_positive + found.false_negative)


@recorded
class MaskIoU(TableMetric):
    """The intersection over union of masks: the mean over classes of TP / (TP + FP + FN), over all pixels.

    >>> import torch
    >>> MaskIoU().value(torch.tensor([[[3.0, 1.0], [0.0, 4.0]]]), None)  # the mean of 3 / 4 and 4 / 5
    0.775
    """

    def each(self, table: Tensor) -> Tensor:
        found = counts(table)
        return found.true_positive / (found.true_positive + found.false_positive + found.false_negative)


@recorded
class PixelAccuracy(TableMetric):
    """The share of pixels whose class is right.

    >>> import torch
    >>> PixelAccuracy().value(torch.tensor([[[3.0, 1.0], [0.0, 4.0]]]), None)
    0.875
    """

    def each(self, table: Tensor) -> Tensor:
        return (table.diagonal().sum() / table.sum()).reshape(1)
