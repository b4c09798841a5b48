"""The time axis of a table: stamps as numbers of equal steps, and back; what does not fit is named, with what to do."""

from __future__ import annotations

import dataclasses
import re
import zoneinfo
from typing import Any

import numpy
import polars

from neurarium.core.errors import DataError, OptionError, nearest
from neurarium.data.readers.values import date_formats, dates, numbers, style_of

MICRO = 1_000_000
HOUR = 3_600 * MICRO
DAY = 24 * HOUR
SIZES = {"s": MICRO, "min": 60 * MICRO, "h": 3_600 * MICRO, "d": DAY, "w": 7 * DAY}
MONTH = r"^\d{1,4}[-/]\d{1,2}$"
QUARTER = r"^\d{4}[- ]?Q[1-4]$"
MONTH_NAMES = (
    "%b-%y",
    "%b %y",
    "%b-%Y",
    "%b %Y",
    "%B %Y",
    "%B-%Y",
    "%Y-%b",
    "%Y %b",
    "%Y %B",
    "%b, %Y",
    "%B, %Y",
)
EPOCHS = {  # whole numbers within such bounds are times since 1970 (1990 to 2100): the microseconds of one
    "epoch s": (6.3e8, 4.1e9, MICRO),
    "epoch ms": (6.3e11, 4.1e12, 1_000),
}
JITTER = 0.1  # of a step: stamps that are no further from the grid are taken as meant to be on it
SEASONS = (  # steps of at most this size have rhythms of these
    (60 * MICRO, (3_600 * MICRO, DAY)),
    (12 * 3_600 * MICRO, (DAY, 7 * DAY)),
    (2 * DAY, (7 * DAY, round(365.25 * DAY))),
    (10 * DAY, (round(365.25 * DAY),)),
)


