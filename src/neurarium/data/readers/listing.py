"""Listings: a table that names files (images, recordings) and what is to be predicted of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import polars

from neurarium.core.errors import DataError, OptionError, unknown
from neurarium.data.readers.delimited import Reading
from neurarium.data.readers.folders import Folder, inspected
from neurarium.data.readers.frames import read_frame
from neurarium.data.readers.pictures import SUFFIXES, files
from neurarium.data.readers.values import MISSING

TABLES = (".csv", ".tsv", ".txt", ".parquet", ".gz")


class Listed(NamedTuple):
    """The kind of files that a table names: how they are called, their endings, and what looks at them."""

    called: str
    suffixes: frozenset[str]
    inspect: Callable[[Sequence[Path], Path], Folder]


IMAGES = Listed("images", SUFFIXES, inspected)


def read_listing(
    source: Path,
    column: str,
    targets: Sequence[str],
    folder: Path | None,
    *,
    known: bool = True,
    kind: Listed = IMAGES,
) -> Folder:
    """Read a table of paths and targets.

    Args:
        source: the table (CSV, TSV, gzip of these, Parquet).
        column: the one that names the files, relative to `folder`; the suffix may be missing.
        targets: the columns to predict.
        folder: where the files are; by default the table's own.
        known: whether the targets have to be there.
        kind: of the files.

    Raises:
        DataError: no such file or column, or most of the files are not there.
    """
    frame = read_frame(source, Reading(missing=MISSING)).frame
    for name in (column, *(targets if known else ())):
        if name not in frame.columns:
            raise unknown(f"column in {source}:", name, frame.columns, error=DataError)
    if column in targets:
        raise OptionError(f"the column of the {kind.called} cannot be predicted", received=column)
    base = Path(folder) if folder is not None else source.parent
    if not base.is_dir():
        raise DataError(
            f"there is no folder {base}", fix=f"give the folder of the {kind.called} with --folder"
        )
    names = frame.get_column(column).cast(polars.String).str.strip_chars().to_list()
    paths = _resolved(names, base, kind)
    absent = [str(name) for name, path in zip(names, paths, strict=True) if path is None]
    if 2 * len(absent) > len(names):
        raise _absent(source, column, absent, names, base, kind)
    rows = {path: row for row, path in enumerate(paths) if path is not None}
    found = kind.inspect(list(rows), base)
    found.quarantined += [{"file": name, "reason": "there is no such file"} for name in absent]
    if not found.paths:
        raise DataError(
            f"no file that {source} names is {'an image' if kind is IMAGES else 'a recording'}",
            received="; ".join(f"{each['file']}: {each['reason']}" for each in found.quarantined[:3]),
        )
    kept = [each for each in targets if each in frame.columns]
    found.frame = frame.select(kept)[[rows[path] for path in found.paths]] if kept else None
    return found


def _resolved(names: Sequence[str | None], base: Path, kind: Listed) -> list[Path | None]:
    """Return the file of each name; where no name is a file, names without their suffix are tried."""
    paths = [base / os.path.expanduser(name) if name else None for name in names]
    there = [path if path is not None and path.is_file() else None for path in paths]
    if any(there) or not any(paths):
        return there
    stems = {
        path.relative_to(base).with_suffix("").as_posix(): path
        for path in files(base)
        if path.suffix.lower() in kind.suffixes
    }
    return [stems.get(name) if name else None for name in names]


def _absent(
    source: Path, column: str, absent: Sequence[str], names: Sequence[str | None], base: Path, kind: Listed
) -> DataError:
    named = next((Path(name) for name in names if name), Path("?"))
    tail = f"/{named.as_posix()}"
    there = (each.as_posix() for each in files(base))
    better = next((each.removesuffix(tail) for each in there if each.endswith(tail)), None)
    return DataError(
        f"{len(absent):,} of the {len(names):,} {kind.called} that {source} names in '{column}' are not in {base}",
        expected="paths relative to the table's folder, or to --folder",
        received=", ".join(absent[:3]) + (", ..." if len(absent) > 3 else ""),
        fix=f"--folder {better}" if better else f"give the folder of the {kind.called} with --folder",
    )
