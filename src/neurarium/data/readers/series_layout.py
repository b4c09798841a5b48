"""Layouts of series: .ts files, wide tables (a row per series), long tables (a row per moment), arrays in memory."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import polars

from neurarium.core.errors import DataError, OptionError, unknown
from neurarium.data.readers.delimited import Reading
from neurarium.data.readers.frames import read_frame
from neurarium.data.readers.series_stacks import as_series, is_stack, read_stack
from neurarium.data.readers.ts_format import Collection, read_ts
from neurarium.data.readers.values import finite, numbers, style_of, text, times


@dataclasses.dataclass(frozen=True)
class Layout:
    """How series stand in a table.

    Args:
        target: the column of the labels; empty for .ts files and arrays.
        values: the columns of the values: of a wide table one per moment, of a long one one per channel.
        series: the column that says which series a row of a long table belongs to; None for a wide table.
        time: the column that orders the rows of a long table; None takes them as they come.
    """

    target: str = ""
    values: tuple[str, ...] = ()
    series: str | None = None
    time: str | None = None

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Layout:
        return cls(**{**value, "values": tuple(value["values"])})


def is_ts(source: Any) -> bool:
    """Return whether a source is the path of a .ts file."""
    return isinstance(source, str | os.PathLike) and Path(source).suffix.lower() == ".ts"


def read_collection(source: Any, layout: Layout, channels: int | None = None) -> Collection:
    """Read series from whatever holds them; `channels` tells which axis of an array is theirs, where it is known.

    Raises:
        DataError: columns are missing, or hold no numbers.
    """
    if is_ts(source):
        return read_ts(source)
    if is_stack(source):
        return read_stack(source, channels)
    if isinstance(source, str | os.PathLike | polars.DataFrame | dict):
        if not layout.values:
            raise DataError(
                "the model was trained on .ts files or arrays, and reads nothing else",
                expected="a .ts file",
                received=str(source)[:80] if not isinstance(source, polars.DataFrame) else "a frame",
            )
        frame = read_frame(source, Reading()).frame
        return (_wide if layout.series is None else _long)(frame, layout, str(source) if isinstance(source, str | os.PathLike) else "the frame")  # fmt: skip
    return Collection(as_series(source), None)


def layout_of(
    frame: polars.DataFrame, target: str | None, series: str | None, time: str | None, drop: Sequence[str], origin: str
) -> Layout:  # fmt: skip
    """Find the columns of the values: all numbers but the target and the ids.

    Raises:
        OptionError: no target is named, or `time` without `series`.
        DataError: a column that is not there, holds no numbers, or none is left.
    """
    if target is None:
        raise OptionError(
            "a table of series needs to be told which column holds the labels",
            expected=f"one of {', '.join(frame.columns[:20])}",
            received="no --target",
            fix=f"for example --target {frame.columns[0]}",
        )
    if time is not None and series is None:
        raise OptionError(
            "--time orders the rows of one series, and a wide table has a series per row",
            received=f"--time {time}",
            fix="add --series COLUMN for a long table; or leave out --time",
        )
    for name in (target, series, time, *drop):
        if name is not None and name not in frame.columns:
            raise unknown(f"column in {origin}:", name, frame.columns, error=DataError)
    others = [each for each in frame.columns if each not in {target, series, time, *drop}]
    odd = [each for each in others if not _holds_numbers(frame.get_column(each))]
    if odd:
        value = text(frame.get_column(odd[0]), ()).drop_nulls()
        raise DataError(
            f"the column '{odd[0]}' of {origin} holds no numbers, and a series is made of numbers",
            expected="numbers in every column but the target",
            received=repr(value[0]) if value.len() else "gaps alone",
            fix=f"leave it out: --set drop={','.join(odd[:5])}"
            + ("" if series else "; or --series COLUMN for a row per moment"),
        )
    least = 1 if series else 2
    if len(others) < least:
        raise DataError(
            f"{origin} has too few columns of values",
            expected=f"{least} or more beside the target",
            received=", ".join(others) or "none",
            fix="a row per moment needs --series COLUMN, the series that it belongs to",
        )
    return Layout(target, tuple(others), series, time)


def _holds_numbers(column: polars.Series) -> bool:
    if column.dtype != polars.String:
        return column.dtype.is_numeric()
    known = text(column, ()).drop_nulls()
    return bool(known.len()) and style_of(known) is not None


def _matrix(frame: polars.DataFrame, layout: Layout, origin: str) -> numpy.ndarray:
    """The columns of the values as `(rows, columns)` float64, NaN for gaps."""
    absent = [each for each in layout.values if each not in frame.columns]
    if absent:
        raise DataError(
            f"{origin} has not the columns of the training series",
            expected=f"{len(layout.values)} columns, {layout.values[0]} to {layout.values[-1]}",
            received=f"without {', '.join(absent[:5])}" + (", ..." if len(absent) > 5 else ""),
        )
    parts = []
    for name in layout.values:
        column = frame.get_column(name)
        known = text(column, ()).drop_nulls()
        style = style_of(known) if column.dtype == polars.String and known.len() else "plain"
        if style is None:
            odd = known.filter(numbers(known).is_null())
            raise DataError(
                f"the column '{name}' of {origin} holds a value that is no number",
                expected="numbers, or nothing for a gap",
                received=repr(odd[0]) if odd.len() else repr(known[0]),
            )
        parts.append(finite(numbers(column, style), f"the column '{name}'"))
    return numpy.stack(parts, axis=1)


def _labels(frame: polars.DataFrame, layout: Layout) -> list[str] | None:
    if layout.target not in frame.columns:
        return None
    return [each or "" for each in text(frame.get_column(layout.target), ()).to_list()]


def _wide(frame: polars.DataFrame, layout: Layout, origin: str) -> Collection:
    """A row per series; gaps at its end are its end, since rows of a table have one length."""
    matrix = _matrix(frame, layout, origin)
    values = []
    for place, row in enumerate(matrix):
        known = numpy.flatnonzero(~numpy.isnan(row))
        if not len(known):
            raise DataError(
                f"row {place + 1} of {origin} holds no value",
                expected="a series of numbers",
                received="gaps alone",
                fix="remove the row",
            )
        values.append(row[: known[-1] + 1, None])
    return Collection(values, _labels(frame, layout))


def _long(frame: polars.DataFrame, layout: Layout, origin: str) -> Collection:
    """A row per moment: rows of one series together, in the order of the time."""
    for name in (layout.series, layout.time):
        if name is not None and name not in frame.columns:
            raise unknown(f"column in {origin}:", name, frame.columns, error=DataError)
    matrix, labels = _matrix(frame, layout, origin), _labels(frame, layout)
    owners = text(frame.get_column(str(layout.series)), ())
    if owners.null_count():
        raise DataError(
            f"{owners.null_count()} rows of {origin} belong to no series",
            expected=f"a value of '{layout.series}' in every row",
            received="gaps",
            fix="fill them in, or remove these rows",
        )
    moments = times(frame.get_column(layout.time)) if layout.time is not None else numpy.arange(frame.height)
    names = owners.unique(maintain_order=True).to_list()
    codes = owners.replace_strict(dict(zip(names, range(len(names)), strict=True)), return_dtype=polars.Int64)
    order = numpy.lexsort((moments, codes.to_numpy()))
    bounds = numpy.searchsorted(codes.to_numpy()[order], numpy.arange(len(names) + 1))
    values, found = [], []
    for place, name in enumerate(names):
        rows = order[bounds[place] : bounds[place + 1]]
        _require_moments(moments[rows], name, layout, origin)
        values.append(matrix[rows])
        if labels is not None:
            found.append(_one({labels[row] for row in rows}, name, layout, origin))
    return Collection(values, None if labels is None else found)


def _require_moments(moments: numpy.ndarray, name: str, layout: Layout, origin: str) -> None:
    if layout.time is not None and (numpy.diff(moments) == 0).any():
        raise DataError(
            f"the series '{name}' of {origin} has two rows of one time",
            expected=f"different values of '{layout.time}' within a series",
            received=f"{int((numpy.diff(moments) == 0).sum())} twice",
            fix="remove the duplicates, or average them",
        )


def _one(labels: set[str], name: str, layout: Layout, origin: str) -> str:
    if len(labels) > 1:
        raise DataError(
            f"the series '{name}' of {origin} has more than one target",
            expected=f"one value of '{layout.target}' in all its rows",
            received=", ".join(sorted(labels)[:5]),
            fix="a target per moment is a forecast; here each series has one",
        )
    return labels.pop()
