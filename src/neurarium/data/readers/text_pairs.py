"""Pairs of texts as they lie in files: lines, columns, and which file is the other side of another."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars

from neurarium.core.errors import DataError
from neurarium.data.readers.delimited import Reading
from neurarium.data.readers.encodings import require_file, to_utf8
from neurarium.data.readers.frames import TABLES, read_frame
from neurarium.data.readers.unpacking import read_packed

PACKED = (".gz", ".bz2", ".xz", ".zst")


def is_table(source: Any) -> bool:
    """Return whether a source of texts is a table, not a text file with a text per line.

    >>> is_table("pairs.csv.gz"), is_table("train.de"), is_table({"de": []})
    (True, False, True)
    """
    if not isinstance(source, str | os.PathLike):
        return True
    endings = [each.lower() for each in Path(source).suffixes]
    if endings and endings[-1] in PACKED:
        endings.pop()
    return bool(endings) and endings[-1] in TABLES


def read_lines(path: Path, encoding: str | None = None) -> list[str]:
    """Return the lines of a text file, packed or not; only line feeds end lines.

    Raises:
        DataError: no such file, or it is no text.
    """
    require_file(path)
    content = to_utf8(read_packed(path), path, encoding)[0].decode()
    lines = content.split("\n")
    return [each.removesuffix("\r").strip() for each in (lines[:-1] if lines[-1] == "" else lines)]


def pair_frame(
    source: Any, columns: tuple[str, ...] | None = None, encoding: str | None = None
) -> tuple[polars.DataFrame, str]:
    """Read a table of texts; nothing but an empty cell is a missing text. Return it and how it is called."""
    more = {} if encoding is None else {"encoding": encoding}
    read = read_frame(source, Reading(columns=columns, missing=("",), **more))  # type: ignore[arg-type]
    return read.frame, read.origin


def texts_of(frame: polars.DataFrame, column: str) -> list[str]:
    """Return a column as texts; a missing one is empty."""
    values = frame.get_column(column).cast(polars.String).to_list()
    return ["" if each is None else " ".join(each.split()) for each in values]


def partner(source: Path, parallel: Path, other: Path) -> Path:
    """Return the other side of a file, by the rule that leads from `source` to `parallel`.

    Where both lie in one folder their names differ in a part (`.de` and `.en`), which is exchanged; where they lie in two
    folders, the file of the same name in the other folder is taken.

    Raises:
        DataError: there is no such file.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> (root / "val.en").touch()
    >>> partner(root / "train.de", root / "train.en", root / "val.de").name
    'val.en'
    """
    tried = []
    if source.name != parallel.name:
        own, others = middles(source.name, parallel.name)
        if other.name.endswith(own):
            tried.append(other.with_name(other.name[: len(other.name) - len(own)] + others))
    tried.append(parallel.parent / other.name)
    for each in tried:
        if each.is_file() and each.resolve() != other.resolve():
            return each
    raise DataError(
        f"the other side of {other} is not there",
        expected=" or ".join(map(str, dict.fromkeys(each for each in tried if each != other)))
        or f"a name like {source.name}",
        received="no such file",
        fix=f"name it as {parallel.name} is to {source.name}",
    )


def middles(first: str, second: str) -> tuple[str, str]:
    """Return from where on two names differ, back to the last point, stroke or line before.

    >>> middles("train.de.gz", "train.en.gz"), middles("corpus_en.txt", "corpus_es.txt")
    (('.de.gz', '.en.gz'), ('_en.txt', '_es.txt'))
    """
    same = next(
        (n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
        min(len(first), len(second)),
    )
    start = max((first.rfind(mark, 0, same) for mark in "._-"), default=-1)
    start = max(start, 0)
    return first[start:], second[start:]
