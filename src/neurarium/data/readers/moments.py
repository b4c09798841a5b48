"""Moments: parts of dates and times of day as numbers that go in circles, and durations in seconds."""

from __future__ import annotations

import math
import re

import polars

# Linear elapsed time and the year, then each rhythm as a point on a circle: the 31st of December lies beside the 1st of
# January, 23:59 beside midnight.
DATE_PARTS = (
    "days", "year", "month sine", "month cosine", "day of year sine", "day of year cosine", "weekday sine",
    "weekday cosine", "hour sine", "hour cosine",
)  # fmt: skip
CLOCK_PARTS = ("hour", "hour sine", "hour cosine")
PERIODS = {"month": 12.0, "day of year": 365.25, "weekday": 7.0, "hour": 24.0}
CLOCK = r"^(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?$"
UNITS = {
    "weeks?|w": 604800.0, "days?|d": 86400.0, "hours?|hrs?|h": 3600.0, "minutes?|mins?|min|m": 60.0,
    "seconds?|secs?|sec|s": 1.0, "milliseconds?|ms": 1e-3,
}  # fmt: skip
PIECE = r"\d+(?:\.\d+)?\s*(?:" + "|".join(UNITS) + r")"
WORDED = rf"^-?\s*(?:{PIECE}\s*,?\s*)+$"
ISO = r"^-?P(?:\d+(?:\.\d+)?W)?(?:\d+(?:\.\d+)?D)?(?:T(?:\d+(?:\.\d+)?H)?(?:\d+(?:\.\d+)?M)?(?:\d+(?:\.\d+)?S)?)?$"
COUNTED = r"^-?(?:\d+ days?,? )?\d+:[0-5]\d:[0-5]\d(?:\.\d+)?$"


def circle(values: polars.Series, part: str) -> polars.Series:
    """Return the sine or the cosine of a rhythm: sin or cos(2 pi value / period).

    Args:
        values: months from 0, days of the year from 0, weekdays from 0 (Monday), or hours with their fraction.
        part: such as "month sine".

    >>> circle(polars.Series([0.0, 6.0]), "month cosine").to_list()
    [1.0, -1.0]
    """
    rhythm, _, way = part.rpartition(" ")
    angle = values.cast(polars.Float64) * (2 * math.pi / PERIODS[rhythm])
    turned = angle.sin() if way == "sine" else angle.cos()
    return turned.round(12)  # what lies on an axis is exactly there: a constant rhythm is a constant


def rhythm(moments: polars.Series, name: str) -> polars.Series:
    """Return how far a moment is in its rhythm, from 0: "month", "day of year", "weekday" (Monday 0), "hour"."""
    if name == "month":
        return moments.dt.month() - 1
    if name == "day of year":
        return moments.dt.ordinal_day() - 1
    if name == "weekday":
        return moments.dt.weekday() - 1
    hours = moments.dt.hour().cast(polars.Float64) + moments.dt.minute() / 60
    return hours + moments.dt.second() / 3600


def is_clock(values: polars.Series) -> bool:
    """Return whether every text is a time of day: 8:05, 23:59:30."""
    return bool(values.len()) and bool(values.str.contains(CLOCK).all())


def clock_hours(column: polars.Series) -> polars.Series:
    """Return times of day as hours with fraction, null where it is none.

    >>> clock_hours(polars.Series(["8:30", "23:59:60", "noon"])).to_list()
    [8.5, None, None]
    """
    pieces = column.cast(polars.String).str.strip_chars()
    pieces = pieces.set(~pieces.str.contains(CLOCK).fill_null(False), None)
    cut = pieces.str.split(":").list
    hours, minutes, seconds = (cut.get(place, null_on_oob=True).cast(polars.Float64) for place in range(3))
    return hours + minutes / 60 + seconds.fill_null(0.0) / 3600


def is_duration(values: polars.Series) -> bool:
    """Return whether every text is a duration: 1h 30m, 90 min, PT1H30M, 2 days 03:00:00, 26:00:00.

    Bare numbers are numbers, and 08:30:00 is a time of day.
    """
    if not values.len() or not re.search(r"\d", values[0]):
        return False
    lowered = values.str.to_lowercase()
    patterns = (WORDED, COUNTED)
    return any(bool(lowered.str.contains(each).all()) for each in patterns) or bool(
        values.str.contains(ISO).all()
    )


def durations(column: polars.Series) -> polars.Series:
    """Return durations as seconds, null where it is none.

    >>> durations(polars.Series(["1h 30m", "PT90M", "1 day, 0:00:01", "long"])).to_list()
    [5400.0, 5400.0, 86401.0, None]
    """
    values = column.cast(polars.String)
    known = {each: _seconds(each) for each in values.drop_nulls().unique().to_list()}
    return values.replace_strict(known, default=None, return_dtype=polars.Float64)


def _seconds(text: str) -> float | None:
    lowered = text.strip().lower()
    if re.match(COUNTED, lowered):
        days, _, clock = lowered.lstrip("-").rpartition(" ")
        hours, minutes, seconds = clock.split(":")
        total = 3600 * float(hours) + 60 * float(minutes) + float(seconds)
        total += 86400 * float(re.match(r"\d+", days)[0]) if days else 0.0  # type: ignore[index]
    elif re.match(ISO, text.strip()) or re.match(WORDED, lowered):
        pieces = re.findall(
            r"(\d+(?:\.\d+)?)\s*([a-z]+)", lowered.lstrip("-").replace("p", "").replace("t", "")
        )
        factors = [
            next((f for unit, f in UNITS.items() if re.fullmatch(unit, word)), None) for _, word in pieces
        ]
        if None in factors:
            return None
        total = sum(
            float(number) * factor for (number, _), factor in zip(pieces, factors, strict=True) if factor
        )
    else:
        return None
    return -total if lowered.startswith("-") else total
