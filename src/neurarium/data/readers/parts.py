"""Parts: several files as one table, by a pattern, a folder or a list; their schemas reconciled, or the odd one named."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars

from neurarium.core.errors import DataError
from neurarium.core.files import natural, sha256
from neurarium.data.dataset import Decision
from neurarium.data.readers.archives import tables_among
from neurarium.data.readers.delimited import Read
from neurarium.data.readers.encodings import missing_path

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
WALKED = 20_000


def is_pattern(source: Any) -> bool:
    """Return whether a source is a pattern of files (`*`, `?`, `[...]`), and no file of that very name.

    >>> is_pattern("parts/*.csv"), is_pattern("adult.csv")
    (True, False)
    """
    return bool(re.search(r"[*?\[]", str(source))) and not Path(source).exists()


def absolute_pattern(pattern: str) -> str:
    """Return a pattern that means the same from any folder."""
    return pattern if os.path.isabs(pattern) else os.path.join(glob.escape(os.getcwd()), pattern)


def holds_tables(folder: Path) -> bool:
    """Return whether a folder holds tables and no pictures (whose labels a table beside them may be)."""
    names = _below(folder)
    return bool(_sure(names)) and not any(name.lower().endswith(PICTURES) for name in names)


def named_after(source: str | os.PathLike) -> str:
    """Return what a table is called after its path: the name without its endings; of a pattern what stays the same.

    >>> named_after("data/adult.csv.xz"), named_after("data/part-*.csv"), named_after("parts/*.csv"), named_after("v1.2")
    ('adult', 'part', 'parts', 'v1')
    """
    path = Path(source)
    name = path.name
    if is_pattern(source):
        stem = re.split(r"[*?\[]", name)[0].strip(" -_.")
        plain = [part for part in path.parent.parts if not re.search(r"[*?\[]", part)]
        return stem or (Path(*plain).name if plain else "") or "table"
    if path.is_dir():
        return path.resolve().name
    name = re.sub(r"\.(gz|bz2|xz|zst|zip)$", "", name, flags=re.IGNORECASE)
    return name.rpartition(".")[0] or name


def files_of(source: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return the files a source stands for: itself, those of a pattern or a folder by name (`part-2` before `part-10`).

    Raises:
        DataError: a pattern that nothing matches, a folder without tables, a path that is not there.
    """
    if not isinstance(source, str | os.PathLike):
        return [path for each in source for path in files_of(each)]
    if is_pattern(source):
        found = [
            each
            for each in glob.glob(os.path.expanduser(str(source)), recursive=True)
            if Path(each).is_file()
        ]
        chosen = [each for each in found if not os.path.basename(each).startswith((".", "_"))]
        if not chosen:
            raise _nothing(str(source))
        return [Path(each) for each in sorted(chosen, key=natural)]
    path = Path(source).expanduser()
    if not path.is_dir():
        return [path]
    chosen = tables_among(_below(path))
    if not chosen:
        raise DataError(
            f"{path} is a folder, and holds no table",
            expected="files that end in .csv, .tsv, .parquet, .arrow, .feather, .jsonl (or these with .gz, .xz ...)",
            received=", ".join(sorted(_below(path))[:6]) or "an empty folder",
        )
    return [path / each for each in sorted(chosen, key=natural)]


def joined(reads: Sequence[Read], source: Any) -> Read:
    """Put tables one below the other.

    Columns go by their names, in the order of the first table. Whole numbers and fractions become fractions; a column
    that holds numbers in one and text in another is an error that names the file.

    Raises:
        DataError: a table lacks a column, has one more, or holds other values in it.
    """
    first = reads[0]
    records = all(each.facts.get("format") == "json" for each in reads)
    names = (
        list(dict.fromkeys(name for each in reads for name in each.frame.columns))
        if records
        else first.frame.columns
    )
    frames = []
    for each in reads:
        _require_names(each, first, names, records)
        lacking = [polars.lit(None).alias(name) for name in names if name not in each.frame.columns]
        frames.append(each.frame.with_columns(lacking).select(names))
        _require_kinds(each, first, frames)
    frame = polars.concat(frames, how="vertical_relaxed")
    origin = source if isinstance(source, str) else str(source)
    reason = "tables with the same columns, one below the other, in the order of their names"
    decision = Decision(
        "several files", f"{len(reads)} tables, {frame.height:,} rows", reason, "name one file"
    )
    facts = {**first.facts, "files": {each.origin: each.frame.height for each in reads}}
    quarantined = [row for each in reads for row in each.facts.get("quarantined", [])]
    facts |= {"quarantined": quarantined} if quarantined else {}
    return Read(frame, origin, first.header, first.suspicious_header, [*first.decisions, decision], facts)


