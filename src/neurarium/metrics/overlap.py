"""Overlap of predicted and true regions: intersection over union, Dice."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any, Literal

import torch
from torch import Tensor

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.metrics.checks import tensor
from neurarium.metrics.classified import Classified, Decided
from neurarium.metrics.confusion import ClassAverage, ClassAveraged, Counts, confusion, counts, divide
from neurarium.metrics.metric import Metric, State


class OverlapMetric(ClassAveraged):
    """An overlap of regions per class.

    Args:
        average: as for `ClassAveraged`; `macro` is the mean over the classes that occur.
        level: `pixels`: one table over all pixels of all images; `images`: the mean over images of the value of each,
            where a class that an image neither has nor is predicted to have is left out. The two differ: say which.
        ignore: target value of pixels that count for nothing (255, -100).
        threshold: above which a label, or class 1 of two, is predicted.
    """

    def __init__(
        self,
        average: ClassAverage = "macro",
        level: Literal["pixels", "images"] = "pixels",
        ignore: int | None = None,
        threshold: float = 0.5,
    ):
        super().__init__(average, threshold)
        if level not in ("pixels", "images"):
            raise OptionError("there is no such level", expected="pixels or images", received=level)
        if level == "images" and average not in ("macro", "each"):
            raise OptionError(
                "images are averaged per class", expected="average macro or each", received=average
            )
        self.level, self.ignore = level, ignore

    def shares(self) -> Hashable:
        return ("confusion", self.threshold) if (self.level, self.ignore) == ("pixels", None) else id(self)

    def shares_check(self) -> Hashable:
        return Decided.check if self.ignore is None else id(self)

    def check(self, predictions: Any, targets: Any, weights: Any = None) -> Classified:
        if self.ignore is None:
            return super().check(predictions, targets, weights)
        targets = tensor(targets, "targets")
        ignored = targets == self.ignore
        examples = super().check(predictions, torch.where(ignored, 0, targets), weights)
        if examples.several:
            raise ShapeError(
                "ignored pixels need one class per pixel", expected="targets (batch, *positions)"
            )
        return examples.reweighted((~ignored).reshape(-1).to(examples.weights.device, torch.float64))

    def contribution(self, examples: Classified) -> State:
        if self.level == "pixels":
            return super().contribution(examples)
        each = [_image(examples, start) for start in range(0, len(examples), examples.positions)]
        values = [self.quotients(confusion(image, self.threshold)) for image, _ in each]
        # An image's own table is made at weight 1; its weight comes in at the mean.
        defined = [
            torch.where(value.isnan(), 0.0, weight) for value, (_, weight) in zip(values, each, strict=True)
        ]
        total = examples.weights.new_zeros(2, examples.scores.shape[1])
        for value, weight in zip(values, defined, strict=True):
            total += torch.stack([value.nan_to_num() * weight, weight])
        return {"matrix": total}

    def many(self, examples: Classified, weightings: Tensor) -> Tensor:
        return (
            super().many(examples, weightings)
            if self.level == "pixels"
            else Metric.many(self, examples, weightings)
        )

    def quotients(self, matrix: Tensor) -> Tensor:
        """Return the overlap per class, NaN where the class occurs nowhere."""
        found = counts(matrix)
        above, below = self.quotient(found)
        occurs = found.true_positive + found.false_positive + found.false_negative > 0
        return torch.where(occurs, divide(above, below, 0.0), math.nan)

    def result(self, state: State) -> Any:
        if self.level == "pixels":
            return super().result(state)
        total, defined = state["matrix"]
        values = total / defined
        return values if self.average == "each" else float(values.nanmean())


def _image(examples: Classified, start: int) -> tuple[Classified, Tensor]:
    """Return the pixels of one image at weight 1 unless ignored, and the image's weight."""
    rows = slice(start, start + examples.positions)
    weights = examples.weights[rows]
    kept = (weights > 0).double()
    return Classified(examples.scores[rows], examples.targets[rows], kept, examples.several), weights.amax()


@recorded
class IoU(OverlapMetric):
    """Intersection over union (Jaccard): `TP / (TP + FP + FN)` per class, averaged over classes.

    Predictions `(batch, classes, *positions)` and targets `(batch, *positions)`, or both `(batch, labels, *positions)`;
    a float in [0, 1], or `(classes,)`. A class that occurs nowhere is left out of the mean. The arguments are those of
    `OverlapMetric`.

    >>> scores = torch.tensor([[[[0.9, 0.2]], [[0.1, 0.8]]]])
    >>> round(IoU().value(scores, torch.tensor([[[0, 0]]])), 4)
    0.25
    """

    goal = "max"

    def quotient(self, found: Counts) -> tuple[Tensor, Tensor]:
        return found.true_positive, found.true_positive + found.false_positive + found.false_negative


@recorded
class Dice(OverlapMetric):
    """Dice coefficient: `2 TP / (2 TP + FP + FN)` per class, averaged over classes; F1 over pixels.

    Predictions `(batch, classes, *positions)` and targets `(batch, *positions)`, or both `(batch, labels, *positions)`;
    a float in [0, 1], or `(classes,)`. A class that occurs nowhere is left out of the mean. The arguments are those of
    `OverlapMetric`.

    >>> scores = torch.tensor([[[[0.9, 0.2]], [[0.1, 0.8]]]])
    >>> round(Dice().value(scores, torch.tensor([[[0, 0]]])), 4)
    0.3333
    """

    goal = "max"

    def quotient(self, found: Counts) -> tuple[Tensor, Tensor]:
        twice = 2 * found.true_positive
        return twice, twice + found.false_positive + found.false_negative
