"""Rolling origin: forecasts from several moments, each by a model that was trained on what came before."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import polars
import torch

from neurarium.core import batches
from neurarium.core.display import Displayed
from neurarium.core.errors import DataError, OptionError, RefusalError, unknown
from neurarium.core.seeds import derive, seed_everything
from neurarium.data.dataset import Dataset
from neurarium.data.specs import Horizon
from neurarium.data.windows import Windows
from neurarium.metrics.intervals import Interval
from neurarium.studies.evaluation.forecasting import forecast_report
from neurarium.studies.evaluation.report import EvaluationReport
from neurarium.studies.prediction.forecasts import forecast_of, said
from neurarium.training.fitting import fit
from neurarium.training.method import Method
from neurarium.training.run import Run

SHOWN = ("mse", "mae", "mase", "crps")
HELD = 0.15  # of a fold's training steps pick its best weights


@dataclasses.dataclass
class RollingOrigin(Displayed):
    """What it found; `print` shows it.

    Args:
        folds: the metrics of each fold.
        report: their means, with t-intervals over the folds.
        predictions: of windows that follow each other: `fold`, the time, the series, the channel, `target`, `prediction`.
        runs: one per fold.
    """

    folds: list[dict[str, float]]
    report: EvaluationReport
    predictions: polars.DataFrame
    runs: list[Run]
    how: str = "rolling origin"

    @property
    def rows(self) -> range:
        """The windows that were forecast, over all folds."""
        return range(self.report.examples)

    def frame(self) -> polars.DataFrame:
        """Return the predictions."""
        return self.predictions

    def mean(self, metric: str) -> float:
        """Return the mean of a metric over the folds."""
        if metric not in self.folds[0]:
            raise unknown("metric", metric, self.folds[0])
        return statistics.fmean(each[metric] for each in self.folds)

    def deviation(self, metric: str) -> float:
        """Return the standard deviation of a metric over the folds."""
        return statistics.stdev(each[metric] for each in self.folds)

    def interval(self, metric: str, level: float = 0.95) -> Interval:
        """Return the mean over the folds with its t-interval; folds differ by their time, and later ones know more."""
        return _interval([each[metric] for each in self.folds], level)

    def to_json(self) -> dict[str, Any]:
        """Return the metrics as plain values, without the predictions."""
        return {"how": self.how, "folds": self.folds, "report": self.report.to_json()}

    def __str__(self) -> str:
        lines = [f"{self.report.name}: {len(self.folds)} folds, {self.how}; {self.report.examples:,} windows"]
        for name in (each for each in SHOWN if each in self.folds[0]):
            naive = self.folds[0].get(f"seasonal naive: {name}", self.folds[0].get(f"naive: {name}"))
            beside = ""
            if naive is not None:
                key = (
                    f"seasonal naive: {name}"
                    if f"seasonal naive: {name}" in self.folds[0]
                    else f"naive: {name}"
                )
                beside = f"   {key.partition(':')[0]} {self.mean(key):.4g}"
            lines.append(f"  {name:<5} {self.mean(name):.4g} +- {self.deviation(name):.2g}{beside}")
        return "\n".join(lines)


def roll_origin(
    make_method: Callable[[Dataset], Method],
    dataset: Dataset,
    *,
    folds: int = 5,
    seed: int = 0,
    out: str | Path | None = None,
    **fitting: Any,
) -> RollingOrigin:
    """Train on the first part of the time and forecast the next, then on more of it, and so on.

    The steps before the test part are cut into `folds + 1` blocks of equal length. Fold k trains on the first k blocks (the
    latest 15 % of them pick its best weights) and is measured on every window whose horizon lies in the next. Means and
    scales are those of the fold's own training steps. The test part stays untouched.

    Args:
        make_method: `make_method(dataset) -> Method` for the dataset of a fold.
        dataset: from `data.forecast`.
        folds: how many, at least 2.
        seed: of weights and training.
        out: a folder that gets one run per fold; None writes nothing.
        **fitting: further arguments of `fit`.

    Raises:
        OptionError: fewer than two folds, or so many that a block does not hold a horizon.
        RefusalError: the dataset does not say how it was read.

    Tashman, "Out-of-sample tests of forecasting accuracy" (2000).

    >>> import neurarium as nr
    >>> frame = {"t": list(range(120)), "y": [float(t % 6) for t in range(120)]}
    >>> data = nr.data.forecast(frame, "y", time="t", horizon=3, lookback=6)
    >>> found = roll_origin(
    ...     lambda part: nr.methods.Supervised(nr.networks.NLinear.for_data(part.inputs, part.targets)), data,
    ...     folds=2, epochs=2, progress=False,
    ... )
    >>> found.how, len(found.folds)
    ('rolling origin', 2)
    """
    if folds < 2:
        raise OptionError("there are too few folds", expected="2 or more", received=folds)
    blocks = _blocks(dataset, folds)
    runs, metrics, tables, windows = [], [], [], 0
    for number in range(folds):
        data = _read(dataset, blocks[number], blocks[number + 1], folds)
        seed_everything(derive(seed, "fold", number))
        folder = None if out is None else Path(out) / f"fold-{number + 1}"
        run = fit(make_method(data), data, seed=seed, out=folder, **fitting)
        wanted: Any = data.targets
        report = forecast_report(run.method, data.test, wanted, name=data.name, split="test", resamples=0)
        runs.append(run)
        metrics.append(report.metrics)
        tables.append(_table(run.method, data).with_columns(polars.lit(number + 1).alias("fold")))
        windows += report.examples
        if run.interrupted:
            raise KeyboardInterrupt
    means = {
        name: statistics.fmean(each[name] for each in metrics)
        for name in metrics[0]
        if all(name in m for m in metrics)
    }
    bounds = {name: _interval([each[name] for each in metrics]) for name in SHOWN if name in means}
    whole = EvaluationReport(dataset.name, "rolling origin", windows, dataset.targets, means, bounds)
    table = polars.concat(tables)
    return RollingOrigin(
        metrics, whole, table.select("fold", *(each for each in table.columns if each != "fold")), runs
    )


def _blocks(dataset: Dataset, folds: int) -> list[int]:
    """The steps (from the first) where the blocks end."""
    if (
        dataset.rereading is None
        or "borders" not in dataset.summary
        or not isinstance(dataset.targets, Horizon)
    ):
        raise RefusalError(
            f"{dataset.name} does not say how it was read", expected="a dataset of data.forecast",
            fix="read it with data.forecast",
        )  # fmt: skip
    end = dataset.summary["borders"][1] if dataset.test is not None else dataset.summary["borders"][2]
    size = end // (folds + 1)
    if size < dataset.targets.length:
        raise OptionError(
            f"{folds} folds are too many: a block of {size} steps does not hold a horizon of {dataset.targets.length}",
            expected=f"at most {max(end // dataset.targets.length - 1, 0)} folds", received=folds, fix="give fewer --folds",
        )  # fmt: skip
    return [*(size * number for number in range(1, folds + 1)), end]


def _read(dataset: Dataset, train: int, stop: int, folds: int) -> Dataset:
    """Read the series again, with other borders and the same windows."""
    again, targets, window = dataset.rereading, dataset.targets, dataset.inputs
    horizon: int = targets.length  # type: ignore[attr-defined]
    held = max(round(HELD * train), horizon)
    given = {
        **again.options, "borders": (train - held, train, stop), "season": targets.season,  # type: ignore[attr-defined]
        "lookback": window.lookback, "calendar": dataset.preparation.calendar or "none",  # type: ignore[attr-defined,union-attr]
    }  # fmt: skip
    try:
        return again.reader(*again.source, **given)
    except DataError as error:
        raise OptionError(
            f"the first of {folds} folds has too little to train on: {error.problem}", fix=f"give fewer --folds, or a shorter "
            f"look-back: --set lookback={max((train - held - horizon) // 2, 1)}",
        ) from error  # fmt: skip


def _table(method: Method, data: Dataset) -> polars.DataFrame:
    """Targets and predictions of windows that follow each other, a row per step and channel."""
    targets: Any = data.targets
    windows: Any = data.test
    chosen: Windows = windows.subset(torch.arange(0, len(windows), targets.length))
    batch = chosen.take(slice(None))
    unit = batch["inputs"].get("unit")
    outputs = forecast_of(method, batch["inputs"])
    point = targets.original(said(getattr(method, "loss", None), outputs)[0], unit)
    truth = targets.original(batches.to(batch["targets"], "cpu"), unit)
    held, prepared = chosen.cut.held, data.preparation
    series = chosen.batch["series"].numpy()
    begins, firsts = (held[name].numpy() for name in ("begins", "firsts"))  # type: ignore[union-attr]
    place = chosen.batch["start"].numpy() + chosen.cut.lookback - begins[series] + firsts[series]
    steps = (place[:, None] + numpy.arange(targets.length)).ravel()
    roles, count = prepared.roles, len(targets.names)  # type: ignore[union-attr]
    columns: dict[str, Any] = {}
    if roles.series:
        names = numpy.array(prepared.ids)[series]  # type: ignore[union-attr]
        columns[roles.series] = numpy.repeat(names, targets.length * count).tolist()
    stamps = prepared.axis.stamps(steps, roles.time)  # type: ignore[union-attr]
    columns[roles.time] = stamps.gather(numpy.repeat(numpy.arange(len(steps)), count))
    if count > 1:
        columns["channel"] = list(targets.names) * len(steps)
    columns |= {"target": truth.flatten().numpy(), "prediction": point.flatten().numpy()}
    return polars.DataFrame(columns)


def _interval(values: list[float], level: float = 0.95) -> Interval:
    from scipy.stats import t

    mean = statistics.fmean(values)
    half = float(t.ppf((1 + level) / 2, len(values) - 1)) * statistics.stdev(values) / len(values) ** 0.5
    return Interval(mean - half, mean + half, mean, level)