@dataclasses.dataclass(frozen=True)
class Axis:
    """A grid of equal steps.

    Args:
        unit: "time" (steps of so many microseconds), "months", "business" (Monday to Friday), "number" (a column of numbers).
        size: of a step, in microseconds, months, business days or numbers.
        origin: the stamp of step 0, in microseconds since 1970 or as the number.
        style: how stamps are written: a format, "" for typed columns, "month" for `1949-01`, "quarter" for `1949Q1`,
            "epoch s" and "epoch ms" for numbers since 1970.
        zone: the zone of the wall clock, where one was given.
        month_end: stamps are the last days of months.
    """

    unit: str
    size: float
    origin: float
    style: str = ""
    zone: str | None = None
    month_end: bool = False

    def places(self, moments: numpy.ndarray) -> numpy.ndarray:
        """Return the number of the step of each stamp, float64: whole for those that lie on the grid."""
        if self.unit == "months":
            return (_months(moments) - _months(numpy.array([self.origin]))[0]) / self.size
        if self.unit == "business":
            day, first = _days(moments), _days(numpy.array([self.origin]))[0]
            return numpy.busday_count(first, day).astype(numpy.float64)
        return (moments.astype(numpy.float64) - self.origin) / self.size

    def moments(self, places: numpy.ndarray) -> numpy.ndarray:
        """Return the stamps of steps: the inverse of `places`."""
        if self.unit == "number":
            return self.origin + places * self.size
        if self.unit == "business":
            first = _days(numpy.array([self.origin]))[0]
            day = numpy.busday_offset(first, places.astype(numpy.int64), roll="forward")
            return day.astype("datetime64[us]").astype(numpy.int64) + int(self.origin) % DAY
        if self.unit == "months":
            count = _months(numpy.array([self.origin]))[0] + places.astype(numpy.int64) * int(self.size)
            return _in_month(count, int(self.origin), self.month_end)
        return (int(self.origin) + places.astype(numpy.int64) * int(self.size)).astype(numpy.int64)

    def stamps(self, places: numpy.ndarray, name: str = "time") -> polars.Series:
        """Return the stamps of steps, written as the source writes them."""
        found = self.moments(places)
        if self.unit == "number":
            whole = numpy.allclose(found, numpy.round(found))
            return polars.Series(name, numpy.round(found).astype(numpy.int64) if whole else found)
        column = polars.Series(name, found.astype(numpy.int64)).cast(polars.Datetime("us"))
        if self.zone:
            column = column.dt.replace_time_zone("UTC").dt.convert_time_zone(self.zone)
            return column.dt.to_string("%Y-%m-%dT%H:%M:%S%:z")
        if self.style in EPOCHS:
            return polars.Series(name, found.astype(numpy.int64) // EPOCHS[self.style][2])
        if self.style == "month":
            return column.dt.to_string("%Y-%m")
        if self.style.startswith("quarter"):
            mark = self.style.removeprefix("quarter") + "Q"
            return column.dt.year().cast(polars.String) + mark + column.dt.quarter().cast(polars.String)
        if self.style and "%#z" in self.style:
            return column.dt.replace_time_zone("UTC").dt.to_string(self.style.replace("%#z", "%:z"))
        midnight = self.size % DAY == 0 and int(self.origin) % DAY == 0
        usual = "%Y-%m-%d" if self.unit != "time" or midnight else "%Y-%m-%d %H:%M:%S"
        return column.dt.to_string(self.style or usual)

    def seasons(self) -> tuple[int, ...]:
        """Return the rhythms that such steps may have, in steps."""
        if self.unit == "months":
            return (round(12 / self.size),) if 12 / self.size >= 2 else ()
        if self.unit == "business":
            return (5,)
        if self.unit == "number":
            return ()
        rhythms = next((found for most, found in SEASONS if self.size <= most), ())
        return tuple(round(each / self.size) for each in rhythms if each / self.size >= 2)

    @property
    def period(self) -> float:
        """The size of a step in days; 0 where steps are numbers."""
        days = {"time": self.size / DAY, "months": self.size * 30.44, "business": 1.4, "number": 0.0}
        return days[self.unit]

    def __str__(self) -> str:
        if self.unit == "months":
            return {1: "a month", 3: "a quarter", 12: "a year"}.get(int(self.size), f"{self.size:g} months")
        if self.unit == "business":
            return "a business day"
        return f"{self.size:g}" if self.unit == "number" else said(self.size)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def said(size: float) -> str:
    """Return a span of microseconds in words.

    >>> said(3_600_000_000), said(90_000_000)
    ('1 h', '90 s')
    """
    for name in ("w", "d", "h", "min", "s"):
        if size >= SIZES[name] and size % SIZES[name] == 0:
            return f"{size / SIZES[name]:g} {name}"
    return f"{size / MICRO:g} s"


def read_moments(column: polars.Series, style: str | None = None) -> tuple[numpy.ndarray, str, bool]:
    """Read a column of stamps.

    Args:
        column: dates, times, numbers or text; none missing. Whole numbers that are seconds or milliseconds since 1970
            (1990 to 2100) are times; months may have names, quarters are `1949Q1`.
        style: how they are written, where that is known; stamps that are not written so are read as if it were not.

    Returns:
        Stamps (int64 microseconds, or float64 numbers), how they are written, and whether they are numbers.

    Raises:
        DataError: a value is no time.

    >>> read_moments(polars.Series(["1970-02", "1970-03"]))[0] // DAY
    array([31, 59])
    """
    if column.dtype in (polars.Date, polars.Datetime):
        return dates(column, "").dt.epoch("us").to_numpy(), "", False
    if column.dtype.is_numeric():
        return _read_numbers(column.cast(polars.Float64).to_numpy(), style)
    text = column.cast(polars.String)
    if text.str.contains(MONTH).all():
        return _read_months(text), "month", False
    if (named := _read_names(text)) is not None:
        return (*named, False)
    if (not style or style in EPOCHS) and style_of(text) is not None:
        return _read_numbers(numbers(text, style_of(text) or "plain").to_numpy(), style)
    held = style and style != "month" and not dates(text, style).null_count()
    formats = [str(style)] if held else date_formats(text)
    found = dates(text, formats[0]) if formats else None
    if found is None or found.null_count():
        first = date_formats(text.head(1)) if found is None else []
        found = dates(text, first[0]) if first else found
        bad = text[0] if found is None else text.filter(found.is_null())[0]
        raise DataError(
            f"the column '{column.name}' gives no time for every row", expected="dates, times or numbers",
            received=repr(bad), fix="mend the value, or choose another column with --time",
        )  # fmt: skip
    return found.dt.epoch("us").to_numpy(), formats[0], False


def has_zone(column: polars.Series, style: str) -> bool:
    """Say whether stamps say their zone, or count from 1970: then no wall clock is needed to place them."""
    return style in EPOCHS or "%#z" in style or bool(getattr(column.dtype, "time_zone", None))


def axis_of(
    moments: list[numpy.ndarray], style: str, numeric: bool, zone: str | None = None, asked: str | None = None
) -> Axis:
    """Find the grid that stamps lie on.

    Args:
        moments: of each series, rising, without duplicates.
        style, numeric: as `read_moments` found them.
        zone: of the wall clock.
        asked: the step, where it was given (`15min`, `1h`, `1d`, `1w`, `1mo`); stamps are cut down to it.

    Raises:
        DataError: fewer than two stamps.
        OptionError: no such step.
    """
    origin = min((each[0] for each in moments if len(each)), default=0)
    if asked:
        return _asked(asked, float(origin), style, numeric, zone)
    gaps = numpy.concatenate([numpy.diff(each) for each in moments])
    if not len(gaps):
        raise DataError("a series of one row has no step", expected="two rows or more", received="1 row",
                        fix="give the step: --set step=1h")  # fmt: skip
    values, counts = numpy.unique(gaps, return_counts=True)
    usual = float(values[counts.argmax()])
    every = numpy.concatenate(moments)
    if numeric:
        return Axis("number", usual, float(origin), style)
    if values[0] >= 28 * DAY:
        count, ends = _months(every), _is_month_end(every)
        inside = every - _in_month(count, 0, False)
        if ends.all() or len(numpy.unique(inside)) == 1:
            size = int(numpy.gcd.reduce(numpy.unique(count) - count.min()))
            return Axis("months", max(size, 1), float(origin), style, zone, bool(ends.all()))
    if usual == DAY and len(every) >= 10 and numpy.is_busday(_days(every)).all():
        return Axis("business", 1, float(origin), style, zone)
    return Axis("time", usual, float(origin), style, zone)


def floor_to(axis: Axis, moments: numpy.ndarray) -> numpy.ndarray:
    """Return the stamps of the steps that moments lie in."""
    return axis.moments(numpy.floor(axis.places(moments)))


def on_grid(axis: Axis, moments: numpy.ndarray, name: str) -> tuple[numpy.ndarray, bool]:
    """Return the step of each stamp as int64, and whether some had to be moved to it.

    Raises:
        DataError: stamps lie between the steps.
    """
    places = axis.places(moments)
    whole = numpy.round(places)
    off = numpy.abs(places - whole)
    if off.max(initial=0.0) > JITTER:
        share = float((off > JITTER).mean())
        wrong = int(numpy.argmax(off > JITTER))
        raise DataError(
            f"the steps of '{name}' are irregular: {share:.0%} of the time stamps lie between steps of {axis}",
            expected="equal steps (gaps are filled in)",
            received=f"for example row {wrong + 1} in the order of time",
            fix="give a step to average over: --set step=1h (or 15min, 1d, 1w, 1mo)",
        )
    return whole.astype(numpy.int64), bool(off.max(initial=0.0) > 1e-6)


def from_zone(column: polars.Series, zone: str, repeated: numpy.ndarray) -> numpy.ndarray:
    """Turn wall-clock time into UTC microseconds: of an hour that comes twice, the first is summer's.

    Args:
        column: moments without a zone.
        zone: such as "Europe/Berlin".
        repeated: whether a stamp has come before in its series.

    Raises:
        OptionError: no such zone.
        DataError: a time that the wall clock never showed.
    """
    which = polars.Series(numpy.where(repeated, "latest", "earliest"))
    frame = polars.DataFrame({"moment": column, "which": which})
    try:
        found = frame.select(
            polars.col("moment").dt.replace_time_zone(
                zone, ambiguous=polars.col("which"), non_existent="null"
            )
        ).to_series()
    except polars.exceptions.ComputeError as error:
        raise OptionError(
            "there is no such time zone",
            expected="such as Europe/Berlin",
            received=zone,
            fix=_zone_like(zone),
        ) from error
    if found.null_count() > column.null_count():
        raise DataError(
            f"there is a time that the clocks of {zone} never showed",
            received=str(column.filter(found.is_null())[0]),
            fix="the stamps are in another zone: leave zone= out if they are in UTC",
        )
    return found.dt.convert_time_zone("UTC").dt.epoch("us").to_numpy()


def _zone_like(zone: str) -> str | None:
    """Return the zone that may be meant: of that city, or of nearly that name."""
    known = sorted(zoneinfo.available_timezones())
    city = zone.strip().replace(" ", "_").lower()
    near = next((each for each in known if each.lower().rpartition("/")[2] == city and "/" in each), None)
    near = near or nearest(zone, known)
    return f"did you mean --set zone={near}?" if near else None


def _asked(asked: str, origin: float, style: str, numeric: bool, zone: str | None) -> Axis:
    found = re.fullmatch(r"(\d*)\s*(s|min|h|d|w|mo)", asked.strip().lower())
    if not found or numeric or int(found[1] or 1) < 1:
        raise OptionError(
            "there is no such step" if not numeric else "a column of numbers has no step of time",
            expected="a number with s, min, h, d, w or mo: 15min, 1h, 1d", received=asked,
        )  # fmt: skip
    count = int(found[1] or 1)
    if found[2] == "mo":
        first = _in_month(_months(numpy.array([origin])), 0, False)[0]
        return Axis("months", count, float(first), style, zone)
    size = count * SIZES[found[2]]
    week = 4 * DAY if found[2] == "w" else 0  # 1970-01-05 was a Monday
    return Axis("time", size, float((origin - week) // size * size + week), style, zone)


def _read_months(text: polars.Series) -> numpy.ndarray:
    cut = text.str.extract_groups(r"^(?<year>\d{1,4})[-/](?<month>\d{1,2})$").struct.unnest()
    year, month = (cut[name].cast(polars.Int64).to_numpy() for name in ("year", "month"))
    if ((month < 1) | (month > 12)).any():
        bad = text[int(numpy.argmax((month < 1) | (month > 12)))]
        raise DataError("there is no such month", expected="year-month, such as 1949-01", received=bad)
    return _in_month((year - 1970) * 12 + month - 1, 0, False)


def _read_numbers(values: numpy.ndarray, style: str | None) -> tuple[numpy.ndarray, str, bool]:
    """Read numbers: as times since 1970 where they were, or all of them may be; a known style of "" holds them as they are."""
    if style != "" and len(values) and (values == numpy.round(values)).all():
        for name, (low, high, micro) in EPOCHS.items():
            if style == name or (low <= values.min() and values.max() <= high):
                return values.astype(numpy.int64) * micro, name, False
    return values, "", True


def _read_names(text: polars.Series) -> tuple[numpy.ndarray, str] | None:
    """Read months with names (`Jan-49`, `January 1949`) and quarters (`1949Q1`): their first days, and how they are written."""
    if text.str.contains(QUARTER).all():
        year, quarter = (
            text.str.slice(at, size).cast(polars.Int64).to_numpy() for at, size in ((0, 4), (-1, 1))
        )
        return _in_month((year - 1970) * 12 + (quarter - 1) * 3, 0, False), "quarter" + str(text[0])[4:-2]
    if not text.str.contains(r"(?i)^[a-z]{3,9}\b|[- ][a-z]{3,9}$").all():
        return None
    for style in MONTH_NAMES:
        found = dates("1 " + text, "%d " + style)
        if not found.null_count():
            return found.dt.epoch("us").to_numpy(), style
    return None


def _days(moments: numpy.ndarray) -> numpy.ndarray:
    return moments.astype(numpy.int64).astype("datetime64[us]").astype("datetime64[D]")


def _months(moments: numpy.ndarray) -> numpy.ndarray:
    """Return months since 1970."""
    return moments.astype(numpy.int64).astype("datetime64[us]").astype("datetime64[M]").astype(numpy.int64)


def _is_month_end(moments: numpy.ndarray) -> numpy.ndarray:
    return _months(moments + DAY) != _months(moments)


def _in_month(months: numpy.ndarray, origin: int, month_end: bool) -> numpy.ndarray:
    """Return the stamps in months (since 1970) at the day and the clock of `origin`, or on their last days."""
    first = months.astype("datetime64[M]").astype("datetime64[us]").astype(numpy.int64)
    after = (months + 1).astype("datetime64[M]").astype("datetime64[us]").astype(numpy.int64)
    begun = (
        numpy.array([origin], dtype="datetime64[us]")
        .astype("datetime64[M]")
        .astype("datetime64[us]")
        .astype(numpy.int64)[0]
    )
    inside = int(origin - begun)
    if month_end:
        return after - DAY + inside % DAY
    return numpy.minimum(first + inside, after - DAY + inside % DAY)
