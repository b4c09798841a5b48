"""The future of series: a table of what comes after the last row of each."""

from __future__ import annotations

from typing import Any

import polars
import torch
from torch import Tensor

from neurarium.core.errors import RefusalError
from neurarium.data.specs import Horizon
from neurarium.studies.decisions.conformal import ConformalIntervals
from neurarium.studies.prediction.forecast_components import components_of
from neurarium.studies.prediction.forecasts import said
from neurarium.studies.prediction.learner import evaluating, intervals_of, learner_of
from neurarium.training.method import Method
from neurarium.training.run import Run


def predict_future(run: Run, raw: Any, components: bool = False) -> tuple[polars.DataFrame, dict[str, Any]]:
    """Forecast what comes after the last row of each series.

    Args:
        run: a run of `Window` -> `Horizon`, with its preparation.
        raw: the past in the format of the training, at least a look-back of it; rows to come with an empty target, where
            covariates are known beforehand.
        components: whether a column is added for each part that the forecast is the sum of, see `components_of`.

    Returns:
        A row per series and step: the series (where there are several), the time, and for each target `prediction`, `low`,
        `high` (conformal, 90 %), or a column per quantile (`q0.1`), or `std`; with the target's name before them where there
        are several. The notes name series that were `left_out`, being too short.

    Raises:
        DataError: no series is long enough, or covariates of the steps to come are missing.
        RefusalError: components of a network whose forecast is no sum.
    """
    method = learner_of(run)
    targets: Any = getattr(method, "targets", None) or run.targets
    batch, notes = run.preparation.apply(raw)  # type: ignore[union-attr]
    with evaluating(method) as device:
        inputs = {name: each.to(device) for name, each in batch["inputs"].items()}
        outputs = method.predict(inputs).float().cpu()
    unit = batch["inputs"].get("unit")
    roles = run.preparation.roles  # type: ignore[union-attr]
    columns: dict[str, Any] = {}
    if roles.series:
        columns[roles.series] = [name for name in notes["ids"] for _ in range(targets.length)]
    columns[roles.time] = polars.concat(notes["future"])
    found = _columns(getattr(method, "loss", None), outputs, targets, unit, intervals_of(run))
    if components:
        found |= _named(_components(method, batch["inputs"], targets), targets)
    columns |= {name: each.flatten().numpy() for name, each in found.items()}
    return polars.DataFrame(columns), notes


def _columns(
    loss: Any, outputs: Tensor, targets: Horizon, unit: Tensor | None, intervals: ConformalIntervals | None
) -> dict[str, Tensor]:
    """Each column of numbers, `(series, horizon)`, in units of the data."""
    point, quantiles, std = said(loss, outputs)
    found: dict[str, Tensor] = {"prediction": targets.original(point, unit)}
    if quantiles is not None:
        for level, each in zip(loss.levels, quantiles.unbind(1), strict=True):
            found[f"q{level:g}"] = targets.original(each, unit)
    elif std is not None:
        _, scale = targets.units(unit, std)
        found["std"] = std.double() * scale
    if intervals is not None and quantiles is None:
        margins = torch.tensor(intervals.margins, dtype=torch.float64).view(targets.length, -1)
        found |= {
            "low": targets.original(point - margins, unit),
            "high": targets.original(point + margins, unit),
        }
    return _named(found, targets)


def _named(found: dict[str, Tensor], targets: Horizon) -> dict[str, Tensor]:
    """Turn `(series, horizon, channels)` by name into a column per channel, with its name before where there are several."""
    columns: dict[str, Tensor] = {}
    for place, name in enumerate(targets.names):
        start = "" if len(targets.names) == 1 else f"{name}_"
        columns |= {f"{start}{key}": each[..., place] for key, each in found.items()}
    return columns


def _components(method: Method, inputs: dict[str, Any], targets: Horizon) -> dict[str, Tensor]:
    found = components_of(method, inputs, targets)
    if not found:
        raise RefusalError(
            f"the forecast of {type(method.deployed).__name__} is not a sum of parts",
            expected="a network such as n-beats, n-hits or dlinear",
            fix="train --network n-beats --set stacks=trend,seasonality; or leave out --components",
        )
    return found
