"""Text files in folders: what they say, and the class that the folder around each names."""

from __future__ import annotations

import itertools
from pathlib import Path

from neurarium.core.errors import DataError
from neurarium.data.readers.encodings import to_utf8

TEXT, CLASS = "text", "class"
SUFFIX = ".txt"
LOOKED_AT = 50  # files that tell a folder of texts from one of images


def holds_texts(folder: Path) -> bool:
    """Return whether most of the first files in the folders below a folder are texts (`.txt`).

    >>> holds_texts(Path("no such folder"))
    False
    """
    below = (path for path in folder.glob("*/**/*") if path.is_file() and not path.name.startswith("."))
    seen = [path.suffix.lower() == SUFFIX for path in itertools.islice(below, LOOKED_AT)]
    return bool(seen) and 2 * sum(seen) > len(seen)


def read_texts(place: Path, encoding: str | None = None) -> tuple[list[Path], list[str]]:
    """Return the text files of a folder (or the file), in the order of their names, and what they say.

    Raises:
        DataError: there is none, or one is no text.
    """
    paths = (
        [place] if place.is_file() else sorted(each for each in place.rglob(f"*{SUFFIX}") if each.is_file())
    )
    if not paths:
        raise DataError(f"there is no text in {place}", expected="files that end in .txt", received="none")
    return paths, [to_utf8(path.read_bytes(), path, encoding)[0].decode() for path in paths]


def labelled_texts(folder: Path, encoding: str | None) -> list[tuple[str, str]]:
    """Return (text, class) of each file in the folders of the classes."""
    classes = sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    rows = []
    for each in classes:
        if any(each.rglob(f"*{SUFFIX}")):
            rows += [(said, each.name) for said in read_texts(each, encoding)[1]]
    return rows
