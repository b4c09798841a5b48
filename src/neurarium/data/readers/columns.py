"""Columns: what kind of values a column holds, found from its training rows; every choice comes with its reason."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

import polars

from neurarium.core.errors import DataError, OptionError, unknown
from neurarium.data.readers.lists import style_of_lists
from neurarium.data.readers.moments import clock_hours, durations, is_clock, is_duration
from neurarium.data.readers.values import TRUTH, date_formats, dates, numbers, style_of, text

KINDS = (
    "numeric",
    "categorical",
    "hashed",
    "boolean",
    "date",
    "time",
    "duration",
    "list",
    "text",
    "image",
    "drop",
)
FEW = 16  # whole numbers with at most so many different values may be codes
ODD_VALUES, ODD_SHARE = 5, 0.05  # so many different values may be no numbers, on so few rows
TEXT_SHARE, TEXT_VALUES = 0.5, 50  # above both, values are text or identifiers, not categories
WORDS, TEXTS = 3.0, 20  # so many words per value, in so many different values: text
HASHED_ABOVE, BUCKETS = 10_000, 4096  # more different names share so many places
IDENTIFIER = re.compile(r"(^|[_\s-])(id|index|idx|key|uuid|guid|row|rownum|rownames)$", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Kind:
    """What a column holds.

    Args:
        name: the column.
        kind: "numeric", "categorical", "boolean", "date", "text", "image" (paths of files) or "drop".
        style: how its numbers or dates are written.
        reason: why, in words.
        doubtful: a person may well decide otherwise; the choice is reported.
    """

    name: str
    kind: str
    style: str = "plain"
    reason: str = ""
    doubtful: bool = False


def recognise(column: polars.Series, missing: Sequence[str], wanted: str | None = None) -> Kind:
    """Find the kind of a column from its training rows.

    Args:
        column: text, numbers, truth values or dates.
        missing: text that stands for a missing value.
        wanted: the kind given by the user (`numeric`, `categorical`, `boolean`, `date`, `date:%d/%m/%Y`, `text`, `image`,
            `drop`).

    Raises:
        DataError: the values are not of the kind that was given.
        OptionError: there is no such kind.

    >>> recognise(polars.Series("age", ["39", "?", "50"]), ("?",)).kind
    'numeric'
    """
    if wanted is not None:
        return _given(column, missing, wanted)
    name, kind = column.name, column.dtype
    if column.null_count() == column.len():
        return Kind(name, "drop", reason="it holds nothing but missing values", doubtful=True)
    if kind == polars.List:
        return _list(column.drop_nulls())
    if kind == polars.Boolean:
        return Kind(name, "boolean", "truth", "truth values")
    if kind in (polars.Date, polars.Datetime):
        return Kind(name, "date", "", "dates")
    if kind.is_numeric():
        return _numeric(numbers(column), "plain")
    if (
        kind == polars.String
        and column.cast(polars.Float64, strict=False).null_count() == column.null_count()
    ):
        return _numeric(numbers(column), "plain")
    return _text(text(column, missing).drop_nulls(), column)


def _text(values: polars.Series, column: polars.Series) -> Kind:
    name = column.name
    if not values.len():
        return Kind(name, "drop", reason="it holds nothing but missing values", doubtful=True)
    if style := style_of(values):
        return _numeric(numbers(column, style), style)
    different = values.n_unique()
    if different <= 2 and _truth(values):
        return Kind(name, "boolean", "truth", "truth values")
    if is_clock(values):
        return Kind(name, "time", reason="times of day, as hours and as a circle of 24")
    if is_duration(values):
        return Kind(name, "duration", reason="durations, as seconds")
    if style_of_lists(values):
        return _list(values)
    if formats := date_formats(values):
        reason = (
            f"every value is a date like {formats[0]}"
            if len(formats) == 1
            else f"dates like {formats[0]}, {_order(formats[0])}; also possible: {', '.join(formats[1:])}"
        )
        return Kind(name, "date", formats[0], reason, doubtful=len(formats) > 1)
    odd = values.filter(numbers(values).is_null())
    if odd.len() <= ODD_SHARE * values.len() and odd.n_unique() <= ODD_VALUES:
        shown = ", ".join(repr(value) for value in odd.unique().sort().to_list())
        return Kind(
            name, "numeric", "plain", f"numbers but for {odd.len()} values, read as missing: {shown}", True
        )
    words = float(values.head(5000).str.count_matches(r"\S+").mean() or 0)  # type: ignore[arg-type]
    if different >= TEXTS and different > TEXT_SHARE * values.len() and words >= WORDS:
        reason = f"{words:.1f} words per value, {different:,} different values in {values.len():,} rows"
        return Kind(name, "text", reason=reason, doubtful=True)
    named = different == values.len() >= 20  # each row has a name of its own
    if named or (different > TEXT_VALUES and different > TEXT_SHARE * values.len()):
        reason = f"{different:,} different values in {values.len():,} rows: text or identifiers"
        return Kind(name, "drop", reason=reason, doubtful=True)
    if different > HASHED_ABOVE:
        reason = f"{different:,} different values: each gets one of {BUCKETS:,} places by a hash"
        return Kind(name, "hashed", str(BUCKETS), reason, doubtful=True)
    return Kind(name, "categorical", reason=f"{different} different values")


def _order(style: str) -> str:
    if style.startswith("%m"):
        return "the first days of months: the other way all would be in January"
    return "the day first where it could be the month"


def _list(values: polars.Series) -> Kind:
    style = style_of_lists(values) or "json"
    reason = (
        "lists of numbers"
        if style == "numbers"
        else "lists of names: how many, and which of the 100 most frequent"
    )
    return Kind(values.name, "list", style, reason, doubtful=True)


def _numeric(values: polars.Series, style: str) -> Kind:
    name, known = values.name, values.drop_nulls()
    if not known.len():
        return Kind(name, "drop", reason="it holds nothing but missing values", doubtful=True)
    whole = bool((known == known.round()).all())
    if whole and known.len() >= 20 and not values.null_count() and known.n_unique() == known.len():
        dense = float(known.max()) - float(known.min()) < 2 * known.len()  # type: ignore[arg-type]
        if IDENTIFIER.search(name) or (dense and known.is_sorted()):
            return Kind(name, "drop", style, "whole numbers that count or name the rows", doubtful=True)
    if whole and known.head(10_000).n_unique() <= FEW and 3 <= known.n_unique() <= FEW:
        return Kind(
            name, "numeric", style, f"whole numbers, {known.n_unique()} different: codes or quantities", True
        )
    return Kind(name, "numeric", style, "numbers" if style == "plain" else f"numbers written with {style}")


def _truth(values: polars.Series) -> bool:
    lowered = {value.lower() for value in values.unique().to_list()}
    return lowered <= set(TRUTH) - {"0", "1"} and sorted(TRUTH[value] for value in lowered) == [0.0, 1.0]


def _given(column: polars.Series, missing: Sequence[str], wanted: str) -> Kind:
    kind, _, style = wanted.partition(":")
    if kind not in (*KINDS, "embedded"):
        raise unknown("kind of column", kind, KINDS, fix="types={'column': 'numeric'}")
    values = text(column, missing).drop_nulls() if column.dtype == polars.String else column.drop_nulls()
    if kind == "embedded":
        kind = "categorical"
    if kind == "hashed" and not (style or str(BUCKETS)).isdigit():
        raise OptionError("the places of a hash are no number", expected="hashed:4096", received=wanted)
    if kind in ("hashed", "list"):
        return Kind(
            column.name,
            kind,
            style or (style_of_lists(values) or "json" if kind == "list" else str(BUCKETS)),
            "given",
        )
    if kind == "date" and not style:
        style = next(iter(date_formats(values)), "") if values.dtype == polars.String and values.len() else ""
    if kind == "numeric":
        style = style or (values.dtype == polars.String and values.len() and style_of(values)) or "plain"
    if kind == "boolean":
        style = "truth"
    read: dict[str, Any] = {"numeric": numbers, "boolean": numbers, "date": dates}
    read |= {"time": lambda each, _: clock_hours(each), "duration": lambda each, _: durations(each)}
    if kind in read and values.len() and read[kind](values, style).null_count() == values.len():
        raise DataError(
            f"column '{column.name}' holds no value of the kind '{wanted}'",
            expected=wanted,
            received=", ".join(map(str, values.head(3).to_list())),
            fix="leave the kind out, or choose another",
        )
    return Kind(column.name, kind, style if kind == "date" else style or "plain", "given")
