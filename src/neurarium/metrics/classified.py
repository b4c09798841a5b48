"""Classified: predictions of classes, checked. What a metric of classes reads.

Shapes: predictions `(batch, classes)`, two classes too; `(batch,)` is taken as the probability of class 1. Targets
`(batch,)` class indices. Several labels: predictions and targets `(batch, labels)`. Segmentation: predictions
`(batch, classes, *positions)`, targets `(batch, *positions)`, or both `(batch, labels, *positions)`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import DataError, OptionError, ShapeError
from neurarium.metrics.checks import finite, require_targets, tensor, weighting


@dataclasses.dataclass(frozen=True)
class Classified:
    """Predictions of classes.

    Args:
        scores: `(batch, classes)`: probabilities, or any finite scores where only their order counts.
        targets: `(batch,)` int64 class indices; with several labels `(batch, labels)` int64 zeros and ones.
        weights: `(batch,)` float64.
        several: whether each example may have several labels.
        positions: how many positions (pixels) of one example stand next to each other along the batch axis.
    """

    scores: Tensor
    targets: Tensor
    weights: Tensor
    several: bool
    positions: int = 1

    def reweighted(self, factors: Tensor) -> Classified:
        """Return the examples with their weights multiplied by `(batch,)`."""
        return dataclasses.replace(self, weights=self.weights * factors)

    def __len__(self) -> int:
        return len(self.targets)

    def chosen(self, threshold: float = 0.5) -> Tensor:
        """Return the predicted classes `(batch,)` int64, or labels `(batch, labels)` of zeros and ones.

        The largest score wins; of equal scores the class of the lower index, on every device. A label is given when
        its probability is above the threshold; so is class 1 of two.

        Raises:
            OptionError: a threshold other than 0.5 with three or more classes.
        """
        if self.several:
            return (self.scores.double() > threshold).to(torch.int64)
        if self.scores.shape[1] == 2:
            if threshold != 0.5:
                _within(self.scores)
            scores = self.scores.double()
            above = scores[:, 1] > (scores[:, 0] if threshold == 0.5 else threshold)
            return above.to(torch.int64)
        if threshold != 0.5:
            raise OptionError(
                "a threshold needs two classes or several labels",
                expected="threshold=0.5",
                received=f"threshold={threshold} with {self.scores.shape[1]} classes",
                fix="use studies.choose_costs for three or more classes",
            )
        return first_largest(self.scores)


def first_largest(scores: Tensor) -> Tensor:
    """Return the index of the largest score of each row `(batch, classes)`; of equal ones the lowest, on every device.

    >>> first_largest(torch.tensor([[0.2, 0.4, 0.4]])).tolist()
    [1]
    """
    classes = scores.shape[1]
    best = scores == scores.amax(dim=1, keepdim=True)
    return torch.where(best, torch.arange(classes, device=scores.device), classes).amin(dim=1)


class Ranked:
    """Part of a metric that needs any finite scores: only their order counts (AUC, top-k)."""

    def check(self, predictions: Any, targets: Any, weights: Any = None) -> Classified:
        return _classified(predictions, targets, weights, signed=True)[0]


class Decided:
    """Part of a metric for which a class is chosen: the largest score, or a probability above a threshold."""

    def check(self, predictions: Any, targets: Any, weights: Any = None) -> Classified:
        examples, columns = _classified(predictions, targets, weights)
        if examples.several or columns == 1:
            _within(examples.scores)
        return examples


class Probable:
    """Part of a metric that needs probabilities: between 0 and 1, rows that sum to 1 unless several labels are allowed.

    Raises:
        DataError: they are no probabilities (logits, most often).
    """

    def check(self, predictions: Any, targets: Any, weights: Any = None) -> Classified:
        examples, _ = _classified(predictions, targets, weights)
        _within(examples.scores)
        if not examples.several and len(examples):
            off = float((examples.scores.sum(dim=1, dtype=torch.float64) - 1).abs().max())
            # Probabilities that were computed in bfloat16 miss 1 by up to 0.4 %; logits miss it by far more.
            if off > 2e-2:
                raise DataError(
                    "the rows of the probabilities do not sum to 1",
                    expected="rows that sum to 1",
                    received=f"a row that is {off:.3g} off",
                    fix="give softmax probabilities, one column per class",
                )
        return examples


def _classified(
    predictions: Any, targets: Any, weights: Any, *, signed: bool = False
) -> tuple[Classified, int]:
    """Return the examples, and how many columns the predictions came in."""
    require_targets(targets)
    scores, targets = tensor(predictions, "predictions"), tensor(targets, "targets")
    if scores.dtype in (torch.float16, torch.bfloat16) or not scores.is_floating_point():
        scores = scores.to(torch.float32)
    targets = targets.to(scores.device)
    several = targets.ndim > 1 and targets.shape == scores.shape
    _agree(scores, targets, several)
    columns = scores.shape[1] if scores.ndim > 1 else 1
    if columns == 1 and not several:
        scores = scores.reshape(len(scores), 1, *scores.shape[2:])
        # Where only the order counts -s keeps it exactly, while 1 - s would round small scores to ties.
        scores = torch.cat([-scores if signed else 1 - scores, scores], dim=1)
    finite(predictions=scores[:, -columns:])
    positions = scores.shape[2:].numel()
    weights = _spread(weights, len(scores), positions, scores.device)
    indices = _indices(_rows(targets) if several else targets.reshape(-1), 2 if several else scores.shape[1])
    return Classified(_rows(scores), indices, weights, several, positions), columns


def _agree(scores: Tensor, targets: Tensor, several: bool) -> None:
    """Check the shapes of predictions and targets against each other."""
    if scores.ndim == 0 or targets.ndim == 0 or len(scores) != len(targets):
        raise ShapeError(
            "predictions and targets disagree on the number of examples",
            expected="(batch, classes) and (batch,)",
            received=f"{tuple(scores.shape)} and {tuple(targets.shape)}",
        )
    wanted = scores.shape[:1] + scores.shape[2:]
    if not several and targets.shape != wanted:
        raise ShapeError(
            "the targets fit neither classes nor several labels",
            expected=f"{tuple(wanted)} class indices, or {tuple(scores.shape)} of 0 and 1",
            received=tuple(targets.shape),
        )
    if scores.ndim > 1 and scores.shape[1] == 0:
        raise ShapeError(
            "the predictions have no column", expected="(batch, classes)", received=tuple(scores.shape)
        )


def _rows(values: Tensor) -> Tensor:
    """Turn (batch, classes, *positions) into (batch * positions, classes)."""
    return values if values.ndim == 2 else values.movedim(1, -1).reshape(-1, values.shape[1])


def _spread(weights: Any, batch: int, positions: int, device: torch.device) -> Tensor:
    """Return one weight per position: an example's weight holds for all its positions."""
    if weights is not None and positions > 1:
        weights = tensor(weights, "weights")
        if weights.shape == (batch,):
            weights = weights.repeat_interleave(positions)
        elif weights.numel() == batch * positions:
            weights = weights.reshape(-1)
    return weighting(weights, batch * positions, device)


def _indices(targets: Tensor, classes: int) -> Tensor:
    """Return targets as int64 indices below `classes`."""
    finite(targets=targets)
    whole = targets.to(torch.int64)
    if targets.is_floating_point() and bool((whole != targets).any()):
        raise ShapeError("the targets of classes are not whole numbers", expected="class indices (int64)")
    if whole.numel():
        low, high = (int(each) for each in torch.aminmax(whole))
        if low < 0 or high >= classes:
            raise DataError(
                "a target lies outside the classes",
                expected=f"0 to {classes - 1}",
                received=low if low < 0 else high,
                fix="give the predictions one column per class",
            )
    return whole


def _within(scores: Tensor) -> None:
    """Check that scores lie between 0 and 1."""
    if scores.numel():
        low, high = (float(each) for each in torch.aminmax(scores))
        if low < -1e-6 or high > 1 + 1e-6:
            raise DataError(
                "the predictions are no probabilities",
                expected="numbers between 0 and 1",
                received=low if low < 0 else high,
                fix="turn logits into probabilities first (sigmoid, softmax)",
            )
