"""Texts to go on with: of a file, a folder, or a column of a table, as a list of texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neurarium.core.errors import DataError, OptionError
from neurarium.data.readers.delimited import Reading
from neurarium.data.readers.frames import TABLES, read_frame
from neurarium.data.readers.text_folders import read_texts


def raw_texts(raw: Any, column: str | None = None) -> list[str]:
    """Return texts in whatever form they come: a path, a list, a frame or dict of one column, a text.

    Raises:
        DataError: a table with several columns of which none is called `text`.
    """
    if isinstance(raw, Path):
        return texts_at(raw, column if raw.suffix.lower() in TABLES else None, None)
    if isinstance(raw, str):
        return [raw]
    if isinstance(raw, dict) or hasattr(raw, "columns"):
        columns = list(raw) if isinstance(raw, dict) else list(raw.columns)
        column = column if column in columns else columns[0] if len(columns) == 1 else "text"
        if column not in columns:
            raise DataError(
                "it is not clear which column holds the texts", expected="a column 'text', or no other",
                received=", ".join(map(str, columns)), fix="rename it, or leave the others out",
            )  # fmt: skip
        return [str(each or "") for each in raw[column]]
    return [str(each) for each in raw]


def texts_at(source: Path, column: str | None, encoding: str | None) -> list[str]:
    """Read the texts of a file, folder or table; empty ones are left out."""
    if source.suffix.lower() in TABLES and source.is_file():
        found = _column(source, column, encoding)
    else:
        if column is not None:
            raise OptionError(
                "--text names a column of a table", received=str(source), fix="leave out --text"
            )
        found = read_texts(source, encoding)[1]
    found = [each for each in found if each]
    if not found:
        raise DataError(f"{source} holds no text", expected="a text with words in it", received="nothing")
    return found


def _column(source: Path, column: str | None, encoding: str | None) -> list[str]:
    frame = read_frame(source, Reading(encoding=encoding)).frame
    names: tuple[str, ...] = (column,) if column else ()
    if not names:
        names = ("text",) if "text" in frame.columns else tuple(frame.columns[:1]) if frame.width == 1 else ()
    if len(names) != 1 or names[0] not in frame.columns:
        raise OptionError(
            "a table needs to be told which column holds the texts",
            expected=f"one of {', '.join(frame.columns[:40])}",
            received=", ".join(names) or "no --text",
            fix=f"for example --text {frame.columns[0]}",
        )
    return [str(each) for each in frame.get_column(names[0]) if each is not None]
