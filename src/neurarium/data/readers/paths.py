"""Paths: whether what was given names files, and the files that it names."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from neurarium.data.readers.encodings import missing_path


def are_paths(source: Any) -> bool:
    """Return whether a source is a list of paths.

    >>> are_paths(["a.png", Path("b.png")]), are_paths("a.png"), are_paths([])
    (True, False, False)
    """
    several = isinstance(source, list | tuple) and len(source) > 0
    return several and all(isinstance(each, str | os.PathLike) for each in source)


def files_at(source: Any, below: Callable[[Path], Sequence[Path]]) -> list[Path]:
    """Return the files of a path or of several; of folders those that `below` finds.

    Raises:
        DataError: a path that is not there.
    """
    given = [Path(each) for each in source] if are_paths(source) else [Path(source)]
    for path in given:
        if not path.exists():
            raise missing_path(path)
    return [each for path in given for each in (below(path) if path.is_dir() else [path])]
