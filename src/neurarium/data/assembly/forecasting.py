"""Forecasting: one call from a table with a column of time to windows of its series and what comes after them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import numpy
import polars

from neurarium.core.errors import DataError, OptionError, unknown
from neurarium.core.wording import counted
from neurarium.data.assembly.rereading import rereadable
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.preparation.forecasting import ForecastPreparation, starts_of, unit_of
from neurarium.data.readers.delimited import Reading
from neurarium.data.readers.frames import read_frame
from neurarium.data.readers.parts import named_after
from neurarium.data.readers.series_grid import Duplicates, Grid, Roles, grid_of
from neurarium.data.readers.values import MISSING, numbers, style_of
from neurarium.data.windows import Windows

RHYTHMS = {"hour": 1.0, "weekday": 7.0, "day of year": 365.25, "month": 365.25}  # in days
LONGEST = 512  # steps of a look-back that nobody asked for
Scaling = Literal["standard", "series"]


@rereadable
def forecast(
    source: Any,
    target: str | tuple[str, ...] | None = None,
    *,
    time: str,
    horizon: int,
    series: str | None = None,
    lookback: int | None = None,
    past: tuple[str, ...] = (),
    future: tuple[str, ...] = (),
    calendar: str | tuple[str, ...] = "auto",
    season: int | None = None,
    step: str | None = None,
    duplicates: Duplicates = "refuse",
    zone: str | None = None,
    quantiles: tuple[float, ...] = (),
    scaling: Scaling | None = None,
    stride: int = 1,
    validation: float = 0.15,
    test_fraction: float = 0.15,
    borders: tuple[int, ...] = (),
    columns: tuple[str, ...] | None = None,
    separator: str | None = None, quote: str | None = None, encoding: str | None = None,
    missing: tuple[str, ...] | None = None,
    name: str | None = None,
) -> Dataset:  # fmt: skip
    """Read series from a table, and cut them into windows of the past and the values that come next.

    Time decides the splits: the earliest rows train, then come those that validate, the latest test. A window belongs to the
    split in which its whole horizon lies; its look-back may reach into the split before. Means and scales are those of the
    training part. What is missing is filled with the last value before it, and is not counted where it would be a target.

    Args:
        source: a table, as `table` takes it: wide (a column for each channel) or long (a row for each series and time).
        target: the columns to forecast together, several with commas, or "all" numbers but covariates; where there is only
            one it need not be named.
        time: the column of the time: dates, times, months (`1949-01`) or numbers.
        horizon: how many steps to forecast.
        series: the column that says which series a row is of, where there are several.
        lookback: how many steps are read; by default two seasons, or three horizons if that is more, at most 512.
        past: columns whose values are known up to now.
        future: columns whose values are known beforehand (holidays, prices): rows to come hold them, with the target empty.
        calendar: rhythms as covariates ("hour", "weekday", "day of year", "month"), "none", or "auto": those that are longer
            than the look-back and come at least twice in the training part.
        season: steps between like values, for the seasonal naive forecast and MASE; by default the rhythm of such steps whose
            naive forecast errs least on the training part.
        step: average rows over such a step: "15min", "1h", "1d", "1w", "1mo".
        duplicates: rows of one time: "refuse" them, or take their "mean", the "first" or the "last".
        zone: the zone of a wall clock ("Europe/Berlin"), whose hours are missing or come twice where clocks change.
        quantiles: levels to forecast instead of one value: 0.1, 0.5, 0.9.
        scaling: "standard": one mean and scale per channel; "series": each series has its own (the default for several).
        stride: steps between the windows that train; those that validate and test are all taken.
        validation, test_fraction: shares of the time.
        borders: instead of shares, the steps where the training, the validation and the test part end.
        columns, separator, quote, encoding, missing, name: as for `table`.

    Returns:
        A dataset of `Window` -> `Horizon`.

    Raises:
        DataError: no such column, no time, several rows of one time, irregular steps, series that are too short.
        OptionError: options that are wrong.

    >>> frame = {"month": [f"{1990 + m // 12}-{m % 12 + 1:02}" for m in range(96)], "sold": [float(m % 12) for m in range(96)]}
    >>> forecast(frame, time="month", horizon=6)
    Dataset(table: Window -> Horizon; train 39, validation 9, test 9)
    """
    _require_sizes(horizon=horizon, lookback=lookback, stride=stride, season=season)
    reading = _reading(columns, separator, quote, encoding, missing)
    read = read_frame(source, reading)
    if not read.header and reading.columns is None:
        reading = dataclasses.replace(reading, columns=tuple(read.frame.columns))
    past, future = _listed(past), _listed(future)
    targets, decisions = _targets(read.frame, target, {time, series, *past, *future}, read.origin)
    roles = Roles(time, targets, series, past, future, duplicates, step, zone)
    grid, found = grid_of(read.frame, roles, origin=read.origin)
    grid = _with_targets(grid, roles)
    decisions = [*read.decisions, *decisions, *found]
    ends = _borders(grid, horizon, validation, test_fraction, borders, decisions)
    own = _own_units(grid, scaling, decisions)
    season = _season(grid, ends[0], season, decisions)
    lookback = lookback or _lookback(season, horizon, ends[0] - int(grid.first.min()), decisions)
    rhythms = _calendar(grid, calendar, lookback, ends[0], decisions)
    unit = _units(grid, ends[0], season, own, decisions, targets)
    preparation = ForecastPreparation(
        roles, grid.axis, reading, lookback, horizon, season, rhythms,
        () if series is None else tuple(grid.ids), own, unit, _covariates(grid, ends[0]), _levels(quantiles),
    )  # fmt: skip
    splits, rows = _splits(grid, preparation, ends, stride, decisions)
    inputs, wanted = preparation.specs
    return Dataset(
        name or _called(source), inputs, wanted, splits["train"], splits.get("validation"), splits.get("test"),
        preparation=preparation, decisions=decisions, summary=_summary(read, grid, targets, splits, ends), rows=rows,
    )  # fmt: skip


def _require_sizes(**sizes: int | None) -> None:
    for what, size in sizes.items():
        if size is not None and size < 1:
            raise OptionError(f"the {what} is too short", expected="1 step or more", received=size)


def _reading(columns: Any, separator: Any, quote: Any, encoding: Any, missing: Any) -> Reading:
    named = columns.split(",") if isinstance(columns, str) else columns
    named = None if named is None else tuple(each.strip() for each in named)
    return Reading(named, separator, quote, encoding, tuple(missing) if missing is not None else MISSING)


def _called(source: Any) -> str:
    return named_after(source) if isinstance(source, str) or hasattr(source, "__fspath__") else "table"


def _levels(quantiles: tuple[float, ...]) -> tuple[float, ...]:
    levels = tuple(float(each) for each in quantiles)
    if any(not 0 < each < 1 for each in levels) or list(levels) != sorted(set(levels)):
        raise OptionError("the quantiles are wrong", expected="rising levels between 0 and 1, such as 0.1,0.5,0.9",
                          received=quantiles)  # fmt: skip
    return levels


def _listed(names: str | Sequence[str]) -> tuple[str, ...]:
    parts = names.split(",") if isinstance(names, str) else names
    return tuple(each.strip() for each in parts if each.strip())


def _targets(
    frame: polars.DataFrame, target: Any, taken: set[str | None], origin: str
) -> tuple[tuple[str, ...], list[Decision]]:
    """The columns to forecast, and what becomes of the others."""
    for each in taken - {None}:
        if each not in frame.columns:
            raise unknown(f"column in {origin}:", str(each), frame.columns, error=DataError)
    free = [each for each in frame.columns if each not in taken]
    numeric = [each for each in free if _is_numeric(frame.get_column(each))]
    every = target == "all" and "all" not in free
    if not numeric and (every or target is None):
        raise DataError(
            f"{origin} has no column of numbers to forecast", expected="a column that holds numbers alone",
            received=", ".join(map(_odd, map(frame.get_column, free[:8]))) or "no other column",
            fix="mend the values that are no numbers",
        )  # fmt: skip
    if target is None:
        if len(numeric) != 1:
            raise OptionError(
                "it is not said what to forecast", expected=f"one of {', '.join(free[:40])}, several with commas, or all",
                received="no --target", fix=f"for example --target {numeric[-1]}",
            )  # fmt: skip
        names: tuple[str, ...] = (numeric[0],)
    elif every:
        names = tuple(numeric)
    else:
        names = (target,) if target in free else _listed(target)
    for each in names:
        if each not in frame.columns:
            raise unknown(f"column in {origin}:", each, frame.columns, error=DataError)
    if len(set(names)) < len(names) or set(names) & taken:
        raise OptionError(
            "a column has two roles", expected="each column once among target, time, series, past, future",
            received=", ".join(sorted(set(names) & {str(each) for each in taken})) or ", ".join(names),
            fix="name another column with --target, --time or --series",
        )  # fmt: skip
    rest = [each for each in free if each not in names]
    reason = (
        "their future is not known; as --past COLUMN they are read up to now, as --future COLUMN beforehand"
    )
    return names, [
        Decision("other columns", f"left out: {', '.join(rest)}", reason, "--past, --future")
    ] if rest else []


def _odd(column: polars.Series) -> str:
    """What a column holds in place of numbers: its first such value."""
    known = column.drop_nulls().cast(polars.String)
    odd = known.filter(numbers(known).is_null())
    return f"{odd[0]!r} in '{column.name}'" if odd.len() else f"nothing in '{column.name}'"


def _is_numeric(column: polars.Series) -> bool:
    known = column.drop_nulls()
    if not known.len():
        return False
    return known.dtype.is_numeric() or known.dtype == polars.Boolean or (
        known.dtype == polars.String and style_of(known) is not None
    )  # fmt: skip


def _with_targets(grid: Grid, roles: Roles) -> Grid:
    """The series from their first to their last target."""
    grid, _ = grid.trimmed()
    some = numpy.diff(grid.bounds) > 0
    if not some.any():
        raise DataError(
            f"every value of {', '.join(roles.targets)} is missing", fix="choose another --target"
        )
    return grid if some.all() else grid.kept(some)


def _borders(
    grid: Grid,
    horizon: int,
    validation: float,
    test: float,
    given: tuple[int, ...],
    decisions: list[Decision],
) -> tuple[int, int, int]:
    """The steps where the three parts end."""
    first, last = int(grid.first.min()), int((grid.first + numpy.diff(grid.bounds)).max())
    length = last - first
    if given:
        if len(given) != 3 or sorted(given) != list(given) or given[0] < 1:
            raise OptionError("the borders are wrong", expected="three rising numbers of steps: the ends of the training, the "
                              "validation and the test part", received=given)  # fmt: skip
        decisions.append(
            Decision("split", "by time", f"borders {', '.join(map(str, given))} were given", "--set borders=")
        )
        return first + given[0], first + given[1], first + min(given[2], length)
    for what, share in (("validation", validation), ("test", test)):
        if not 0 <= share < 1:
            raise OptionError(f"the share of the {what} part is wrong", expected="0 to 1", received=share)
    parts = [max(round(share * length), horizon) if share else 0 for share in (validation, test)]
    if length - sum(parts) < horizon + 2:
        fits = length - parts[1] >= horizon + 2
        raise DataError(
            f"the horizon of {horizon} steps is too long for a series of {length:,}",
            expected=f"{sum(parts) + horizon + 2:,} steps or more: every part must hold a horizon", received=f"{length:,} steps",
            fix=f"a horizon of {max(length // 6, 1)} steps or fewer" + ("; or no validation part: --validation 0" if fits and parts[0] else ", or more of the past"),
        )  # fmt: skip
    held = f"the first {length - sum(parts):,} steps train, {parts[0]:,} validate, the last {parts[1]:,} test"
    reason = "a forecast is of what comes later: " + held
    decisions.append(Decision("split", "by time", reason, "--test, --validation, --set borders="))
    return last - sum(parts), last - parts[1], last


def _train_parts(grid: Grid, end: int) -> list[numpy.ndarray]:
    """The targets of each series before a step."""
    sizes = numpy.diff(grid.bounds)
    counts = numpy.clip(end - grid.first, 0, sizes)
    return [
        grid.values[low : low + n, : grid.targets] for low, n in zip(grid.bounds[:-1], counts, strict=True)
    ]


def _own_units(grid: Grid, scaling: Scaling | None, decisions: list[Decision]) -> bool:
    own = scaling == "series" if scaling else len(grid) > 1
    reason = "of several series each has a level of its own" if own else "one mean and scale per channel"
    choice = "series" if own else "standard"
    decisions.append(Decision("scaling", choice, f"{reason}, of the training part", "--set scaling="))
    return own


def _season(grid: Grid, end: int, given: int | None, decisions: list[Decision]) -> int:
    found, why = (given, "given") if given is not None else _found_season(grid, end)
    decisions.append(Decision("season", f"{found} steps", why, "--set season="))
    return found


def _found_season(grid: Grid, end: int) -> tuple[int, str]:
    parts = _train_parts(grid, end)
    errors = {}
    for each in dict.fromkeys((1, *grid.axis.seasons())):
        if any(len(part) > 2 * each for part in parts):
            ratios = [unit_of(part, each)[2] / unit_of(part, 1)[1] for part in parts if len(part) > 2 * each]
            errors[each] = float(numpy.nanmean(ratios))
    longer = {each: error for each, error in errors.items() if each > 1}
    if not longer:
        return 1, f"steps of {grid.axis} have no rhythm that comes twice in the training part"
    best = min(longer, key=lambda each: longer[each])
    return best, f"of the rhythms of such steps ({', '.join(map(str, longer))}) its naive forecast errs least"


def _lookback(season: int, horizon: int, length: int, decisions: list[Decision]) -> int:
    wanted = min(max(2 * season, 3 * horizon), max(LONGEST, horizon))
    found = max(1, min(wanted, (length - horizon) // 2))
    reason = "two seasons or three horizons, as far as the training part allows"
    decisions.append(Decision("look-back", f"{found} steps", reason, "--set lookback="))
    return found


def _calendar(
    grid: Grid, asked: str | tuple[str, ...], lookback: int, end: int, decisions: list[Decision]
) -> tuple[str, ...]:
    names = _listed(asked)
    if names == ("none",):
        return ()
    period = grid.axis.period
    if names != ("auto",):
        for each in names:
            if each not in RHYTHMS:
                raise unknown("rhythm of the calendar", each, RHYTHMS)
        if not period:
            raise OptionError(
                "a column of numbers has no calendar", received=", ".join(names), fix="--set calendar=none"
            )
        return names
    if not period:
        return ()
    span = (end - int(grid.first.min())) * period
    usual = [each for each in ("hour", "weekday", "day of year") if 2 * period <= RHYTHMS[each]]
    found = tuple(each for each in usual if lookback * period < RHYTHMS[each] <= span / 2)
    reason = "rhythms that are longer than the look-back and come at least twice in the training part"
    if found:
        decisions.append(Decision("calendar", ", ".join(found), reason, "--set calendar="))
    return found


def _units(
    grid: Grid, end: int, season: int, own: bool, decisions: list[Decision], targets: tuple[str, ...]
) -> numpy.ndarray:
    """Mean, scale and seasonal naive error over the training part."""
    parts = _train_parts(grid, end)
    together = unit_of(numpy.concatenate(parts), season)
    alone = [unit_of(part, season) if len(part) else together for part in parts]
    errors = [each[2] for each in alone]
    together[2] = numpy.nanmean(errors, axis=0) if not numpy.isnan(errors).all() else numpy.nan
    found = numpy.stack(alone) if own else together[None]
    every = numpy.concatenate(parts)
    flat = [
        name
        for place, name in enumerate(targets)
        if len(numpy.unique(every[~numpy.isnan(every[:, place]), place])) < 2
    ]
    if flat:
        reason = "the training part holds one value; MASE, which divides by the error of the naive forecast, has no value"
        decisions.append(Decision("constant series", ", ".join(flat), reason, "--target"))
    return found


def _covariates(grid: Grid, end: int) -> numpy.ndarray:
    sizes = numpy.diff(grid.bounds)
    counts = numpy.clip(end - grid.first, 0, sizes)
    parts = [
        grid.values[low : low + n, grid.targets :] for low, n in zip(grid.bounds[:-1], counts, strict=True)
    ]
    return (
        unit_of(numpy.concatenate(parts), 1)[:2]
        if grid.values.shape[1] > grid.targets
        else numpy.zeros((2, 0))
    )


def _splits(
    grid: Grid,
    preparation: ForecastPreparation,
    ends: tuple[int, int, int],
    stride: int,
    decisions: list[Decision],
) -> tuple[dict[str, Windows], dict[str, Any]]:
    lookback, horizon = preparation.lookback, preparation.horizon
    cut, splits, rows = preparation.cut(grid), {}, {}
    lows = (-numpy.inf, ends[0], ends[1])
    for name, low, high in zip(("train", "validation", "test"), lows, ends, strict=True):
        start, series = starts_of(grid, lookback, horizon, low, high, stride if name == "train" else 1)
        if len(start):
            splits[name] = Windows(cut, start, series)
            rows[name] = grid.rows[(start + lookback).numpy()]  # where the horizon begins
    if "train" not in splits:
        longest = int(numpy.diff(grid.bounds).max())
        raise DataError(
            f"a look-back of {lookback} and a horizon of {horizon} steps do not fit into the training part",
            expected=f"{lookback + horizon:,} steps or more before the validation part",
            received=f"a series of {longest:,} steps, of which at most {ends[0] - int(grid.first.min()):,} train",
            fix=f"--set lookback={max((ends[0] - int(grid.first.min()) - horizon) // 2, 1)}, or a shorter --horizon",
        )  # fmt: skip
    short = int((numpy.diff(grid.bounds) < lookback + horizon).sum())
    if short:
        reason = f"shorter than a look-back and a horizon together, {lookback + horizon} steps"
        decisions.append(
            Decision("short series", f"{short:,} of {len(grid):,} left out", reason, "--set lookback=")
        )
    unknown_targets = int((~grid.known).sum())
    if unknown_targets:
        reason = f"{counted(unknown_targets, 'step')}: the last value before stands there, and is not counted as a target"
        decisions.append(Decision("missing values", "filled forward", reason, "fill them in the table"))
    return splits, rows


def _summary(
    read: Any, grid: Grid, targets: tuple[str, ...], splits: dict[str, Windows], ends: tuple[int, int, int]
) -> dict[str, Any]:
    first = int(grid.first.min())
    last = int((grid.first + numpy.diff(grid.bounds)).max()) - 1
    begin, end = (str(grid.axis.stamps(numpy.array([each]))[0]) for each in (first, last))
    found = {
        "rows": read.frame.height, "series": len(grid), "targets": list(targets), "step": str(grid.axis),
        "from": begin, "to": end, "splits": {name: len(part) for name, part in splits.items()},
        "borders": [each - first for each in ends],
    }  # fmt: skip
    return {**{key: value for key, value in read.facts.items() if key == "sha256"}, **found}
