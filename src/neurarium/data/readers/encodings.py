"""Encodings: the bytes of a text file as UTF-8, or an error that says which encoding works."""

from __future__ import annotations

import os
from pathlib import Path

from neurarium.core.errors import DataError, nearest

MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
FOREIGN = (
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel file",
        "save the sheet as CSV UTF-8, or give nr.data.table the frame of pandas.read_excel",
    ),
    (b"\x89PNG", "an image", "use the folder that holds the images as the source"),
    (b"\xff\xd8\xff", "an image", "use the folder that holds the images as the source"),
    (b"%PDF", "a PDF file", "export the table as CSV"),
    (b"SQLite format 3", "an SQLite data base", "export the table as CSV"),
    (b"\x89HDF", "an HDF5 file", "convert the table to CSV or Parquet"),
)


def require_file(path: Path) -> None:
    """Raise a `DataError` unless the path is a regular file."""
    if path.is_dir():
        raise DataError(
            f"{path} is a folder", expected="a file", received="a folder", fix="name the file inside it"
        )
    if not path.exists():
        raise missing_path(path)
    if not path.is_file():
        raise DataError(f"{path} is no regular file", expected="a file", received="a device, pipe or socket")
    if not os.access(path, os.R_OK):
        raise DataError(
            f"the file {path} may not be read", expected="the right to read it", fix=f"chmod u+r {path}"
        )


def missing_path(path: Path) -> DataError:
    """Make the error for a path that does not exist, with the nearest name beside it."""
    if path.parts and path.parts[0].lower() in ("http:", "https:", "ftp:", "s3:"):
        address = f"{path.parts[0]}//{'/'.join(path.parts[1:])}"  # a path holds one slash of two
        return DataError(f"{address} is an address, not a file", expected="a file", fix="download it first")
    parent = path.parent
    if not parent.is_dir():
        return DataError(f"there is no file {path}: its folder {parent} does not exist", fix="check the path")
    near = nearest(path.name, [each.name for each in sorted(parent.iterdir())[:10_000]])
    return DataError(
        f"there is no file {path}", fix=f"did you mean '{parent / near}'?" if near else "check the path"
    )


def to_utf8(content: bytes, path: Path | str, encoding: str | None = None) -> tuple[bytes, str]:
    """Return (UTF-8 bytes without byte order mark, the encoding they had).

    A byte order mark decides; else the encoding given; else UTF-8.

    Raises:
        DataError: not text, NUL bytes, or bytes that the encoding does not allow; the message names the line, and an
            encoding that works.
    """
    for mark, name in MARKS:
        if content.startswith(mark):
            body = content[len(mark) :]
            return _without_nul(body if name == "utf-8" else _decode(body, name, path), path), name
    if encoding and encoding.lower().replace("_", "-") not in ("utf-8", "utf8", "ascii"):
        return _without_nul(_decode(content, encoding, path), path), encoding
    for magic, what, fix in FOREIGN:
        if content.startswith(magic):
            raise DataError(
                f"{path} is {what}", expected="text: CSV or TSV, or Parquet", received=what, fix=fix
            )
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(content, error, path) from error
    return _without_nul(content, path), "utf-8"


def _decode(content: bytes, encoding: str, path: Path | str) -> bytes:
    try:
        return content.decode(encoding).removeprefix("\ufeff").encode()
    except LookupError as error:
        raise DataError(
            f"there is no encoding '{encoding}'", expected="for example utf-8, latin-1, cp1252, utf-16"
        ) from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} is not {encoding}: {error.reason} at line {line}",
            received=f"byte 0x{content[error.start]:02x}",
        ) from error


def _not_utf8(content: bytes, error: UnicodeDecodeError, path: Path | str) -> DataError:
    works = "latin-1"
    wide = _wide(content)
    for candidate in (wide,) if wide else ("cp1252", "latin-1"):
        try:
            content.decode(candidate)
        except UnicodeDecodeError:
            continue
        works = candidate
        break
    line = content.count(b"\n", 0, error.start) + 1
    return DataError(
        f"{path} is not UTF-8: line {line} holds a byte that UTF-8 does not allow there",
        expected="UTF-8 text",
        received=f"byte 0x{content[error.start]:02x}",
        fix=f"encoding='{works}' reads this file; give it if the letters come out right",
    )


def _wide(content: bytes) -> str | None:
    """Name the UTF-16 that bytes without a byte order mark look like: of most letters one half is zero."""
    if content.count(b"\0") <= len(content) / 5:
        return None
    return "utf-16-be" if content[::2].count(0) > content[1::2].count(0) else "utf-16-le"


def _without_nul(content: bytes, path: Path | str) -> bytes:
    position = content.find(b"\0")
    if position < 0:
        return content
    line, found = content.count(b"\n", 0, position) + 1, content.count(b"\0")
    wide = _wide(content)
    fix = f"it looks like UTF-16 without a byte order mark: encoding='{wide}'" if wide else None
    raise DataError(
        f"{path} holds NUL bytes, the first in line {line}",
        expected="text",
        received=f"{found} NUL bytes",
        fix=fix or "the file is damaged or binary: export it again",
    )
