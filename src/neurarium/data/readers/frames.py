"""Frames: any table people have (a path, a pandas or polars frame, an array, a dict, a list of dicts) as one polars frame."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy
import polars

from neurarium.core.errors import DataError
from neurarium.data.dataset import Decision
from neurarium.data.readers.delimited import Read, Reading, checked_names
from neurarium.data.readers.files import read_files
from neurarium.data.readers.named_columns import from_columns
from neurarium.data.readers.paths import are_paths
from neurarium.data.readers.records import unnested
from neurarium.data.readers.values import AMBIGUOUS, spellings

TABLES = (
    ".csv",
    ".tsv",
    ".jsonl",
    ".ndjson",
    ".json",
    ".parquet",
    ".arrow",
    ".feather",
)  # where texts may stand in a column
DECIMAL_COMMA = r"^[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?$"
DOTTED = r"^[+-]?\d{1,3}(\.\d{3})*$"


def read_frame(source: Any, reading: Reading, *, like: Sequence[Sequence[str]] = ()) -> Read:
    """Read a table from whatever holds it.

    Args:
        source: a path, a pattern of paths, a folder of parts or a list of paths (delimited text, JSON lines, a JSON array,
            Parquet, Arrow, packed or not: see `readers.files`), a pandas or polars frame, an Arrow table, a NumPy array
            `(rows, columns)` or structured, a mapping of columns, a sequence of mappings.
        reading: how text is read; its `columns` name the columns of an array.
        like: lists of names, one of which a source without names takes.

    Raises:
        DataError: what cannot be read as a table; the message says why.
    """
    if isinstance(source, str | os.PathLike) or are_paths(source):
        read = read_files(source, reading, like)
    else:
        frame, header = _from_memory(source, reading, like)
        read = Read(frame, f"the {type(source).__name__}", header)
    read.frame = unnested(read.frame, read.origin)
    if read.frame.width == 0 or read.frame.height == 0:
        raise DataError(f"{read.origin} has no rows", expected="at least one row and one column")
    dotted = _dotted(read.frame)
    if dotted:
        bare = [read.frame.get_column(name).str.replace_all(".", "", literal=True) for name in dotted]
        read.frame = read.frame.with_columns(bare)
        reason = "other columns have decimal commas"
        override = "write these numbers without dots, or all with decimal points"
        read.decisions.append(Decision(f"dots in {', '.join(dotted)}", "between thousands", reason, override))
    read.frame = _clean(read.frame, reading.missing, read.origin)
    return read


def _dotted(frame: polars.DataFrame) -> list[str]:
    """Name the columns whose dots stand between thousands: `11.401` where other columns hold `56,3`.

    >>> _dotted(polars.DataFrame({"a": ["11.401", "900"], "b": ["56,3", "7,25"]}))
    ['a']
    """
    texts = [name for name, kind in frame.schema.items() if kind == polars.String]
    head = frame.head(100)

    def written(pattern: str, mark: str) -> Iterator[str]:
        marked = frame.select(polars.col(texts).str.contains(mark).any()).row(
            0
        )  # one query for thousands of columns
        for name in (name for name, has_any in zip(texts, marked, strict=True) if has_any):
            known = (part.get_column(name).str.strip_chars().drop_nulls() for part in (head, frame))
            if all(part.len() and part.str.contains(pattern).all() for part in known):
                yield name

    if not texts or next(written(DECIMAL_COMMA, r",(\d{1,2}|\d{4,})\s*$"), None) is None:
        return []
    return list(written(DOTTED, r"\."))


def _from_memory(
    source: Any, reading: Reading, like: Sequence[Sequence[str]]
) -> tuple[polars.DataFrame, bool]:
    module = type(source).__module__.partition(".")[0]
    if isinstance(source, polars.LazyFrame):
        source = source.collect()
    if isinstance(source, polars.DataFrame):
        return source.rename(
            dict(zip(source.columns, checked_names(source.columns, "the frame"), strict=True))
        ), True
    if module == "pandas":
        return _from_pandas(source), True
    if module == "pyarrow":
        return polars.DataFrame(polars.from_arrow(source)), True
    if isinstance(source, Mapping):
        return from_columns({str(name): values for name, values in source.items()}), True
    if isinstance(source, Sequence) and source and all(isinstance(row, Mapping) for row in source):
        names = dict.fromkeys(name for row in source for name in row)
        return from_columns({str(name): [row.get(name) for row in source] for name in names}), True
    array = numpy.asarray(source.detach().cpu() if hasattr(source, "detach") else source)
    if array.dtype.names:
        return from_columns({name: array[name] for name in array.dtype.names}), True
    return _from_array(array, [reading.columns, *like] if reading.columns else like), False


def _from_array(array: numpy.ndarray, alternatives: Sequence[Sequence[str]]) -> polars.DataFrame:
    if array.ndim != 2:
        raise DataError(
            "an array is read as a table when it has rows and columns",
            expected="shape (rows, columns)",
            received=f"shape {tuple(array.shape)}",
            fix="reshape it, or give a path, a frame, or a dict of columns",
        )
    width = array.shape[1]
    fitting = [names for names in alternatives if len(names) == width]
    if alternatives and not fitting:
        raise DataError(
            "the array has another number of columns than there are names",
            expected=" or ".join(f"{len(names)} columns" for names in alternatives)
            + f": {', '.join(map(str, alternatives[0][:20]))}",
            received=f"shape {tuple(array.shape)}",
        )
    names = checked_names(fitting[0] if fitting else [f"x{number}" for number in range(width)], "the array")
    return from_columns({name: array[:, number] for number, name in enumerate(names)})


def _from_pandas(source: Any) -> polars.DataFrame:
    """Column by column: `polars.from_pandas` would need pyarrow."""
    source = source.to_frame() if source.ndim == 1 else source
    names = checked_names(list(source.columns), "the frame")
    columns = {}
    for number, name in enumerate(names):
        column = source.iloc[:, number]
        if column.dtype.kind in "iufbM" and isinstance(column.dtype, numpy.dtype):
            columns[name] = column.to_numpy()
        else:
            gaps = column.isna().to_numpy()
            columns[name] = [None if gap else value for value, gap in zip(column.tolist(), gaps, strict=True)]
    return from_columns(columns)


def _clean(frame: polars.DataFrame, missing: Sequence[str], origin: str) -> polars.DataFrame:
    """Make types few (text, numbers, truth values, dates), and what surely stands for missing null."""
    codes = [code for code in map(_number, missing) if code is not None]
    certain = spellings([token for token in missing if token.lower() not in AMBIGUOUS])
    frame = _fractions(frame)
    texts = polars.col(polars.String, polars.Categorical, polars.Enum, polars.Null)
    frame = frame.with_columns(texts.cast(polars.String).str.strip_chars())
    frame = frame.with_columns(
        polars.when(~polars.col(polars.String).is_in(certain)).then(polars.col(polars.String)).name.keep()
    )
    frame = _fractions(frame).with_columns(polars.selectors.float().fill_nan(None))
    columns = [_plain(column, origin) for column in frame.get_columns()]
    return polars.DataFrame([_without_codes(column, codes) if codes else column for column in columns])


def _fractions(frame: polars.DataFrame) -> polars.DataFrame:
    """Turn text into numbers where every value is one and some have a fraction; whole numbers may be codes (`007`)."""
    texts = [name for name, kind in frame.schema.items() if kind == polars.String]
    cast = frame[texts].select(
        polars.all().cast(polars.Float64, strict=False)
    )  # by place: a name may be a pattern
    whole = cast.select((polars.all() == polars.all().round()).all())
    numeric = [
        name
        for name in texts
        if not whole[name][0] and cast[name].null_count() == frame[name].null_count() < frame.height
    ]
    return frame.with_columns([cast.get_column(name) for name in numeric])


def _plain(column: polars.Series, origin: str) -> polars.Series:
    kind = column.dtype
    if kind == polars.Duration:
        return column.dt.total_microseconds().cast(polars.Float64) / 1e6
    if kind == polars.Time:
        return column.dt.to_string("%H:%M:%S")
    if kind == polars.Decimal:
        return column.cast(polars.Float64)
    if kind.is_numeric() or kind in (polars.String, polars.Boolean, polars.Date, polars.Datetime):
        return column
    if kind == polars.Array:
        return _plain(column.arr.to_list(), origin)
    if isinstance(kind, polars.List) and _plain_items(kind.inner):
        return column
    raise DataError(
        f"column '{column.name}' of {origin} does not hold plain values",
        expected="numbers, text, truth values or dates",
        received=str(kind),
        fix=f"spread '{column.name}' over several columns, or take it out of the table",
    )


def _plain_items(kind: Any) -> bool:
    return kind.is_numeric() or kind in (polars.String, polars.Categorical, polars.Boolean, polars.Null)


def _without_codes(column: polars.Series, codes: Sequence[float]) -> polars.Series:
    """Replace numbers that stand for missing (-999) by null."""
    if not column.dtype.is_numeric() and column.dtype != polars.String:
        return column
    return column.set(column.cast(polars.Float64, strict=False).is_in(codes).fill_null(False), None)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value == value else None
