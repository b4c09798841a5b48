"""Measuring forecasts: errors on standardized values as papers print them, in units of the data, beside naive forecasts."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from neurarium.core.seeds import generator
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.specs import Horizon
from neurarium.data.windows import Windows
from neurarium.metrics.crps import of_gaussians
from neurarium.metrics.intervals import Interval
from neurarium.metrics.quantile_loss import pinball
from neurarium.studies.decisions.conformal import ConformalIntervals, conformal_quantile
from neurarium.studies.evaluation.report import EvaluationReport
from neurarium.studies.prediction.forecasts import Forecast, forecasts
from neurarium.training import distributed
from neurarium.training.method import Method
from neurarium.training.run import Run

CALIBRATED = 1 << 23  # numbers that bands are calibrated on


class Sums:
    """Errors added up: of each window, of each step, of each channel.

    Args:
        targets: the spec.
    """

    def __init__(self, targets: Horizon):
        self.targets = targets
        self.windows: dict[str, list[Tensor]] = {}  # metric -> (windows, 2): sum and weight
        self.steps: dict[str, Tensor] = {}
        self.channels: dict[str, Tensor] = {}
        self.counts: Tensor = torch.zeros(targets.length, dtype=torch.float64)
        self.inside = torch.zeros(2, dtype=torch.float64)
        self.loss = [0.0, 0.0]

    def add(self, held: Forecast) -> None:
        """Take the forecasts of a batch."""
        truth = held.truth.double()
        weights = torch.ones_like(truth) if held.weights is None else held.weights.double().expand_as(truth)
        self.counts += weights[..., 0].sum(dim=0)
        for name, point in {"": held.point, **held.others}.items():
            self._point(f"{name}: " if name else "", point.double() - truth, weights, held.unit)
        self._add("crps", _crps(held, truth), weights)
        bounds = _outer(held)
        if bounds is not None:
            within = ((bounds[0] <= truth) & (truth <= bounds[1])).double() * weights
            self.inside += torch.stack([within.sum(), weights.sum()])
        if held.loss is not None:
            self.loss = [a + b for a, b in zip(self.loss, held.loss, strict=True)]

    def _point(self, start: str, error: Tensor, weights: Tensor, unit: Tensor | None) -> None:
        self._add(f"{start}mse", error.square(), weights)
        self._add(f"{start}mae", error.abs(), weights)
        _, scale = self.targets.units(unit, error)
        naive = (
            unit[:, 2:3].double()
            if unit is not None
            else torch.tensor(
                self.targets.seasonal_error or (math.nan,) * error.shape[-1], dtype=torch.float64
            )
        )
        scaled = error.abs() * scale / naive
        known = torch.isfinite(scaled)
        self._add(f"{start}mase", torch.where(known, scaled, 0.0), weights * known)
        self._step(f"{start}mse", error.square(), weights)
        self._step(f"{start}mae", error.abs(), weights)
        if not start:
            own = (error * scale).abs()
            for name, values, counted in (
                ("mae", own, weights), ("rmse", own.square(), weights),
                ("mase", torch.where(known, scaled, 0.0), weights * known),
            ):  # fmt: skip
                pair = torch.stack([(values * counted).sum(dim=(0, 1)), counted.sum(dim=(0, 1))])
                self.channels[name] = self.channels.get(name, 0.0) + pair

    def _add(self, name: str, values: Tensor, weights: Tensor) -> None:
        pair = torch.stack([(values * weights).sum(dim=(1, 2)), weights.sum(dim=(1, 2))], dim=1)
        self.windows.setdefault(name, []).append(pair)

    def _step(self, name: str, values: Tensor, weights: Tensor) -> None:
        self.steps[name] = self.steps.get(name, 0.0) + (values * weights).sum(dim=(0, 2))

    def metrics(self) -> dict[str, float]:
        """Return the metrics over everything seen, by name."""
        found = {name: _ratio(torch.cat(parts).sum(dim=0)) for name, parts in self.windows.items()}
        own = {name: found.pop(name) for name in ("mse", "mae", "mase", "crps")}
        if self.inside[1] > 0:
            own["coverage"] = _ratio(self.inside)
        if self.loss[1]:
            own["loss"] = self.loss[0] / self.loss[1]
        for place, name in enumerate(self.targets.names):
            for metric, pairs in self.channels.items():
                value = _ratio(pairs[:, place])
                own[f"{name}: {metric}"] = math.sqrt(value) if metric == "rmse" else value
        return own | found

    def by_step(self) -> dict[str, list[float]]:
        """Return the errors by step of the horizon: of the network and the naive forecasts."""
        count = self.counts * len(self.targets.names)
        return {name: (total / count.clamp(min=1)).tolist() for name, total in self.steps.items()}

    def intervals(self, resamples: int, seed: int) -> dict[str, Interval]:
        """Return bootstrap intervals of the metrics that people quote, by moving blocks of neighbouring windows."""
        found = {}
        for name in ("mse", "mae", "mase", "crps"):
            found[name] = block_bootstrap(torch.cat(self.windows[name]), self.targets.length, resamples, seed)
        return {name: each for name, each in found.items() if math.isfinite(each.estimate)}


def block_bootstrap(
    pairs: Tensor, block: int, resamples: int, seed: int = 0, level: float = 0.95
) -> Interval:
    """Return the interval of a mean over windows, whose neighbours overlap: blocks of them are drawn together.

    Args:
        pairs: `(windows, 2)`: sums and weights.
        block: windows of a block (Kuensch 1989); a whole horizon of them shares steps.
        resamples: how many.

    >>> pairs = torch.stack([torch.arange(100.0), torch.ones(100)], dim=1)
    >>> found = block_bootstrap(pairs, 5, 200)
    >>> found.low < found.estimate < found.high
    True
    """
    count = len(pairs)
    block = max(1, min(block, count // 4))
    ends = torch.cat([torch.zeros(1, 2, dtype=torch.float64), pairs.double().cumsum(dim=0)])
    blocks = ends[block:] - ends[:-block]
    drawn = torch.randint(
        len(blocks), (resamples, max(1, round(count / block))), generator=generator(seed, "blocks")
    )
    totals = blocks[drawn].sum(dim=1)
    values = totals[:, 0] / totals[:, 1].clamp(min=1e-12)
    low, high = torch.quantile(
        values, torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
    ).tolist()
    return Interval(low, high, _ratio(pairs.sum(dim=0)), level)


def forecast_report(
    method: Method,
    examples: Any,
    targets: Horizon,
    *,
    name: str,
    split: str,
    resamples: int = 1000,
    seed: int = 0,
) -> EvaluationReport:
    """Measure the forecasts of every window of a split.

    `mse`, `mae` and `crps` are of standardized values, as papers print them; `mase` divides each channel's error by the error
    of its seasonal naive forecast over the training part; `NAME: mae`, `rmse`, `mase` are of one channel, in units of the
    data. `naive: ...` and `seasonal naive: ...` are those of the forecasts that repeat the last value and the last season.
    """
    sums = Sums(targets)
    for held in forecasts(method, examples, targets):
        sums.add(held)
    bounds = sums.intervals(resamples, seed) if resamples else {}
    report = EvaluationReport(name, split, len(examples), targets, sums.metrics(), bounds)
    report.steps = sums.by_step()
    return report


def measure_forecasts(run: Run, data: Dataset, splits: list[str], *, level: float = 0.9) -> None:
    """Measure a finished run on its splits, and calibrate a band for every step and channel on the validation windows."""
    method: Any = run.method
    targets: Any = data.targets
    for split in splits:
        last = split == splits[-1] and distributed.first()
        run.reports[split] = forecast_report(
            method,
            data.splits[split],
            targets,
            name=data.name,
            split=split,
            resamples=1000 if last else 0,  # type: ignore[arg-type]
        )
        run.results[split] = run.reports[split].metrics
    if data.validation is None or targets.quantiles:  # type: ignore[attr-defined]
        return
    run.intervals = bands(method, data.validation, targets, level)  # type: ignore[arg-type]
    picked = "" if getattr(method, "closed_form", False) else ", and which also picked the best weights"
    reason = (
        f"for each step and channel, from {run.intervals.calibration:,} validation windows, which overlap{picked}: expect a "
        "little less than that share"
    )
    run.decisions.append(
        Decision("intervals", f"{level:.0%} by split conformal prediction", reason, "--set quantiles=")
    )


def bands(method: Method, examples: Any, targets: Horizon, level: float = 0.9) -> ConformalIntervals:
    """Return intervals of every step and channel, on standardized values: the level's quantile of absolute errors."""
    spread = (
        examples.spread(max(64, CALIBRATED // targets.outputs)) if isinstance(examples, Windows) else examples
    )
    errors = []
    for held in forecasts(method, spread, targets):
        apart = (held.point - held.truth).abs()
        known = apart if held.weights is None else torch.where(held.weights > 0, apart, math.nan)
        errors.append(known.flatten(1))
    every = torch.cat(errors)
    margins = [conformal_quantile(column[~column.isnan()], level) for column in every.unbind(1)]
    return ConformalIntervals("absolute", level, tuple(margins), len(every))


def _crps(held: Forecast, truth: Tensor) -> Tensor:
    if held.quantiles is not None:
        every = held.quantiles.double().flatten(2)
        return 2 * pinball(every, truth.flatten(1), held.levels).mean(dim=1).view_as(truth)
    if held.std is not None:
        flat = (held.point.double().flatten(1), held.std.double().flatten(1), truth.flatten(1))
        return of_gaussians(*flat).view_as(truth)
    return (held.point.double() - truth).abs()


def _outer(held: Forecast) -> tuple[Tensor, Tensor] | None:
    """The outermost quantiles, or the middle 90 % of a Gaussian."""
    if held.quantiles is not None:
        return held.quantiles[:, 0].double(), held.quantiles[:, -1].double()
    if held.std is not None:
        width = 1.6448536269514722 * held.std.double()
        return held.point.double() - width, held.point.double() + width
    return None


def _ratio(pair: Tensor) -> float:
    return float(pair[0] / pair[1]) if float(pair[1]) > 0 else math.nan
