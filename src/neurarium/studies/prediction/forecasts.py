"""Forecasts: what a trained method says of windows, standardized, with what is naively said beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.data.specs import Horizon
from neurarium.data.windows import Windows
from neurarium.studies.decisions.conformal import ConformalIntervals
from neurarium.studies.prediction.learner import evaluating
from neurarium.training.method import Method

AT_ONCE = 1 << 21  # numbers that are forecast in one batch
NAIVE, SEASONAL = "naive", "seasonal naive"


@dataclasses.dataclass
class Forecast:
    """What was forecast of some windows, standardized, and what came.

    Args:
        point: `(batch, horizon, channels)`.
        truth: the same shape.
        weights: `(batch, horizon, 1)`, 0 where the truth is not known; None where all of it is.
        quantiles: `(batch, levels, horizon, channels)`, or None.
        levels: of the quantiles.
        std: of a Gaussian, as `point`; or None.
        others: the naive forecasts by name.
        unit: of the inputs, where series have their own.
        loss: sum and weight of the method's own loss.
    """

    point: Tensor
    truth: Tensor
    weights: Tensor | None
    quantiles: Tensor | None
    levels: tuple[float, ...]
    std: Tensor | None
    others: dict[str, Tensor]
    unit: Tensor | None
    loss: tuple[float, float] | None


def forecasts(method: Method, examples: Any, targets: Horizon) -> Iterator[Forecast]:
    """Yield the forecasts of a split, batch by batch, on the CPU."""
    size = max(1, min(1024, AT_ONCE // targets.outputs))
    with evaluating(method) as device:
        for low in range(0, len(examples), size):
            taken = examples.take(torch.arange(low, min(low + size, len(examples))))
            batch = batches.to(taken, device)
            outputs = method.predict(batch["inputs"]).float()
            loss = getattr(method, "loss", None)
            own = None
            if loss is not None:
                total, weight = loss(outputs, batch["targets"], batch.get("weights"))
                own = float(total), float(weight)
            point, quantiles, std = said(loss, outputs.cpu())
            weights = taken.get("weights")
            yield Forecast(
                point, taken["targets"], None if weights is None else weights.unsqueeze(-1), quantiles,
                getattr(loss, "levels", ()), std,
                naive_forecasts(examples, low, low + size, targets.season, taken), taken["inputs"].get("unit"), own,
            )  # fmt: skip


def said(loss: Any, outputs: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Return point, quantiles and standard deviation of a network's outputs `(batch, horizon, channels * numbers)`."""
    if hasattr(loss, "levels") and len(loss.levels) > 1:
        every = (
            outputs.unflatten(-1, (-1, len(loss.levels))).sort(dim=-1).values
        )  # learned apart they may cross
        return loss.point(every.flatten(-2)), every.movedim(-1, 1), None
    if hasattr(loss, "distribution"):
        return loss.point(outputs), None, loss.distribution(outputs).stddev
    return (loss.point(outputs) if hasattr(loss, "point") else outputs), None, None


def naive_forecasts(
    examples: Any, low: int, high: int, season: int, taken: dict[str, Any]
) -> dict[str, Tensor]:
    """Return the last value, and the last season, repeated over the horizon."""
    truth = taken["targets"]
    found = {NAIVE: taken["inputs"]["series"][:, -1:].expand_as(truth)}
    if isinstance(examples, Windows) and season > 1:
        found[SEASONAL] = examples.seasonal(batches.take(examples.batch, slice(low, high)), season)
    return found


def forecast_of(method: Method, inputs: dict[str, Tensor]) -> Tensor:
    """Return the outputs for prepared windows, on the CPU."""
    from neurarium.studies.prediction.learner import evaluating

    with evaluating(method) as device:
        return method.predict(batches.to(inputs, device)).float().cpu()


def interval_of(
    method: Method, outputs: Tensor, targets: Horizon, intervals: ConformalIntervals | None
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Return point, low and high, standardized: the outermost quantiles, or conformal bands."""
    point, quantiles, _ = said(getattr(method, "loss", None), outputs)
    if quantiles is not None:
        return point, quantiles[:, 0], quantiles[:, -1]
    if intervals is None:
        return point, None, None
    margins = torch.tensor(intervals.margins, dtype=torch.float32).view(targets.length, -1)
    return point, point - margins, point + margins
