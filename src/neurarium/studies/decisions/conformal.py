"""Conformal prediction: sets of classes and intervals that hold the truth as often as promised.

With a calibration split that the network has not seen, exchangeable with what comes later, the promise needs nothing of
the network: the share of sets that hold the truth is at least the level, on average over calibration splits (Vovk et al.
2005; Angelopoulos and Bates 2023, arXiv:2107.07511, theorem D.1). It holds over all examples together, not for each class
or region; `per_class` makes it hold for each class.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from neurarium.core.errors import DataError, OptionError, ShapeError
from neurarium.core.seeds import generator
from neurarium.metrics.checks import tensor
from neurarium.metrics.classified import Classified, Probable, first_largest
from neurarium.metrics.intervals import Interval, wilson
from neurarium.metrics.regressed import Numeric, Regressed

SetScore = Literal["lac", "aps"]
IntervalScore = Literal["absolute", "scaled", "quantile"]


def conformal_quantile(scores: Tensor, level: float) -> float:
    """Return the `ceil((n + 1) level)`-th smallest score; infinity when there are too few for that level.

    Args:
        scores: `(calibration,)`.
        level: the promised coverage.

    >>> conformal_quantile(torch.arange(1.0, 10.0), 0.8), conformal_quantile(torch.arange(1.0, 10.0), 0.95)
    (8.0, inf)
    """
    if not 0 < level < 1:
        raise OptionError("the level is not possible", expected="between 0 and 1", received=level)
    # The subtraction keeps a product such as 10 * 0.9 from being rounded up to the next rank.
    rank = math.ceil((len(scores) + 1) * level - 1e-9)
    if rank > len(scores):
        return math.inf
    return float(scores.double().kthvalue(max(rank, 1)).values)


@dataclasses.dataclass(frozen=True)
class ConformalSets:
    """Calibrated prediction sets of classes.

    Args:
        how: `lac`: all classes of a probability above a threshold, the smallest sets on average (Sadinle et al. 2019,
            arXiv:1609.00451); `aps`: classes from the most likely on until their sum is enough, sets that adapt to how
            hard an example is (Romano et al. 2020, arXiv:2006.02544).
        level: the promised coverage.
        thresholds: the largest score that is let in: one, or one per class.
        calibration: how many examples it was calibrated on.
        randomized: whether APS breaks steps at random (exact coverage) or takes the larger set (coverage above level).
    """

    how: SetScore
    level: float
    thresholds: tuple[float, ...]
    calibration: int
    randomized: bool = True

    def sets(self, probabilities: Any, *, seed: int = 0, allow_empty: bool = False) -> Tensor:
        """Return the prediction sets: `(batch, classes)` bool.

        Args:
            probabilities: `(batch, classes)`.
            seed: of the randomized steps of APS.
            allow_empty: leave an empty set empty (it marks an unusual example) rather than give it its likeliest class.
        """
        probabilities = _table(tensor(probabilities, "probabilities"))
        if len(self.thresholds) not in (1, probabilities.shape[1]):
            raise ShapeError(
                "other classes than calibrated",
                expected=len(self.thresholds),
                received=probabilities.shape[1],
            )
        scores = set_scores(probabilities, self.how, randomized=self.randomized, seed=seed)
        limits = torch.tensor(self.thresholds, dtype=torch.float64, device=scores.device)
        inside = scores <= limits
        if not allow_empty:
            top = torch.nn.functional.one_hot(first_largest(probabilities), probabilities.shape[1]).bool()
            inside = torch.where(inside.any(dim=1, keepdim=True), inside, top)
        return inside

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values (an infinite threshold as None)."""
        return {**dataclasses.asdict(self), "thresholds": [_plain(each) for each in self.thresholds]}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ConformalSets:
        """Rebuild from `to_json`."""
        return cls(**{**value, "thresholds": tuple(_number(each) for each in value["thresholds"])})