def hash_of(files: Sequence[Path]) -> str:
    """Return the SHA-256 of a file; of several that of their names and hashes."""
    if len(files) == 1:
        return sha256(files[0])
    lines = "".join(f"{each.name} {sha256(each)}\n" for each in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def with_folder_values(frame: polars.DataFrame, path: Path, source: Any) -> polars.DataFrame:
    """Add the columns that folders such as `year=2024` say (as Spark and Hive write them)."""
    if not isinstance(source, str | os.PathLike):
        return frame
    below = path.parent.parts[len(Path(source).parts) :] if Path(source).is_dir() else path.parent.parts
    pairs = [each.partition("=") for each in below if re.fullmatch(r"[A-Za-z_]\w*=[^=]+", each)]
    added = [polars.lit(value).alias(name) for name, _, value in pairs if name not in frame.columns]
    return frame.with_columns(added) if added else frame


def _below(folder: Path) -> list[str]:
    found: list[str] = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if each[:1] not in "._")
        relative = os.path.relpath(place, folder)
        found += [name if relative == "." else f"{relative}/{name}".replace(os.sep, "/") for name in names]
        if len(found) > WALKED:
            break
    return found


def _sure(names: Sequence[str]) -> list[str]:
    found = tables_among(names)
    return [] if all(each.lower().endswith((".txt", ".data", ".dat", ".json")) for each in found) else found


def _nothing(pattern: str) -> DataError:
    place = Path(re.split(r"[*?\[]", pattern)[0])
    place = place if str(pattern)[len(str(place)) :].startswith(os.sep) else place.parent
    if not place.is_dir():
        return missing_path(place)
    names = sorted(each.name for each in place.iterdir())
    return DataError(
        f"no file matches the pattern {pattern}",
        expected=f"files in {place}",
        received=", ".join(names[:8]) + (", ..." if len(names) > 8 else "") or "an empty folder",
        fix="check the pattern; quote it, so that the shell leaves it alone",
    )


def _require_names(read: Read, first: Read, names: Sequence[str], records: bool) -> None:
    lacking = [] if records else [name for name in names if name not in read.frame.columns]
    more = [name for name in read.frame.columns if name not in names]
    if lacking or more:
        odd = (
            f"lacks the column '{lacking[0]}'"
            if lacking
            else f"has a column '{more[0]}' that the first file lacks"
        )
        raise DataError(
            f"{read.origin} {odd}: these files are not parts of one table",
            expected=f"the columns of {first.origin}: {', '.join(names[:20])}",
            received=", ".join(read.frame.columns[:20]),
            fix="leave that file out of the pattern, or give it the same columns",
        )


def _require_kinds(read: Read, first: Read, frames: Sequence[polars.DataFrame]) -> None:
    for name, kind in frames[-1].schema.items():
        known = next(
            (each.schema[name] for each in frames[:-1] if each.schema[name] != polars.Null), polars.Null
        )
        if not _together(kind, known):
            raise DataError(
                f"column '{name}' of {read.origin} holds {_said(kind)}, in {first.origin} {_said(known)}",
                expected="the same kind of values in all files",
                received=f"{kind} beside {known}",
                fix=f"write '{name}' in one way in all files",
            )


def _together(kind: Any, known: Any) -> bool:
    if kind == known or polars.Null in (kind, known) or (kind.is_numeric() and known.is_numeric()):
        return True
    families = (
        (polars.Date, polars.Datetime),
        (polars.String, polars.Categorical, polars.Enum),
        (polars.List, polars.Array),
    )
    return any(kind in family and known in family for family in families)


def _said(kind: Any) -> str:
    words = {"String": "text", "Boolean": "truth values", "Date": "dates"}
    return "numbers" if kind.is_numeric() else words.get(str(kind), str(kind))
