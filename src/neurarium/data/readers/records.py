"""Records: JSON lines, and JSON arrays of objects, as a frame; nested objects become columns named with dots."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy
import polars

from neurarium.core.errors import DataError
from neurarium.data.readers.delimited import checked_names
from neurarium.data.readers.named_columns import from_columns

LEVELS = 16  # objects within objects; deeper ones are no table


def looks_like_records(content: bytes, name: str) -> str | None:
    """Return "lines" for JSON lines, "array" for one JSON value, or None: by the name, else by how it begins.

    >>> looks_like_records(b'{"a": 1}\\n{"a": 2}\\n', "x"), looks_like_records(b'[{"a": 1}]', "x"), looks_like_records(b"a,b", "x")
    ('lines', 'array', None)
    """
    lowered = name.lower()
    if any(f".{each}" in lowered for each in ("jsonl", "ndjson")):
        return "lines"
    begin = content[:4096].lstrip()
    if begin.startswith(b"["):
        return "array" if ".json" in lowered or begin[1:].lstrip()[:1] in (b"{", b"]") else None
    if begin.startswith(b"{"):
        first, _, rest = content.lstrip().partition(b"\n")
        whole = first.rstrip().endswith(b"}") and (b".json" not in lowered.encode() or rest.strip())
        return "lines" if whole else "array"
    return "array" if ".json" in lowered else None


def read_records(
    content: bytes, how: str, origin: Any, *, broken: str = "refuse"
) -> tuple[polars.DataFrame, list]:
    """Read records.

    The rule for nests: `{"a": {"b": 1}}` is the column `a.b` with 1; a key that a record lacks is missing there; a list of
    plain values stays a list; a list of objects becomes its text.

    Args:
        content: UTF-8.
        how: "lines" or "array".
        origin: how messages call it.
        broken: "refuse" raises for a line that is no object; "quarantine" leaves it out.

    Returns:
        The frame, and the lines left out as `{"file", "row", "reason"}`.

    Raises:
        DataError: a line that is no JSON object, by number; objects nested too deeply; no records.

    >>> read_records(b'{"a": {"b": 1}}\\n{"a": {"b": 2}, "c": "x"}\\n', "lines", "x.jsonl")[0].rows()
    [(1, None), (2, 'x')]
    """
    quarantined: list[dict[str, Any]] = []
    if how == "array":
        return _frame(
            [_flat(each, origin, f"record {n}") for n, each in enumerate(_array(content, origin), 1)], origin
        ), []
    if not _deep(content):
        try:
            frame = polars.read_ndjson(io.BytesIO(content), infer_schema_length=None)
        except (polars.exceptions.PolarsError, polars.exceptions.PanicException, ValueError):
            frame = None
        if frame is not None and not _odd(frame):
            return _ordered(unnested(frame, origin), content, origin), []
    found = list(_lines(content, origin, broken, quarantined))
    return _frame(found, origin), quarantined


def unnested(frame: polars.DataFrame, origin: Any, level: int = 1) -> polars.DataFrame:
    """Spread columns of objects (structs) over columns named with dots, all levels of them.

    >>> unnested(polars.DataFrame({"a": [{"b": 1, "c": {"d": 2}}]}), "x").columns
    ['a.b', 'a.c.d']
    """
    nested = [name for name, kind in frame.schema.items() if kind == polars.Struct]
    if not nested:
        return frame
    if level > LEVELS:
        raise _too_deep(origin, nested[0])
    columns: list[polars.Series] = []
    for column in frame.get_columns():
        if column.dtype == polars.Struct:
            inner = column.struct.unnest()
            columns += [each.alias(f"{column.name}.{each.name}") for each in inner.get_columns()]
        else:
            columns.append(column)
    checked_names([each.name for each in columns], origin)
    return unnested(polars.DataFrame(columns), origin, level + 1)


def _ordered(frame: polars.DataFrame, content: bytes, origin: Any) -> polars.DataFrame:
    """Columns as the first record has them, then the others by name: the fast parser gives them in any order."""
    first = content.lstrip().partition(b"\n")[0]
    names = [each for each in _flat(json.loads(first), origin, "line 1") if each in frame.columns]
    return frame.select([*names, *sorted(set(frame.columns) - set(names))])


def _odd(frame: polars.DataFrame) -> bool:
    """Whether a column came out as what cannot be unnested: lists of objects, wide integers."""
    return any("List(Struct" in str(kind) or "Int128" in str(kind) for kind in frame.schema.values())


def _deep(content: bytes) -> bool:
    """A bound for how deep brackets nest, those in strings counted too: the fast parser may only see shallow ones."""
    data = numpy.frombuffer(content, dtype=numpy.uint8)
    opened = (data == ord("{")) | (data == ord("["))
    closed = (data == ord("}")) | (data == ord("]"))
    depth = numpy.cumsum(opened.astype(numpy.int8) - closed.astype(numpy.int8), dtype=numpy.int64)
    return bool(len(depth) and depth.max() > LEVELS)


def _lines(content: bytes, origin: Any, broken: str, quarantined: list) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            yield _flat(_parsed(line, origin, f"line {number}"), origin, f"line {number}")
        except DataError as error:
            if broken == "refuse":
                raise
            quarantined.append(
                {"file": str(origin), "row": number, "reason": error.received or error.problem}
            )


def _parsed(line: bytes, origin: Any, where: str) -> Any:
    try:
        return json.loads(line)
    except RecursionError as error:
        raise _too_deep(origin, where) from error
    except ValueError as error:
        shown = line[:80].decode("utf-8", errors="replace")
        raise DataError(
            f"{where} of {origin} is no JSON",
            expected='one object per line, such as {"age": 39, "job": "clerk"}',
            received=f"{error}: {shown}",
            fix="mend that line, or leave such lines out with broken='quarantine'",
        ) from error


def _array(content: bytes, origin: Any) -> list[Any]:
    try:
        value = json.loads(content)
    except RecursionError as error:
        raise _too_deep(origin, "the file") from error
    except ValueError as error:
        raise DataError(
            f"{origin} is no JSON: {error}",
            expected="an array of objects, or one object per line",
            fix="write it again",
        ) from error
    value = _unwrapped(value)
    if isinstance(value, Mapping) and value and all(isinstance(each, list) for each in value.values()):
        lengths = {name: len(each) for name, each in value.items()}
        if len(set(lengths.values())) == 1:
            names = list(value)
            return [dict(zip(names, row, strict=True)) for row in zip(*value.values(), strict=True)]
    if not isinstance(value, list) or not value:
        raise DataError(
            f"{origin} holds no records",
            expected="an array of objects: [{...}, {...}]; one object per line; or an object of columns of one length",
            received="an empty array" if value == [] else f"one {_kind(value)}",
        )
    return value


def _unwrapped(value: Any) -> Any:
    """Take the records out of what programs put around them: `{"data": [{...}]}`, and the columns by row of pandas."""
    if not isinstance(value, Mapping) or not value:
        return value
    lists = [
        each for each in value.values() if isinstance(each, list) and each and isinstance(each[0], Mapping)
    ]
    others = [each for each in value.values() if isinstance(each, list)]
    if len(lists) == 1 == len(others):
        return lists[0]
    columns = list(value.values())
    if (
        all(isinstance(each, Mapping) and each.keys() == columns[0].keys() for each in columns)
        and "0" in columns[0]
    ):
        return [{name: column[row] for name, column in value.items()} for row in columns[0]]
    return value


def _flat(record: Any, origin: Any, where: str) -> dict[str, Any]:
    """One record with dots for nests."""
    if not isinstance(record, Mapping):
        raise DataError(
            f"{where} of {origin} is no object",
            expected='an object with names, such as {"age": 39}',
            received=f"{_kind(record)}: {str(record)[:60]}",
        )
    flat: dict[str, Any] = {}

    def add(prefix: str, value: Any, level: int) -> None:
        if isinstance(value, Mapping):
            if level > LEVELS:
                raise _too_deep(origin, where)
            for name, each in value.items():
                add(f"{prefix}.{name}" if prefix else str(name), each, level + 1)
        elif isinstance(value, list) and any(isinstance(each, list | Mapping) for each in value):
            flat[prefix] = json.dumps(value)
        else:
            flat[prefix] = value

    add("", record, 1)
    return flat


def _frame(rows: list[dict[str, Any]], origin: Any) -> polars.DataFrame:
    names = [*rows[0], *sorted({name for row in rows for name in row} - set(rows[0]))] if rows else []
    if not rows or not names:
        raise DataError(f"{origin} holds no records", expected="at least one object with a name in it")
    return from_columns({name: [row.get(name) for row in rows] for name in names})


def _kind(value: Any) -> str:
    kinds = {
        dict: "object",
        list: "array",
        str: "string",
        bool: "truth value",
        int: "number",
        float: "number",
    }
    return "null" if value is None else kinds.get(type(value), type(value).__name__)


def _too_deep(origin: Any, where: str) -> DataError:
    return DataError(
        f"{where} of {origin} nests objects more than {LEVELS} deep",
        expected="records of plain values, or of few levels",
        fix="flatten it first",
    )
