"""Forecasts to look at: some windows of a split with their past, what was forecast with its band, and what came."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neurarium.data.specs import Horizon
from neurarium.data.windows import Windows
from neurarium.studies.decisions.conformal import ConformalIntervals
from neurarium.studies.evaluation.forecasting import Sums, block_bootstrap
from neurarium.studies.prediction.forecast_components import components_of
from neurarium.studies.prediction.forecasts import NAIVE, SEASONAL, forecast_of, forecasts, interval_of
from neurarium.training.method import Method

WINDOWS, CHANNELS = 6, 3
NAMES = {NAIVE: "repeating the last value", SEASONAL: "repeating the last season"}


def forecast_examples(
    method: Method,
    examples: Windows,
    targets: Horizon,
    preparation: Any,
    intervals: ConformalIntervals | None,
) -> list[dict[str, Any]]:
    """Return windows at equal distances as plain values, in units of the data; of many channels the first three in turn.

    Each holds `name`, `from` (the stamp of the first step to come), `step`, `past`, `truth`, `forecast`, `low` and `high` (or
    None), and `components`: the parts that the forecast is the sum of, by name (see `components_of`).
    """
    chosen = examples.spread(WINDOWS)
    batch = chosen.take(slice(None))
    outputs = forecast_of(method, batch["inputs"])
    unit = batch["inputs"].get("unit")
    point, low, high = interval_of(method, outputs, targets, intervals)
    held: dict[str, Tensor | None] = {
        "past": batch["inputs"]["series"][:, -max(2 * targets.length, 24) :], "truth": batch["targets"], "forecast": point,
        "low": low, "high": high,
    }  # fmt: skip
    parts = components_of(method, batch["inputs"], targets)
    original = {k: None if v is None else targets.original(v, unit) for k, v in held.items()}
    found = []
    for place in range(len(chosen)):
        channel = place % min(CHANNELS, len(targets.names))
        row: dict[str, Any] = {
            "name": targets.names[channel],
            "step": str(getattr(preparation, "axis", "a step")),
        }
        row |= {k: None if v is None else v[place, :, channel].tolist() for k, v in original.items()}
        row["components"] = {name: each[place, :, channel].tolist() for name, each in parts.items()}
        row["from"] = _stamp(preparation, chosen, place)
        found.append(row)
    return found


def naive_baselines(
    method: Method, examples: Any, targets: Horizon, resamples: int = 1000
) -> list[dict[str, Any]]:
    """Return the naive forecasts as the report shows baselines: metrics, intervals, and what the network gains on them."""
    sums = Sums(targets)
    for held in forecasts(method, examples, targets):
        sums.add(held)
    windows = {name: torch.cat(parts) for name, parts in sums.windows.items()}
    found = []
    for name, label in NAMES.items():
        metrics = {key: sums.metrics().get(f"{name}: {key}") for key in ("mse", "mae", "mase")}
        if metrics["mse"] is None:
            continue
        own, other = windows["mse"], windows[f"{name}: mse"]
        bounds = block_bootstrap(other, targets.length, resamples)
        gap = block_bootstrap(
            torch.stack([own[:, 0] - other[:, 0], own[:, 1]], dim=1), targets.length, resamples
        )
        found.append(
            {
                "kind": "naive" if name == NAIVE else "seasonal",
                "name": label,
                "note": f"season {targets.season}",
                "metrics": metrics,
                "intervals": {"mse": [bounds.low, bounds.high]},
                "seconds": 0.0,
                "difference": [gap.estimate, gap.low, gap.high],
            }
        )
    return found


def _stamp(preparation: Any, windows: Windows, place: int) -> str:
    """The time of the first step of a horizon."""
    axis, cut = getattr(preparation, "axis", None), windows.cut
    if axis is None or "firsts" not in cut.held or cut.held["firsts"] is None:
        return ""
    series = int(windows.batch["series"][place])
    row = int(windows.batch["start"][place]) + cut.lookback - int(cut.held["begins"][series])  # type: ignore[index]
    import numpy

    return str(axis.stamps(numpy.array([int(cut.held["firsts"][series]) + row]))[0])
