"""Parquet files by row groups: what their footers say, and one group read at a time."""

from __future__ import annotations

import dataclasses
import functools
import glob
import hashlib
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars

from neurarium.core.errors import DataError
from neurarium.core.files import natural

MAGIC = b"PAR1"
ENDINGS = (".parquet", ".pq")
DEPTH = 64  # a footer nested deeper is no footer


@dataclasses.dataclass(frozen=True)
class RowGroup:
    """One row group.

    Args:
        path: its file.
        offset: its first row in that file.
        first: its first row in the whole table.
        rows: how many rows it has.
        bytes: their size in memory: without compression, and 8 bytes per value at least.
    """

    path: Path
    offset: int
    first: int
    rows: int
    bytes: int


class ParquetTable:
    """A table of one or several Parquet files, read by row groups.

    Args:
        paths: the files, in the order of their rows.

    Raises:
        DataError: a file is no Parquet file, is damaged, or has other columns than the first.
    """

    def __init__(self, paths: Sequence[Path]):
        self.paths = [Path(each) for each in paths]
        self.groups: list[RowGroup] = []
        self.schema = _schema(self.paths[0])
        first = 0
        for path in self.paths:
            offset = 0
            for rows, size in row_groups(path):
                size = max(size, 8 * rows * len(self.schema))  # it may be packed by a dictionary
                self.groups.append(RowGroup(path, offset, first, rows, size))
                offset, first = offset + rows, first + rows
        self.rows = first
        for path in self.paths[1:]:
            _require_same(self.schema, _schema(path), path, self.paths[0])

    @property
    def origin(self) -> str:
        """How messages call it."""
        more = f" and {len(self.paths) - 1} more files" if len(self.paths) > 1 else ""
        return f"{self.paths[0]}{more}"

    @property
    def bytes(self) -> int:
        """What its rows need in memory."""
        return sum(each.bytes for each in self.groups)

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of the sizes and the footers of all files: another one when the data is another."""
        digest = hashlib.sha256()
        for path in self.paths:
            digest.update(struct.pack("<q", path.stat().st_size) + _footer(path))
        return digest.hexdigest()

    def read(self, group: RowGroup, columns: Sequence[str] | None = None) -> polars.DataFrame:
        """Read one row group.

        Raises:
            DataError: the file is damaged, or has changed since.
        """
        scan = polars.scan_parquet(group.path, glob=False)
        scan = scan if columns is None else scan.select(columns)
        try:
            frame = scan.slice(group.offset, group.rows).collect()
        except (polars.exceptions.PolarsError, OSError) as error:
            raise _damaged(group.path, str(error)) from error
        if frame.height != group.rows:
            raise _damaged(group.path, f"{frame.height} rows where its footer says {group.rows}")
        return frame


def parquet_parts(source: Any) -> list[Path] | None:
    """Return the Parquet files that a path, a folder or a pattern names, by name; None where it is none of these.

    >>> parquet_parts("no such folder/*.csv") is None
    True
    """
    if not isinstance(source, str | os.PathLike):
        return None
    path = Path(source).expanduser()
    if path.is_dir():
        found = sorted((each for each in path.iterdir() if each.suffix.lower() in ENDINGS), key=natural)
        return found or None
    if path.is_file():
        with path.open("rb") as stream:
            return [path] if stream.read(4) == MAGIC else None
    found = sorted(map(Path, glob.glob(str(path))), key=natural) if glob.has_magic(str(path)) else []
    return found if found and all(each.suffix.lower() in ENDINGS for each in found) else None


def row_groups(path: Path) -> list[tuple[int, int]]:
    """Return (rows, bytes without compression) of each row group of a file, from its footer alone.

    Raises:
        DataError: no Parquet file, or a damaged one.
    """
    footer = _footer(path)
    try:
        fields = _Compact(footer).structure()
        groups = [(int(each[3]), int(each[2])) for each in fields.get(4, [])]
        total = int(fields[3])
    except (IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise _damaged(path, "its footer cannot be read") from error
    if any(rows < 0 or size < 0 for rows, size in groups) or sum(rows for rows, _ in groups) != total:
        raise _damaged(path, "its footer contradicts itself")
    return [each for each in groups if each[0]]


def _footer(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(4)
            stream.seek(max(size - 8, 0))
            tail = stream.read(8)
            length = struct.unpack("<I", tail[:4])[0] if len(tail) == 8 else 0
            if head != MAGIC or tail[4:] != MAGIC or not 0 < length <= size - 12:
                raise _damaged(path, "it does not begin and end as a Parquet file does")
            stream.seek(size - 8 - length)
            return stream.read(length)
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error


def _schema(path: Path) -> dict[str, Any]:
    try:
        return dict(polars.read_parquet_schema(path))
    except (polars.exceptions.PolarsError, OSError) as error:
        raise _damaged(path, str(error)) from error


def _require_same(wanted: dict[str, Any], found: dict[str, Any], path: Path, first: Path) -> None:
    if found == wanted:
        return
    names = [name for name in {**wanted, **found} if wanted.get(name) != found.get(name)]
    name = names[0] if names else next(iter(found))
    raise DataError(
        f"the Parquet file {path} has other columns than {first.name}",
        expected=f"'{name}': {wanted.get(name, 'no such column')}"
        if names
        else f"the order {list(wanted)[:8]}",
        received=f"'{name}': {found.get(name, 'no such column')}" if names else f"{list(found)[:8]}",
        fix="write the parts with one schema, or name the files that belong together",
    )


def _damaged(path: Path, why: str) -> DataError:
    return DataError(f"the Parquet file {path} is damaged: {why}", fix="copy or write it again")


class _Compact:
    """Reads Thrift's compact protocol, in which Parquet writes its footers: fields by number, no names."""

    def __init__(self, data: bytes):
        self.data, self.place = data, 0

    def structure(self, depth: int = 0) -> dict[int, Any]:
        """Return the fields of a structure by their numbers."""
        if depth > DEPTH:
            raise ValueError("nested too deeply")
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != 0:
            step = head >> 4
            number = number + step if step else self._signed()
            fields[number] = self._value(head & 15, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2):
            return kind == 1
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._signed()
        if kind == 7:
            return self._bytes(8)
        if kind == 8:
            return self._bytes(self._varint())
        if kind in (9, 10):
            return list(self._items(depth + 1))
        if kind == 12:
            return self.structure(depth + 1)
        raise ValueError(f"type {kind}")

    def _items(self, depth: int) -> Iterator[Any]:
        if depth > DEPTH:
            raise ValueError("nested too deeply")
        head = self._byte()
        count, kind = head >> 4, head & 15
        count = self._varint() if count == 15 else count
        if count > len(self.data) - self.place:  # each item takes a byte at least
            raise ValueError("a list longer than the footer")
        for _ in range(count):
            yield self._byte() == 1 if kind in (1, 2) else self._value(kind, depth)

    def _signed(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a number of more than 64 bits")

    def _byte(self) -> int:
        byte = self.data[self.place]
        self.place += 1
        return byte

    def _bytes(self, count: int) -> bytes:
        if count > len(self.data) - self.place:
            raise ValueError("text longer than the footer")
        self.place += count
        return self.data[self.place - count : self.place]
