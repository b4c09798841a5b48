"""The preparation of series for forecasting: what it takes to read a table of them again, and to write what comes next."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy
import polars
import torch
from torch import Tensor

from neurarium.core.errors import DataError
from neurarium.data.readers.delimited import Reading
from neurarium.data.readers.frames import read_frame
from neurarium.data.readers.moments import circle, rhythm
from neurarium.data.readers.series_grid import Grid, Roles, forward_filled, grid_of
from neurarium.data.readers.time_axis import Axis
from neurarium.data.specs import Horizon, Window
from neurarium.data.windows import Cut, Windows


@dataclasses.dataclass
class ForecastPreparation:
    """How series become windows: columns, steps, sizes, and the units of the training part.

    Args:
        roles: what the columns are.
        axis: the steps.
        reading: how text is read.
        lookback, horizon, season: in steps.
        calendar: rhythms of the calendar that are covariates ("hour", "weekday", "day of year", "month").
        ids: the series of the training.
        own_units: each series is standardized by itself.
        unit: `(series, 3, targets)` float64: mean, scale, and the mean absolute error of the seasonal naive forecast, over the
            training part; one row where the series share them.
        covariates: `(2, covariates)`: mean and scale.
        quantiles: the levels that are forecast; none for one value.
    """

    roles: Roles
    axis: Axis
    reading: Reading
    lookback: int
    horizon: int
    season: int
    calendar: tuple[str, ...]
    ids: tuple[str, ...]
    own_units: bool
    unit: numpy.ndarray
    covariates: numpy.ndarray
    quantiles: tuple[float, ...] = ()
    kind: ClassVar[str] = "forecast"

    @property
    def specs(self) -> tuple[Window, Horizon]:
        """What one example is, and what is forecast."""
        roles, calendar = (
            self.roles,
            tuple(f"{each} {way}" for each in self.calendar for way in ("sine", "cosine")),
        )
        several = 0 if roles.series is None else len(self.ids) + 1
        window = Window(
            len(roles.targets),
            self.lookback,
            self.horizon,
            roles.past,
            (*roles.future, *calendar),
            several,
            self.own_units,
        )
        mean, scale = ((), ()) if self.own_units else (tuple(each) for each in self.unit[0, :2].tolist())
        error = tuple(numpy.nanmean(self.unit[:, 2], axis=0).tolist())
        return window, Horizon(roles.targets, self.horizon, mean, scale, self.season, error, self.quantiles)

    @property
    def sources(self) -> list[str]:
        """The columns that a table to predict from must have."""
        return [self.roles.time, *([self.roles.series] if self.roles.series else []), *self.roles.columns]

    def grid(self, raw: Any) -> Grid:
        """Read a table of the same kind."""
        read = read_frame(raw, self.reading)
        return grid_of(read.frame, self.roles, axis=self.axis, origin=read.origin)[0]

    def cut(self, grid: Grid) -> Cut:
        """Return the standardized values of a grid, and how windows are cut from them."""
        count = len(self.roles.targets)
        filled = forward_filled(grid.values, grid.bounds)
        unit = self.units(grid)
        each = unit[grid.series] if len(unit) > 1 else unit
        values = (filled[:, :count] - each[:, 0]) / each[:, 1]
        others = (filled[:, count:] - self.covariates[0]) / self.covariates[1]
        split = len(self.roles.past)
        future = numpy.concatenate([others[:, split:], self._calendar(grid)], axis=1)
        known = grid.known
        return Cut(
            _floats(values), self.lookback, self.horizon,
            past=_floats(others[:, :split]) if split else None,
            future=_floats(future) if future.shape[1] else None,
            known=None if known.all() else _floats(known),
            units=_floats(unit) if self.own_units else None,
            numbers=self.numbers(grid) if self.roles.series else None,
            begins=torch.from_numpy(grid.bounds[:-1].copy()),
            firsts=torch.from_numpy(numpy.asarray(grid.first, dtype=numpy.int64)),
        )  # fmt: skip

    def numbers(self, grid: Grid) -> Tensor:
        """Return the number of each series of a grid among those of the training, from 1; 0 for others."""
        known = {name: place for place, name in enumerate(self.ids, start=1)}
        return torch.tensor([known.get(name, 0) for name in grid.ids])

    def units(self, grid: Grid) -> numpy.ndarray:
        """Return the unit of each series, `(series, 3, targets)`; a series that is new is measured by what is given of it."""
        if not self.own_units:
            return self.unit
        known = {name: place for place, name in enumerate(self.ids)}
        found = []
        for number, name in enumerate(grid.ids):
            if name in known:
                found.append(self.unit[known[name]])
            else:
                part = grid.values[grid.bounds[number] : grid.bounds[number + 1], : grid.targets]
                found.append(unit_of(part, self.season))
        return numpy.stack(found)

    def windows(self, raw: Any) -> Windows:
        """Return every window of a table, with its targets.

        Raises:
            DataError: no series is long enough.
        """
        grid, _ = self.grid(raw).trimmed()
        start, series = starts_of(grid, self.lookback, self.horizon)
        if not len(start):
            raise self._short(grid, self.lookback + self.horizon)
        return Windows(self.cut(grid), start, series)

    def apply(self, raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the last window of each series, without its targets, and what the future is called.

        Notes hold `future`: the time stamps `(series, horizon)`, and `ids`; `left_out`: series that are too short.

        Raises:
            DataError: no series is as long as the look-back, or covariates of the future are missing.
        """
        whole = self.grid(raw)
        grid, behind = whole.trimmed()
        sizes = numpy.diff(grid.bounds)
        keep = sizes >= self.lookback
        if not keep.any():
            raise self._short(grid, self.lookback)
        left = [name for name, kept in zip(grid.ids, keep, strict=True) if not kept]
        after = self._after(whole, grid, behind, keep) if self.roles.future else None
        grid = grid.kept(keep)
        longer = _prolonged(grid, self.horizon, after)
        start = torch.from_numpy(longer.bounds[1:] - self.lookback - self.horizon)
        batch = Windows(self.cut(longer), start, torch.arange(len(grid))).take(slice(None))
        ends = grid.first + numpy.diff(grid.bounds)
        stamps = [self.axis.stamps(end + numpy.arange(self.horizon), self.roles.time) for end in ends]
        notes = {"future": stamps, "ids": grid.ids, "left_out": left, "rows": len(grid)}
        return {"inputs": batch["inputs"]}, notes

    def _after(self, whole: Grid, grid: Grid, behind: numpy.ndarray, keep: numpy.ndarray) -> numpy.ndarray:
        """The covariates of the steps to come, `(series, horizon, columns)`: they stand in rows without a target."""
        found = []
        for number in numpy.flatnonzero(keep):
            end = whole.bounds[number + 1] - behind[number]
            part = whole.values[end : end + self.horizon].copy()
            place = len(self.roles.targets) + len(self.roles.past)
            if len(part) < self.horizon or numpy.isnan(part[:, place:]).any():
                name = f" of the series '{grid.ids[number]}'" if self.roles.series else ""
                raise DataError(
                    f"the values of {', '.join(self.roles.future)} are not known for the {self.horizon} steps to come{name}",
                    expected=f"{self.horizon} rows after the last {self.roles.targets[0]}, with these columns filled in",
                    received=f"{len(part)} rows",
                    fix="add rows for the steps to come, with the targets left empty",
                )
            found.append(part)
        return numpy.stack(found)

    def _calendar(self, grid: Grid) -> numpy.ndarray:
        """The rhythms of the calendar as sine and cosine, `(rows, 2 rhythms)`."""
        if not self.calendar:
            return numpy.zeros((len(grid.values), 0))
        moments = polars.Series(self.axis.moments(grid.places).astype(numpy.int64)).cast(
            polars.Datetime("us")
        )
        if self.axis.zone:
            moments = (
                moments.dt.replace_time_zone("UTC")
                .dt.convert_time_zone(self.axis.zone)
                .dt.replace_time_zone(None)
            )
        parts = [
            circle(rhythm(moments, name), f"{name} {way}")
            for name in self.calendar
            for way in ("sine", "cosine")
        ]
        return numpy.stack([each.to_numpy() for each in parts], axis=1)

    def _short(self, grid: Grid, needed: int) -> DataError:
        longest = int(numpy.diff(grid.bounds).max(initial=0))
        return DataError(
            "no series is long enough", expected=f"{needed} steps of {self.axis} or more with a target",
            received=f"{longest} steps", fix="give more of the past, in the format of the training",
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        """Write preparation.json and preparation.safetensors."""
        from neurarium.data.preparation.storage import save_preparation

        arrays = {"unit": self.unit, "covariates": self.covariates}
        plain = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in (*arrays, "roles", "axis", "reading")
        }
        own = {name: getattr(self, name).to_json() for name in ("roles", "axis", "reading")}
        save_preparation(folder, self.kind, {**plain, **own}, arrays)

    @classmethod
    def from_saved(
        cls, content: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]
    ) -> ForecastPreparation:
        """Rebuild from what `save` wrote."""
        roles = dict(content["roles"])
        roles |= {name: tuple(roles[name]) for name in ("targets", "past", "future")}
        sizes = {name: int(content[name]) for name in ("lookback", "horizon", "season")}
        return cls(
            Roles(**roles), Axis(**content["axis"]), Reading.from_json(content["reading"]), **sizes,
            calendar=tuple(content["calendar"]), ids=tuple(content["ids"]), own_units=bool(content["own_units"]),
            unit=arrays["unit"], covariates=arrays["covariates"], quantiles=tuple(content["quantiles"]),
        )  # fmt: skip