def calibrate_sets(
    probabilities: Any,
    targets: Any,
    *,
    level: float = 0.9,
    how: SetScore = "lac",
    per_class: bool = False,
    randomized: bool = True,
    seed: int = 0,
) -> ConformalSets:
    """Calibrate prediction sets on a split of their own.

    Args:
        probabilities: `(calibration, classes)`.
        targets: `(calibration,)`.
        level: the promised coverage.
        how: `lac` or `aps`, see `ConformalSets`.
        per_class: one threshold per class, so that the promise holds for each class; needs `level / (1 - level)` examples
            of each, else that class is in every set.
        randomized: for APS, see `ConformalSets`.
        seed: of the randomized steps.

    Raises:
        OptionError: no such score, or a level outside (0, 1).
        DataError: no examples.

    >>> found = calibrate_sets(torch.tensor([[0.75, 0.25], [0.5, 0.5]] * 10), torch.tensor([0, 1] * 10), level=0.5)
    >>> found.thresholds, found.sets(torch.tensor([[0.7, 0.3]])).tolist()
    ((0.5,), [[True, False]])
    """
    examples: Classified = Probable().check(probabilities, targets)
    if examples.several or not len(examples):
        raise DataError(
            "prediction sets need examples of one class each",
            expected="targets (batch,)",
            received=len(examples),
        )
    scores = set_scores(examples.scores, how, randomized=randomized, seed=seed)
    own = scores.gather(1, examples.targets[:, None])[:, 0]
    if per_class:
        groups = [own[examples.targets == label] for label in range(scores.shape[1])]
    else:
        groups = [own]
    thresholds = tuple(conformal_quantile(group, level) for group in groups)
    return ConformalSets(how, level, thresholds, len(own), randomized)


def set_scores(probabilities: Tensor, how: str, *, randomized: bool = True, seed: int = 0) -> Tensor:
    """Return how badly each class fits, `(batch, classes)` float64.

    LAC: `1 - p_k`. APS: the sum of the probabilities of likelier classes, plus `u p_k` with u uniform per example (1 when
    not randomized).
    """
    values = probabilities.double()
    if how == "lac":
        return 1 - values
    if how != "aps":
        raise OptionError("there is no such score", expected="lac or aps", received=how)
    ordered, order = values.sort(dim=1, descending=True, stable=True)
    share = torch.ones(len(values), 1, dtype=torch.float64)
    if randomized:
        share = torch.rand(len(values), 1, dtype=torch.float64, generator=generator(seed, "conformal"))
    reached = ordered.cumsum(dim=1) - ordered * (1 - share.to(values.device))
    return torch.empty_like(values).scatter_(1, order, reached)


