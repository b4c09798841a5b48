"""Rows: JSON objects as the rows of a table, each read alone, so that no answer depends on who asks beside it."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars

from neurarium.core.errors import DataError
from neurarium.data.preparation.tables import TablePreparation
from neurarium.data.readers.values import TRUTH, numbers, spellings
from neurarium.serving.example import Example
from neurarium.serving.schemas import made_of

MANY = 200  # categories that are listed
PLAIN_DATE = r"(?:%[dmYyHMSbB]|[^%])+"  # formats that mean the same to Python
UNSEEN = "\x00unseen"  # a name that no category of a file has


class Rows:
    """Reads rows of a table.

    Args:
        preparation: the run's.
    """

    media, alone = "", False

    def __init__(self, preparation: TablePreparation):
        self.preparation = preparation
        self.missing = frozenset(spellings(preparation.reading.missing))
        self.readers = readers_of(preparation, self.missing)
        self.needed = frozenset(self.readers)

    def parse(self, value: Any, place: str) -> Example:
        """Check one row.

        Raises:
            DataError: no object, a missing column (with the nearest name), a value that is none.
        """
        if not isinstance(value, Mapping):
            raise DataError(
                f"{place} is no row",
                expected='an object {"column": value, ...}',
                received=_kind(value),
            )
        if not self.needed <= value.keys():
            self.preparation.require(list(value), place)
        notes: dict[str, dict[str, Any]] = {}
        row = {name: read(value[name], notes, place) for name, read in self.readers.items()}
        return Example(row, notes)

    def collate(self, examples: Sequence[Example]) -> tuple[Any, dict[int, DataError]]:
        """Return the prepared inputs of checked rows, and which of them failed (none)."""
        columns = [
            polars.Series(name, [each.value[name] for each in examples], dtype=self.readers[name].dtype)
            for name in self.readers
        ]
        return self.preparation.transform(polars.DataFrame(columns), "the request")[0], {}

    def schema(self) -> dict[str, Any]:
        """Return the schema of one example."""
        fills = {each.source: each.fill for each in self.preparation.numeric if each.part in ("", "days")}
        columns = {name: read.schema(fills.get(name)) for name, read in self.readers.items()}
        return {**made_of(columns), "additionalProperties": True}

    def blank(self) -> Example:
        """Return a row of gaps.

        Raises:
            DataError: it cannot be one.
        """
        return self.parse(dict.fromkeys(self.needed), "row 1")


def readers_of(preparation: TablePreparation, missing: frozenset[str]) -> dict[str, Any]:
    """Return how a value of each raw column is read."""
    numeric = {each.source: each for each in preparation.numeric}
    categorical = {each.source: each for each in preparation.categorical}
    found: dict[str, Any] = {}
    for name in preparation.sources:
        if name in categorical:
            found[name] = Category(name, frozenset(categorical[name].categories), missing)
        elif name in numeric and not numeric[name].part:
            found[name] = Number(name, numeric[name].style, missing)
        else:  # dates and whatever is read from text
            found[name] = Text(name, missing, numeric[name].style if name in numeric else "")
    return found


class Number:
    """Reads the values of a numeric column; text that is no number counts as missing, with a note, as in files."""

    dtype = polars.Float64

    def __init__(self, name: str, style: str, missing: frozenset[str]):
        self.name, self.style, self.missing = name, style, missing

    def __call__(self, value: Any, notes: dict[str, Any], place: str) -> float | None:
        if value is None:
            return None
        if isinstance(value, str):
            return self._text(value.strip(), notes)
        if not isinstance(value, int | float):
            raise no_value(self.name, value, place, "a number, or null where it is missing")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isinf(number):
            raise DataError(
                f"column '{self.name}' of {place} holds an infinite number",
                expected="finite numbers, or null where it is missing",
                received=str(value)[:40],
            )
        return None if math.isnan(number) else number

    def schema(self, fill: float | None) -> dict[str, Any]:
        """Return the schema of a value."""
        kind = ["number", "null"] if self.style == "plain" else ["number", "boolean", "string", "null"]
        return {"type": kind, "examples": [] if fill is None else [fill]}

    def _text(self, value: str, notes: dict[str, Any]) -> float | None:
        if value in self.missing:
            return None
        number: float | None
        if self.style == "truth":
            number = TRUTH.get(value.lower())
        elif value.isascii():
            number = numbers(polars.Series([value], dtype=polars.String), self.style)[0]
        else:
            number = None
        if number is None or not math.isfinite(number):
            notes.setdefault("unreadable", {})[self.name] = value[:80]
            return None
        return number


class Category:
    """Reads the values of a categorical column as names; one unseen in training is noted."""

    dtype = polars.String

    def __init__(self, name: str, known: frozenset[str], missing: frozenset[str]):
        self.name, self.known, self.missing = name, known, missing

    def __call__(self, value: Any, notes: dict[str, Any], place: str) -> str | None:
        text = name_of(value)
        if text is None:
            if value is not None:
                raise no_value(self.name, value, place, "text or a number, or null where it is missing")
            return None
        if text in self.known:
            return text
        if text in self.missing:
            return None
        notes.setdefault("unseen", {})[self.name] = text[:80]
        return UNSEEN

    def schema(self, fill: float | None) -> dict[str, Any]:
        """Return the schema of a value."""
        known = sorted(self.known)
        return {
            "type": ["string", "number", "boolean", "null"],
            "description": f"{len(known)} categories; another one counts as unseen",
            "examples": known[:MANY],
        }


class Text:
    """Reads the values of a column of dates (written in a style) or of text."""

    dtype = polars.String

    def __init__(self, name: str, missing: frozenset[str], style: str = ""):
        self.name, self.missing, self.style = name, missing, style

    def __call__(self, value: Any, notes: dict[str, Any], place: str) -> str | None:
        text = name_of(value)
        if text is None and value is not None:
            raise no_value(self.name, value, place, "text, or null where it is missing")
        if text is None or text in self.missing:
            return None
        return text.encode("utf-8", "replace").decode("utf-8")

    def schema(self, fill: float | None) -> dict[str, Any]:
        """Return the schema of a value."""
        schema = {"type": ["string", "null"], "description": "as in the data of the training"}
        if fill is None or not re.fullmatch(PLAIN_DATE, self.style):
            return schema
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(days=fill)
        return {**schema, "examples": [moment.strftime(self.style)]}


class Prose(Text):
    """Reads the values of a column of texts, which a person writes."""

    def schema(self, fill: float | None) -> dict[str, Any]:
        """Return the schema of a value."""
        return {
            "type": ["string", "null"],
            "format": "prose",
            "description": "a text; null where there is none",
        }


def name_of(value: Any) -> str | None:
    """Return a value as the name of a category, as files spell it: whole numbers without a decimal point.

    >>> name_of(" red "), name_of(2.0), name_of(True), name_of([1])
    ('red', '2', 'true', None)
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**400):
        return str(value)
    return None


def no_value(name: str, value: Any, place: str, expected: str) -> DataError:
    """Make the error for a value that no column holds."""
    return DataError(
        f"column '{name}' of {place} holds no plain value", expected=expected, received=_kind(value)
    )


def _kind(value: Any) -> str:
    names: dict[type, str] = {dict: "an object", list: "an array", str: "text", bool: "a truth value"}
    return "null" if value is None else names.get(type(value), "a number")


Reader = Callable[[Any, dict[str, Any], str], Any]
