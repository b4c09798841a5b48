"""Segmented: metrics of masks, read off one table of pixels per image, so that no split is held as probabilities."""

from __future__ import annotations

import abc

from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.confusion import counts
from neurarium.metrics.counted import CountedMetric
from neurarium.metrics.metric import State


class TableMetric(CountedMetric):
    """A metric of masks. Predictions are tables of pixels `(batch, classes, classes)` (`Mask.tables`), targets by predictions.

    All pixels of all images count alike. `each` gives the value per class: NaN where a class is neither there nor
    predicted; the metric is the mean over the others.
    """

    goal = "max"

    @abc.abstractmethod
    def each(self, table: Tensor) -> Tensor:
        """Return the values per class of a table `(classes, classes)`."""

    read = "metrics of masks read a table of pixels per image"
    given = "(batch, classes, classes), as Mask.tables gives it"

    @classmethod
    def fits(cls, shape: tuple[int, ...]) -> bool:
        return len(shape) == 2 and shape[0] == shape[1]

    def result(self, state: State) -> float:
        return float(self.each(state["counts"]).nanmean())


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
