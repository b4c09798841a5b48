"""Zip archives of tables: what is inside, read into memory; nothing is ever extracted to a place."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from neurarium.core.errors import DataError
from neurarium.core.files import natural
from neurarium.data.readers.unpacking import allowance, cut_off, too_large

SURE = ("csv", "tsv", "tab", "psv", "parquet", "pq", "arrow", "arrows", "feather", "ipc", "jsonl", "ndjson")
PERHAPS = ("txt", "data", "dat", "json")
PACKED = r"(\.(gz|bz2|xz|zst|zip))?$"
OFFICE = {"xl/workbook.xml": "an Excel file", "content.xml": "an OpenDocument sheet"}


def tables_among(names: Sequence[str]) -> list[str]:
    """Return the names that are tables by their ending: surely, or else perhaps (`.txt`, `.data`, `.json`).

    Names that begin with a point or `_`, and those of macOS's shadow files, are none.

    >>> tables_among(["README.txt", "part-1.csv", "part-2.csv.gz", "_SUCCESS", "__MACOSX/._part-1.csv"])
    ['part-1.csv', 'part-2.csv.gz']
    """
    seen = [each for each in names if not any(part[:1] in "._" for part in PurePosixPath(each).parts)]
    for endings in (SURE, PERHAPS):
        pattern = re.compile(rf"\.({'|'.join(endings)}){PACKED}", re.IGNORECASE)
        if found := [each for each in seen if pattern.search(each)]:
            return found
    return []


def members(content: bytes, origin: Any) -> tuple[list[tuple[str, bytes]], list[str]]:
    """Return the tables of a zip archive as (name, bytes), in the order of their names, and the names left out.

    Raises:
        DataError: no archive of tables, encrypted, damaged, with names that point outside, or out of proportion.
    """
    limit = allowance(len(content))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = [each for each in archive.infolist() if not each.is_dir()]
            chosen = _chosen([each.filename for each in found], origin)
            _check([each for each in found if each.filename in chosen], origin)
            if sum(each.file_size for each in found if each.filename in chosen) > limit:
                raise too_large(origin, limit)
            read = [(name, _read(archive, name, limit, origin)) for name in chosen]
    except (zipfile.BadZipFile, EOFError, OSError, zlib.error, ValueError) as error:
        raise cut_off(origin, "zip", error) from error
    except (NotImplementedError, RuntimeError) as error:
        raise DataError(
            f"{origin} is packed in a way that is not read: {error}",
            expected="a zip archive written by deflate, bzip2 or lzma",
            fix="unpack it, and give what is inside",
        ) from error
    if sum(len(each) for _, each in read) > limit:
        raise too_large(origin, limit)
    return read, [each.filename for each in found if each.filename not in chosen]


def _chosen(names: Sequence[str], origin: Any) -> list[str]:
    for mark, what in OFFICE.items():
        if mark in names:
            raise DataError(
                f"{origin} is {what}",
                expected="CSV, TSV, Parquet, Arrow or JSON lines",
                received=what,
                fix="save the sheet as CSV UTF-8, or read it with pandas.read_excel and give the frame to nr.data.table",
            )
    for name in names:
        if name.startswith(("/", "\\")) or re.match(r"^[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
            raise DataError(
                f"the archive {origin} holds a name that points outside of it",
                expected="names below the archive",
                received=name,
                fix="do not trust this archive; pack the tables anew",
            )
    files = [each for each in names if not PurePosixPath(each).name.startswith((".", "_"))]
    chosen = tables_among(names) or (files if len(files) == 1 else [])
    if not chosen:
        raise DataError(
            f"there is no table in the archive {origin}",
            expected="a member that ends in .csv, .tsv, .parquet, .arrow or .jsonl",
            received=", ".join(names[:8]) or "an empty archive",
            fix="unpack it, and give the file that is the table",
        )
    return sorted(chosen, key=natural)


def _check(chosen: Sequence[zipfile.ZipInfo], origin: Any) -> None:
    for each in chosen:
        if each.flag_bits & 1:
            raise DataError(
                f"the archive {origin} is encrypted: {each.filename} needs a password",
                expected="an archive without a password",
                fix="unpack it with its password, and give what is inside",
            )
        if each.filename.lower().endswith(".zip"):
            raise DataError(
                f"the archive {origin} holds another archive, {each.filename}",
                expected="tables",
                fix="unpack the outer one",
            )


def _read(archive: zipfile.ZipFile, name: str, limit: int, origin: Any) -> bytes:
    with archive.open(name) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise too_large(origin, limit)
    return content