def unit_of(values: numpy.ndarray, season: int) -> numpy.ndarray:
    """Return mean, scale and seasonal naive error of a training part, `(3, channels)`; NaN values do not count.

    A channel that is constant has the scale 1; an error is NaN where the part is no longer than a season.
    """
    with numpy.errstate(invalid="ignore", divide="ignore"):
        mean, scale = numpy.nanmean(values, axis=0), numpy.nanstd(values, axis=0)
        mean = numpy.nan_to_num(mean)
        scale = numpy.where((scale > 1e-12 * numpy.maximum(numpy.abs(mean), 1.0)), scale, 1.0)
        apart = numpy.abs(values[season:] - values[:-season])
        error = numpy.nanmean(apart, axis=0) if len(apart) else numpy.full(values.shape[1], numpy.nan)
    return numpy.stack([mean, numpy.nan_to_num(scale, nan=1.0), error])


def starts_of(
    grid: Grid, lookback: int, horizon: int, low: float = -numpy.inf, high: float = numpy.inf, stride: int = 1
) -> tuple[Tensor, Tensor]:
    """Return where the windows begin whose horizon lies between two steps, and which series they are of."""
    start, series = [], []
    for number, (begin, end) in enumerate(zip(grid.bounds[:-1], grid.bounds[1:], strict=True)):
        first = int(grid.first[number])
        least = max(begin + lookback, begin + max(low - first, 0))
        most = min(end, begin + max(high - first, 0)) - horizon
        places = numpy.arange(int(least), int(most) + 1, stride, dtype=numpy.int64) - lookback
        start.append(places)
        series.append(numpy.full(len(places), number, dtype=numpy.int64))
    return torch.from_numpy(numpy.concatenate(start)), torch.from_numpy(numpy.concatenate(series))


def _prolonged(grid: Grid, horizon: int, after: numpy.ndarray | None) -> Grid:
    """Add the rows of the steps to come to each series."""
    parts = []
    for number, (low, high) in enumerate(zip(grid.bounds[:-1], grid.bounds[1:], strict=True)):
        parts.append(grid.values[low:high])
        empty = numpy.full((horizon, grid.values.shape[1]), numpy.nan)
        parts.append(empty if after is None else after[number])
    sizes = numpy.diff(grid.bounds) + horizon
    return dataclasses.replace(
        grid, values=numpy.concatenate(parts), bounds=numpy.concatenate([[0], numpy.cumsum(sizes)]),
        rows=numpy.full(sizes.sum(), -1),
    )  # fmt: skip


def _floats(values: numpy.ndarray) -> Tensor:
    return torch.from_numpy(numpy.ascontiguousarray(values, dtype=numpy.float32))
