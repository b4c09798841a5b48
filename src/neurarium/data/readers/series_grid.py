"""The grid of series: rows of a table by series and by step, in order, without holes; and what was done to get there."""

from __future__ import annotations

import dataclasses
import itertools
import shlex
from typing import Any, Literal

import numpy
import polars

from neurarium.core.errors import DataError, unknown
from neurarium.core.wording import counted
from neurarium.data.dataset import Decision
from neurarium.data.readers.time_axis import (
    DAY,
    EPOCHS,
    HOUR,
    Axis,
    axis_of,
    floor_to,
    from_zone,
    has_zone,
    on_grid,
    read_moments,
)
from neurarium.data.readers.values import dates, finite, numbers, style_of

Duplicates = Literal["refuse", "mean", "first", "last"]


@dataclasses.dataclass(frozen=True)
class Roles:
    """What the columns of a table of series are.

    Args:
        time: the column of the time.
        targets: what is forecast.
        series: the column that names the series; None where there is one.
        past, future: covariates known up to now, and those known beforehand.
        duplicates: what is done with several rows of one time: "refuse", or their "mean", the "first", the "last".
        step: the step over which rows are averaged; None takes the usual distance of the stamps.
        zone: of the wall clock in the stamps; None takes them as they stand.
    """

    time: str
    targets: tuple[str, ...]
    series: str | None = None
    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    duplicates: Duplicates = "refuse"
    step: str | None = None
    zone: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of numbers, in their order."""
        return (*self.targets, *self.past, *self.future)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass
class Grid:
    """Series on equal steps, one below the other.

    Args:
        axis: the steps.
        ids: the name of each series.
        first: `(series,)`, the step of its first row.
        bounds: `(series + 1,)`, where its rows lie.
        values: `(rows, columns)` float64, NaN where missing; the columns of `Roles.columns`.
        targets: how many of the columns are targets.
        rows: `(rows,)`, the place in the source; -1 where a step was missing.
    """

    axis: Axis
    ids: list[str]
    first: numpy.ndarray
    bounds: numpy.ndarray
    values: numpy.ndarray
    targets: int
    rows: numpy.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def places(self) -> numpy.ndarray:
        """The step of each row."""
        sizes = numpy.diff(self.bounds)
        return numpy.concatenate(
            [numpy.arange(size) + first for size, first in zip(sizes, self.first, strict=True)]
        )

    @property
    def series(self) -> numpy.ndarray:
        """The series of each row."""
        return numpy.repeat(numpy.arange(len(self)), numpy.diff(self.bounds))

    @property
    def known(self) -> numpy.ndarray:
        """Whether all targets of a row are known."""
        return ~numpy.isnan(self.values[:, : self.targets]).any(axis=1)

    def kept(self, keep: numpy.ndarray) -> Grid:
        """Return the series that are kept, `(series,)` bool."""
        chosen = numpy.flatnonzero(keep)
        parts = [slice(self.bounds[each], self.bounds[each + 1]) for each in chosen]
        sizes = numpy.diff(self.bounds)[chosen]
        return dataclasses.replace(
            self, ids=[self.ids[each] for each in chosen], first=self.first[chosen],
            bounds=numpy.concatenate([[0], numpy.cumsum(sizes)]),
            values=numpy.concatenate([self.values[part] for part in parts]),
            rows=numpy.concatenate([self.rows[part] for part in parts]),
        )  # fmt: skip

    def trimmed(self) -> tuple[Grid, numpy.ndarray]:
        """Return the series from the first to the last row with a target, and how many rows were behind that."""
        some = ~numpy.isnan(self.values[:, : self.targets]).all(axis=1)
        spans = []
        for low, high in zip(self.bounds[:-1], self.bounds[1:], strict=True):
            places = numpy.flatnonzero(some[low:high])
            spans.append((low + places[0], low + places[-1] + 1) if len(places) else (low, low))
        take = numpy.concatenate([numpy.arange(*span) for span in spans])
        sizes = numpy.array([high - low for low, high in spans])
        first = self.first + numpy.array([span[0] for span in spans]) - self.bounds[:-1]
        cut = dataclasses.replace(
            self, first=first, bounds=numpy.concatenate([[0], numpy.cumsum(sizes)]),
            values=self.values[take], rows=self.rows[take],
        )  # fmt: skip
        return cut, self.bounds[1:] - numpy.array([span[1] for span in spans])


def grid_of(
    frame: polars.DataFrame, roles: Roles, *, axis: Axis | None = None, origin: str = "the table"
) -> tuple[Grid, list[Decision]]:
    """Bring a table into the order of series and time, on equal steps.

    Args:
        frame: as `read_frame` gives it.
        roles: what its columns are.
        axis: the steps, where they are known from the training; None finds them.
        origin: how messages call the table.

    Raises:
        DataError: columns that are absent or no numbers, several rows of one time, irregular steps.
    """
    decisions: list[Decision] = []
    _check_columns(frame, roles, origin)
    frame, rows = _with_time(frame, roles, decisions)
    ids, codes = _series_of(frame, roles)
    moments, style, numeric = _moments(frame, roles, codes, axis)
    order = numpy.lexsort((moments, codes))
    if (numpy.diff(order) < 0).any() and roles.series is None:
        reason = f"the rows of {origin} are not in the order of '{roles.time}'"
        decisions.append(Decision("order", "sorted by time", reason))
    values = _numbers(frame, rows, roles, origin)[order]
    rows, codes, moments = rows[order], codes[order], moments[order]
    if roles.step:
        axis = axis or axis_of(_cut(moments, codes, len(ids)), style, numeric, roles.zone, roles.step)
        moments = floor_to(axis, moments)
    values, rows, codes, moments = _single(values, rows, codes, moments, roles, decisions, (style, numeric))
    if axis is None:
        axis = axis_of(_cut(moments, codes, len(ids)), style, numeric, roles.zone)
        since = f", in {style.split()[1]} since 1970" if style in EPOCHS else ""
        reason = f"the usual distance of '{roles.time}'{since}"
        decisions.append(Decision("step", str(axis), reason, "--set step="))
    places, moved = on_grid(axis, moments, roles.time)
    if moved:
        reason = "time stamps a little beside the grid count as on it"
        decisions.append(Decision("time stamps", "rounded", reason, "--set step="))
    return _filled_up(axis, ids, codes, places, values, rows, roles, decisions), decisions


def forward_filled(values: numpy.ndarray, bounds: numpy.ndarray) -> numpy.ndarray:
    """Fill what is missing with the last value before it in its series (never with a later one: a forecast would see it),
    at the beginning with the first; 0 where a series has none at all.

    >>> forward_filled(numpy.array([[numpy.nan], [1.0], [numpy.nan]]), numpy.array([0, 3])).ravel()
    array([1., 1., 1.])
    """
    found = values.copy()
    for low, high in itertools.pairwise(bounds):
        part = found[low:high]
        gaps = numpy.isnan(part)
        if not gaps.any():
            continue
        last = numpy.where(gaps, -1, numpy.arange(len(part))[:, None])
        last = numpy.maximum.accumulate(last, axis=0)
        start = numpy.where(gaps.all(axis=0), 0, (~gaps).argmax(axis=0))
        last = numpy.where(last < 0, start, last)
        found[low:high] = numpy.nan_to_num(numpy.take_along_axis(part, last, axis=0), nan=0.0)
    return found


def put_forward(axis: Axis, codes: numpy.ndarray, places: numpy.ndarray) -> bool:
    """Return whether a wall clock without a zone leaves out an hour on a Sunday night, as in spring.

    >>> hours = Axis("time", 3_600_000_000, 1_711_843_200_000_000)  # from the 31st of March 2024, 00:00
    >>> put_forward(hours, numpy.zeros(3), numpy.array([0, 1, 3])), put_forward(hours, numpy.zeros(2), numpy.array([0, 1]))
    (True, False)
    """
    if axis.unit != "time" or axis.size > HOUR or axis.zone or "z" in axis.style:
        return False
    skipped = (numpy.diff(places) - 1) * axis.size == HOUR
    first = axis.moments(places[:-1][skipped & (numpy.diff(codes) == 0)] + 1)
    night = (first % DAY) // HOUR <= 3
    return bool((night & ((first // DAY + 3) % 7 == 6)).any())  # 1970-01-01 was a Thursday


def _check_columns(frame: polars.DataFrame, roles: Roles, origin: str) -> None:
    for name in (roles.time, roles.series, *roles.columns):
        if name is not None and name not in frame.columns:
            raise unknown(f"column in {origin}:", name, frame.columns, error=DataError)


def _with_time(
    frame: polars.DataFrame, roles: Roles, decisions: list[Decision]
) -> tuple[polars.DataFrame, numpy.ndarray]:
    """Leave out rows without a time."""
    there = frame.get_column(roles.time).is_not_null().to_numpy()
    if not there.any():
        raise DataError(f"the column '{roles.time}' holds no time", expected="dates, times or numbers")
    if not there.all():
        choice, reason = f"{int((~there).sum()):,} left out", f"the column '{roles.time}' is empty there"
        decisions.append(Decision("rows without a time", choice, reason, "fill in the times"))
    return frame.filter(polars.Series(there)), numpy.flatnonzero(there)


def _series_of(frame: polars.DataFrame, roles: Roles) -> tuple[list[str], numpy.ndarray]:
    if roles.series is None:
        return [""], numpy.zeros(frame.height, dtype=numpy.int64)
    column = frame.get_column(roles.series).cast(polars.String)
    if column.null_count():
        raise DataError(
            f"{column.null_count()} rows do not say which series they are of",
            expected=f"a name in '{roles.series}' of every row",
            fix="fill it in, or take these rows out",
        )
    ids = sorted(column.unique().to_list())
    codes = column.replace_strict(ids, list(range(len(ids))), return_dtype=polars.Int64)
    return ids, codes.to_numpy()


def _moments(
    frame: polars.DataFrame, roles: Roles, codes: numpy.ndarray, axis: Axis | None
) -> tuple[numpy.ndarray, str, bool]:
    column = frame.get_column(roles.time)
    moments, style, numeric = read_moments(column, axis.style if axis else None)
    if roles.zone and not numeric and not has_zone(column, style):
        pairs = polars.DataFrame({"code": codes, "moment": moments})
        repeated = (
            pairs.select(polars.struct("code", "moment").cum_count().over("code", "moment"))
        ).to_series()
        wall = dates(polars.Series(moments).cast(polars.Datetime("us")), "")
        moments = from_zone(wall, roles.zone, (repeated > 1).to_numpy())
    return moments, style, numeric


def _numbers(frame: polars.DataFrame, rows: numpy.ndarray, roles: Roles, origin: str) -> numpy.ndarray:
    columns = []
    for name in roles.columns:
        column = frame.get_column(name)
        known = column.drop_nulls()
        style = "plain"
        if column.dtype == polars.String and known.len():
            style = style_of(known) or ("truth" if not numbers(known, "truth").null_count() else "")
            if not style:
                raise _no_numbers(column, rows, origin)
        columns.append(finite(numbers(column.cast(polars.Float64) if column.dtype == polars.Boolean else column,
                                      style), origin))  # fmt: skip
    return numpy.stack(columns, axis=1)


def _no_numbers(column: polars.Series, rows: numpy.ndarray, origin: str) -> DataError:
    """Name the first value of a column that is no number, its row, and how many there are."""
    wrong = (column.is_not_null() & numbers(column).is_null()).arg_true()
    bad = column[wrong[0]]
    more = f" ({wrong.len():,} such values)" if wrong.len() > 1 else ""
    some = wrong.len() < column.len() - column.null_count()
    option = shlex.quote(f"missing={bad}")
    return DataError(
        f"the column '{column.name}' of {origin} does not hold numbers alone",
        expected="numbers",
        received=f"{bad!r} in row {rows[wrong[0]] + 1:,}{more}",
        fix=f"mend it, or count it as a gap: --set {option}"
        if some
        else f"choose a column of numbers in place of '{column.name}'",
    )


def _cut(moments: numpy.ndarray, codes: numpy.ndarray, count: int) -> list[numpy.ndarray]:
    return numpy.split(moments, numpy.searchsorted(codes, numpy.arange(1, count)))


def _single(
    values: numpy.ndarray, rows: numpy.ndarray, codes: numpy.ndarray, moments: numpy.ndarray, roles: Roles,
    decisions: list[Decision], written: tuple[str, bool],
) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray, numpy.ndarray]:  # fmt: skip
    """Make one row of those of one time in one series."""
    new = numpy.r_[True, (numpy.diff(codes) != 0) | (numpy.diff(moments) != 0)]
    if new.all():
        return values, rows, codes, moments
    starts = numpy.flatnonzero(new)
    sizes = numpy.diff(numpy.r_[starts, len(new)])
    how = "mean" if roles.step and roles.duplicates == "refuse" else roles.duplicates
    copies = numpy.isclose(
        values, numpy.repeat(values[starts], sizes, axis=0), equal_nan=True, rtol=0, atol=0
    )
    if how == "refuse" and not copies.all():
        raise _repeated(int(numpy.flatnonzero(~copies.all(axis=1))[0]), moments, rows, roles, written, codes)
    extra = int((sizes - 1).sum())
    if how == "mean":
        some = ~numpy.isnan(values)
        total = numpy.add.reduceat(numpy.where(some, values, 0.0), starts)
        count = numpy.add.reduceat(some.astype(numpy.float64), starts)
        with numpy.errstate(invalid="ignore"):
            made = total / numpy.where(count, count, numpy.nan)
    else:
        made = values[starts + sizes - 1] if how == "last" else values[starts]
    choice = {"refuse": "copies left out", "mean": "averaged"}.get(how, f"the {how} kept")
    reason = f"{counted(extra, 'row')} of a time that another row is of too"
    decisions.append(
        Decision("rows of one time", choice, reason, "--set duplicates=mean|first|last, --set step=")
    )
    return made, rows[starts], codes[starts], moments[starts]


def _repeated(
    place: int, moments: numpy.ndarray, rows: numpy.ndarray, roles: Roles, written: tuple[str, bool],
    codes: numpy.ndarray,
) -> DataError:  # fmt: skip
    _style, numeric = written
    stamp: Any = moments[place]
    fix = "--set duplicates=mean (or first, last)"
    if roles.series is None:
        fix = f"name the column that tells them apart: --series COLUMN; or {fix}"
    if not numeric:
        stamp = polars.Series([int(stamp)]).cast(polars.Datetime("us"))[0]
        if (
            stamp.month in (10, 11)
            and stamp.hour <= 3
            and roles.zone is None
            and numpy.diff(moments).max() > 0
        ):
            fix += "; where clocks were put back: --set zone=Europe/Berlin, the zone of the clock"
    same = numpy.sort(rows[(moments == moments[place]) & (codes == codes[place])])[:2] + 1
    return DataError(
        f"several rows have one time in '{roles.time}', and differ",
        expected="one row per time" + (" and series" if roles.series else ""),
        received=f"{stamp} in rows {same[0]} and {same[-1]}",
        fix=fix,
    )


def _filled_up(
    axis: Axis, ids: list[str], codes: numpy.ndarray, places: numpy.ndarray, values: numpy.ndarray,
    rows: numpy.ndarray, roles: Roles, decisions: list[Decision],
) -> Grid:  # fmt: skip
    """Put in the steps that are missing, as rows of missing values."""
    if ((numpy.diff(places) <= 0) & (numpy.diff(codes) == 0)).any():
        raise DataError(
            f"several rows of '{roles.time}' lie in one step of {axis}",
            expected="one row per step",
            fix="average them: --set step=1d, or a longer step",
        )
    edges = numpy.searchsorted(codes, numpy.arange(len(ids) + 1))
    first, last = places[edges[:-1]], places[edges[1:] - 1]
    sizes = last - first + 1
    bounds = numpy.concatenate([[0], numpy.cumsum(sizes)])
    missing = int(sizes.sum()) - len(places)
    if missing > max(len(places), 10):
        raise DataError(
            f"the steps of '{roles.time}' are irregular: of the steps of {axis} most have no row",
            expected="a row for most steps",
            received=f"{len(places):,} rows, {missing:,} steps without one",
            fix="give a longer step to average over: --set step=1d (or 1h, 1w, 1mo)",
        )
    whole = numpy.full((bounds[-1], values.shape[1]), numpy.nan)
    origin = numpy.full(bounds[-1], -1, dtype=numpy.int64)
    where = places - numpy.repeat(first, numpy.diff(edges)) + numpy.repeat(bounds[:-1], numpy.diff(edges))
    whole[where], origin[where] = values, rows
    if missing:
        reason = f"steps of {axis} without a row count as missing values"
        override = "--set step="
        if put_forward(axis, codes, places):
            reason += "; an hour is missing on a Sunday night, as where clocks are put forward"
            override += ", or --set zone=Europe/Berlin, the zone of the clock"
        decisions.append(Decision("gaps", f"{counted(missing, 'step')} put in", reason, override))
    return Grid(axis, ids, first, bounds, whole, len(roles.targets), origin)
