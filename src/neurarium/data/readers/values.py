"""Values: a column's text as numbers, truth values, dates or names. Each function works on whole columns."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy
import polars

from neurarium.core.errors import DataError
from neurarium.data.readers.moments import circle, rhythm

TRUTH = {
    "true": 1.0,
    "false": 0.0,
    "yes": 1.0,
    "no": 0.0,
    "y": 1.0,
    "n": 0.0,
    "t": 1.0,
    "f": 0.0,
    "on": 1.0,
    "off": 0.0,
    "1": 1.0,
    "0": 0.0,
}
DATES = tuple(
    day + clock
    for day in (
        "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%Y",
        "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%B %d %Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%b-%y",
    )
    for clock in (
        "", " %H:%M", "T%H:%M", " %H:%M:%S", "T%H:%M:%S", " %H:%M:%S%.f", "T%H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p",
        "T%H:%M:%S%#z", " %H:%M:%S%#z", "T%H:%M:%S%.f%#z", " %H:%M:%S%.f%#z", "T%H:%M%#z", " %H:%M:%S %#z",
    )
)  # fmt: skip
MISSING = ("", "?", "NA", "N/A", "NaN", "NaT", "null", "#N/A", "#NA", "<NA>", "None", "-", "--", ".")
AMBIGUOUS = ("none", "-", "--", ".")  # missing in an input column, but they may well be labels of a target
DIGITS = r"(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d*)?"  # 0,512 is no thousands: its comma is a decimal one
STYLES = {
    "thousands": rf"^[+-]?{DIGITS}$",
    "decimal comma": r"^[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d*)?$",
    "percent": rf"^[+-]?{DIGITS} ?%$",
    "currency": rf"^(?:[+-]?[$€£] ?[+-]?{DIGITS}|[+-]?{DIGITS} ?[$€£])$",
}


def text(column: polars.Series, missing: Sequence[str]) -> polars.Series:
    """Return a column as names: whole numbers without a decimal point, null where missing.

    >>> text(polars.Series([1.0, None, 2.0]), ()).to_list()
    ['1', None, '2']
    """
    if column.dtype.is_float():
        whole = column.drop_nulls()
        if (whole == whole.round()).all() and (whole.abs() < 2**53).all():
            column = column.cast(polars.Int64)
    column = column.cast(polars.String)
    return column.set(column.is_in(spellings(missing)).fill_null(False), None) if missing else column


def spellings(tokens: Sequence[str]) -> list[str]:
    """Return tokens as given, in lower case, in upper case and capitalized."""
    stripped = [token.strip() for token in tokens]
    return sorted(
        {each for token in stripped for each in (token, token.lower(), token.upper(), token.capitalize())}
    )


def numbers(column: polars.Series, style: str = "plain") -> polars.Series:
    """Return a column as float64, null where it is missing or no number.

    Args:
        column: text, numbers or truth values.
        style: how numbers are written: "plain", "thousands", "decimal comma", "percent", "currency", or "truth".

    >>> numbers(polars.Series(["1,5", "x", "1.5"]), "decimal comma").to_list()
    [1.5, None, 1.5]
    >>> numbers(polars.Series(["1,200.5", "1,5"]), "thousands").to_list()
    [1200.5, None]
    """
    if column.dtype == polars.Float64 and not numpy.isnan(column.to_numpy()).any():
        return column  # most columns, in a hundredth of the time that a query takes
    if column.dtype in (polars.Date, polars.Datetime):
        return polars.Series(column.name, [None] * column.len(), dtype=polars.Float64)
    if column.dtype == polars.String:
        if style == "truth":
            return column.str.to_lowercase().replace_strict(TRUTH, default=None, return_dtype=polars.Float64)
        if style != "plain":
            column = _plainly(column, style)
    return column.cast(polars.Float64, strict=False).fill_nan(None)


def _plainly(column: polars.Series, style: str) -> polars.Series:
    """Take the marks of a style out of the values that are written in it; others stay: `1.5` among decimal commas is 1.5."""
    if style == "decimal comma":
        bare = column.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        return column.zip_with(~column.str.contains(STYLES[style]).fill_null(False), bare)
    written = "|".join(each for name, each in STYLES.items() if name != "decimal comma")
    return column.zip_with(
        ~column.str.contains(written).fill_null(False), column.str.replace_all("[,$€£% ]", "")
    )


def style_of(column: polars.Series) -> str | None:
    """Return the style in which every value of a text column is a number, or None.

    >>> style_of(polars.Series(["$1,200", "$ 3.50"]))
    'currency'
    >>> style_of(polars.Series(["0,512", "1,250"]))
    'decimal comma'
    """
    if not numbers(column).null_count():
        return "plain"
    for style, pattern in STYLES.items():
        if re.match(pattern, column[0]) and column.str.contains(pattern).all():
            return style
    return None


def date_formats(column: polars.Series) -> list[str]:
    """Return the formats in which every value of a text column is a date; those that read other days come after.

    Where day and month could change places, the day is first: that is the order of most of the world; but not where all
    would be in January, of several years: those are the first days of months.

    >>> date_formats(polars.Series(["2024-01-31", "2024-02-01"]))
    ['%Y-%m-%d']
    >>> date_formats(polars.Series(["11/01/2023", "12/01/2023", "01/01/2024"]))[0]
    '%m/%d/%Y'
    """
    if not re.match(r"^[A-Za-z0-9]{1,9}[-/., ]", column[0]) or not re.search(r"\d", column[0]):
        return []
    head = column.head(100)
    fitting = [each for each in DATES if not dates(head, each).null_count()]
    found: dict[str, polars.Series] = {}
    for each in fitting:
        read = dates(column, each)
        if not read.null_count() and not any(read.equals(other) for other in found.values()):
            found[each] = read
    return sorted(
        found, key=lambda each: _only_january(found[each])
    )  # the order of those that are alike stays


def _only_january(moments: polars.Series) -> bool:
    """Say whether moments of several years are all in January, on several of its days."""
    january = bool((moments.dt.month() == 1).all())
    return january and moments.dt.day().n_unique() > 1 and moments.dt.year().n_unique() > 1


def dates(column: polars.Series, style: str) -> polars.Series:
    """Return a column as moments (microseconds, without zone), null where it is no date in that format."""
    if column.dtype == polars.String:
        try:
            column = column.str.to_datetime(style or None, strict=False, time_unit="us")
        except polars.exceptions.ComputeError:
            return polars.Series(column.name, [None] * column.len(), dtype=polars.Datetime("us"))
        if "%Y" in style:  # the reader takes 24 for the year 24
            column = column.set((column.dt.year() < 1000).fill_null(False), None)
    if column.dtype == polars.Date:
        column = column.cast(polars.Datetime("us"))
    if column.dtype != polars.Datetime:
        return polars.Series(column.name, [None] * column.len(), dtype=polars.Datetime("us"))
    if getattr(column.dtype, "time_zone", None):
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(polars.Datetime("us"))


def date_part(moments: polars.Series, part: str) -> polars.Series:
    """Return a numeric part of moments: days since 1970 (with fraction), year, month, weekday (Monday 1), hour; or the
    sine or cosine of a rhythm (see `moments`).

    >>> date_part(dates(polars.Series(["1970-01-02"]), "%Y-%m-%d"), "days").item()
    1.0
    """
    if part == "days":
        return moments.dt.epoch("us").cast(polars.Float64) / 86_400e6
    if part.endswith((" sine", " cosine")):
        return circle(rhythm(moments, part.rpartition(" ")[0]), part)
    read = {
        "year": moments.dt.year,
        "month": moments.dt.month,
        "weekday": moments.dt.weekday,
        "hour": moments.dt.hour,
    }
    return read[part]().cast(polars.Float64)


def finite(values: polars.Series, origin: str) -> numpy.ndarray:
    """Return float64 with NaN for missing.

    Raises:
        DataError: an infinite number; its column and row are named.
    """
    array = values.cast(polars.Float64).to_numpy().astype(numpy.float64, copy=False)
    infinite = numpy.flatnonzero(numpy.isinf(array))
    if len(infinite):
        raise DataError(
            f"column '{values.name}' of {origin} holds an infinite number in row {infinite[0] + 1}",
            expected="finite numbers, or missing values",
            received=f"{array[infinite[0]]} ({len(infinite)} infinite values)",
            fix=f"mend the value, count it as missing with missing=('inf', '-inf', ...), or drop=('{values.name}',)",
        )
    return array


def times(column: polars.Series) -> numpy.ndarray:
    """Return a column of numbers or dates as float64 that orders the rows.

    Raises:
        DataError: a value is missing, or is neither number nor date.
    """
    values = column
    if column.dtype == polars.String:
        known = column.drop_nulls()
        style = style_of(known) if known.len() else None
        formats = [] if style or not known.len() else date_formats(known)
        values = numbers(column, style) if style else dates(column, formats[0]) if formats else column
    if values.dtype in (polars.Date, polars.Datetime):
        values = dates(values, "").dt.epoch("us")
    if not values.dtype.is_numeric() or values.null_count():
        gaps = (
            f"{values.null_count()} missing values"
            if values.dtype.is_numeric()
            else repr(column.drop_nulls()[0])
        )
        raise DataError(
            f"the column '{column.name}' gives no time for every row",
            expected="numbers or dates, none missing",
            received=gaps,
            fix="choose another column with --time",
        )
    return values.cast(polars.Float64).to_numpy()