@dataclasses.dataclass(frozen=True)
class ConformalIntervals:
    """Calibrated prediction intervals of quantities.

    Args:
        how: `absolute`: mean +- margin, as wide everywhere (Lei et al. 2018); `scaled`: mean +- margin * std, wide where
            the network is unsure; `quantile`: predicted quantiles, both moved by the margin (Romano et al. 2019,
            arXiv:1905.03222).
        level: the promised coverage, of each quantity by itself.
        margins: per quantity.
        calibration: how many examples it was calibrated on.
    """

    how: IntervalScore
    level: float
    margins: tuple[float, ...]
    calibration: int

    def interval(self, predictions: Any) -> tuple[Tensor, Tensor]:
        """Return lower and upper bounds, each `(batch, quantities)` float64, in the unit of the targets.

        Args:
            predictions: `(batch, quantities)` or a dict with `mean`; with `std` for `scaled`; with `quantiles` `(batch,
                levels, quantities)` for `quantile`, of which the first and the last are taken.
        """
        length = len(self.margins)
        center = (
            predictions.get("mean", predictions.get("quantiles"))
            if isinstance(predictions, dict)
            else predictions
        )
        rows = len(tensor(center, "predictions"))
        examples = Numeric().check(predictions, torch.zeros(rows, length, dtype=torch.float64))
        margins = torch.tensor(self.margins, dtype=torch.float64, device=examples.targets.device)
        if self.how == "quantile":
            low, high = _outer(examples)
            low, high = low - margins, high + margins
            middle = (low + high) / 2
            # A negative margin may make bounds cross; a point between them keeps every value the interval had.
            return torch.where(low > high, middle, low), torch.where(low > high, middle, high)
        width = margins * (examples.part("std")[0] if self.how == "scaled" else 1.0)
        return examples.predictions - width, examples.predictions + width

    def of(self, number: int) -> ConformalIntervals:
        """Return the intervals of one quantity of several."""
        return dataclasses.replace(self, margins=(self.margins[number],))

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values (an infinite margin as None)."""
        return {**dataclasses.asdict(self), "margins": [_plain(each) for each in self.margins]}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ConformalIntervals:
        """Rebuild from `to_json`."""
        return cls(**{**value, "margins": tuple(_number(each) for each in value["margins"])})


def calibrate_intervals(
    predictions: Any, targets: Any, *, level: float = 0.9, how: IntervalScore = "absolute"
) -> ConformalIntervals:
    """Calibrate prediction intervals on a split of their own.

    The margin is the conformal quantile of `|y - mean|`, of `|y - mean| / std`, or of `max(low - y, y - high)`.

    Args:
        predictions: as `ConformalIntervals.interval` takes them, `(calibration, quantities)`.
        targets: `(calibration, quantities)`, in original units.
        level: the promised coverage. With fewer than `level / (1 - level)` examples the intervals are infinite.
        how: see `ConformalIntervals`.

    Raises:
        OptionError: no such score, or a level outside (0, 1).
        DataError: no examples.
        ShapeError: the predictions lack what the score needs.

    >>> found = calibrate_intervals(torch.zeros(9), torch.arange(1.0, 10.0), level=0.8)
    >>> [bound.item() for bound in found.interval(torch.tensor([10.0]))]
    [2.0, 18.0]
    """
    if how not in ("absolute", "scaled", "quantile"):
        raise OptionError("there is no such score", expected="absolute, scaled or quantile", received=how)
    examples: Regressed = Numeric().check(predictions, targets)
    if not len(examples):
        raise DataError("there are no examples to calibrate on", expected="one or more", received=0)
    if how == "quantile":
        low, high = _outer(examples)
        scores = torch.maximum(low - examples.targets, examples.targets - high)
    else:
        scores = (examples.targets - examples.predictions).abs()
        scores = scores / examples.part("std")[0] if how == "scaled" else scores
    margins = tuple(conformal_quantile(column, level) for column in scores.unbind(1))
    return ConformalIntervals(how, level, margins, len(examples))


class Coverage(NamedTuple):
    """How often the truth was inside, with its Wilson interval, and how large the sets or intervals were on average."""

    share: Interval
    size: float

    def __str__(self) -> str:
        return f"coverage {self.share}, mean size {self.size:.4g}"


def set_coverage(sets: Tensor, targets: Any, *, level: float = 0.95) -> Coverage:
    """Return how often prediction sets `(batch, classes)` hold the class `(batch,)`, and the mean number of classes.

    >>> set_coverage(torch.tensor([[True, False], [True, True]]), torch.tensor([1, 1])).share.estimate
    0.5
    """
    targets = tensor(targets, "targets").to(sets.device)
    inside = sets.gather(1, targets[:, None])
    return Coverage(wilson(int(inside.sum()), len(sets), level), float(sets.sum(dim=1).double().mean()))


def interval_coverage(low: Tensor, high: Tensor, targets: Any, *, level: float = 0.95) -> Coverage:
    """Return how often intervals `(batch, quantities)` hold the targets, and their mean width, over all quantities.

    >>> interval_coverage(torch.zeros(2, 1), torch.ones(2, 1), torch.tensor([[0.5], [2.0]])).share.estimate
    0.5
    """
    targets = tensor(targets, "targets").to(low.device, torch.float64).reshape(low.shape)
    inside = (low <= targets) & (targets <= high)
    return Coverage(wilson(int(inside.sum()), inside.numel(), level), float((high - low).mean()))


def _outer(examples: Regressed) -> tuple[Tensor, Tensor]:
    (quantiles,) = examples.part("quantiles")
    return quantiles[:, 0], quantiles[:, -1]


def _table(probabilities: Tensor) -> Tensor:
    """Check probabilities that come without targets."""
    if probabilities.ndim != 2:
        raise ShapeError(
            "probabilities are no table", expected="(batch, classes)", received=tuple(probabilities.shape)
        )
    return Probable().check(probabilities, torch.zeros(len(probabilities), dtype=torch.int64)).scores


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: float | None) -> float:
    return math.inf if value is None else float(value)
