"""Lists in a column: numbers and names, as numbers of equal count for every row."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import polars

MOST_NAMES, MOST_ITEMS = 100, 256
NUMBERS, JSON = "numbers", "json"
SUMMARY = ("count", "mean", "minimum", "maximum")


def style_of_lists(values: polars.Series) -> str | None:
    """Return how lists are written ("numbers", "json"), or None where the values are no lists.

    >>> style_of_lists(polars.Series(['["a"]', "[]"])), style_of_lists(polars.Series(["[1, 2]"])), style_of_lists(polars.Series(["[x"]))
    ('json', 'numbers', None)
    """
    if values.dtype == polars.List:
        return NUMBERS if values.dtype.inner.is_numeric() else JSON  # type: ignore[attr-defined]
    if values.dtype != polars.String or not values.len() or not values.str.contains(r"^\s*\[.*\]\s*$").all():
        return None
    read = [_parsed(each) for each in values.to_list()]
    if any(each is None for each in read):
        return None
    return NUMBERS if all(isinstance(item, int | float) for each in read for item in each or ()) else JSON


def lists(column: polars.Series, style: str) -> polars.Series:
    """Return a column as lists of numbers (float64) or of names; null where it is none.

    Args:
        style: "numbers", "json" (names), or what separates names: ";".
    """
    kind: Any = polars.List(polars.Float64 if style == NUMBERS else polars.String)
    if column.dtype == polars.List:
        return column.cast(kind)
    values = column.cast(polars.String).to_list()
    if style in (NUMBERS, JSON):
        read = [None if each is None else _parsed(each) for each in values]
        if style == JSON:
            read = [None if each is None else [str(item) for item in each] for each in read]
        return polars.Series(column.name, read, dtype=kind, strict=False)
    cut = [
        None if each is None else [part.strip() for part in each.split(style) if part.strip()]
        for each in values
    ]
    return polars.Series(column.name, cut, dtype=kind)


def list_parts(column: polars.Series, style: str) -> tuple[str, ...]:
    """Return the numbers that training rows make of a list.

    Numbers of one count become `item 1`, `item 2` ...; of different counts their count, mean, minimum and maximum. Names
    become their count and `has NAME` for the hundred most frequent.

    >>> list_parts(polars.Series([["a", "b"], ["a"]]), "json"), list_parts(polars.Series([[1.0, 2.0]]), "numbers")
    (('count', 'has a', 'has b'), ('item 1', 'item 2'))
    """
    found = lists(column, style).drop_nulls()
    if style == NUMBERS:
        lengths = found.list.len()
        same = lengths.n_unique() == 1 and 0 < int(lengths[0]) <= MOST_ITEMS
        return tuple(f"item {place + 1}" for place in range(int(lengths[0]))) if same else SUMMARY
    names = found.explode().drop_nulls().alias("name").value_counts(name="count")
    top = (
        names.sort(["count", "name"], descending=[True, False]).head(MOST_NAMES).get_column("name").to_list()
    )
    return ("count", *(f"has {name}" for name in top))


def list_part(column: polars.Series, style: str, part: str) -> polars.Series:
    """Return one of the numbers of `list_parts`, float64 with null where there is no list."""
    found = lists(column, style)
    if part.startswith("has "):
        return found.list.contains(part.removeprefix("has ")).cast(polars.Float64)
    if part.startswith("item "):
        return found.list.get(int(part.removeprefix("item ")) - 1, null_on_oob=True)
    read = {
        "count": found.list.len,
        "mean": found.list.mean,
        "minimum": found.list.min,
        "maximum": found.list.max,
    }
    return read[part]().cast(polars.Float64)


def _parsed(text: str) -> list[Any] | None:
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(text)
        if isinstance(found, list) and not any(isinstance(each, list | dict) for each in found):
            return found
    return None
