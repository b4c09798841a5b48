"""Files: one file, an archive or several parts on the disk as one table; the format is told by the first bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurarium.core.errors import DataError
from neurarium.data.dataset import Decision
from neurarium.data.readers.archives import members
from neurarium.data.readers.columnar import columnar, read_columnar
from neurarium.data.readers.delimited import NoRows, Read, Reading, read_delimited
from neurarium.data.readers.encodings import require_file, to_utf8
from neurarium.data.readers.parts import files_of, hash_of, joined, with_folder_values
from neurarium.data.readers.records import looks_like_records, read_records
from neurarium.data.readers.unpacking import allowance, read_packed, unpack

ZIP = b"PK\x03\x04"


def read_files(source: Any, reading: Reading, like: Sequence[Sequence[str]] = ()) -> Read:
    """Read what a path, a pattern, a folder or a list of paths stands for.

    Delimited text, JSON lines, a JSON array of objects, Parquet, an Arrow file (Feather) or stream; each may be packed by
    gzip, bzip2, xz or zstd, or lie in a zip archive, whose tables count as parts.

    Raises:
        DataError: whatever keeps the files from being one table.
    """
    files = files_of(source)
    reads: list[Read] = []
    empty: list[str] = []
    for path in files:
        require_file(path)
        like_first = [*([reads[0].frame.columns] if reads else []), *like]
        try:
            found = _tables(path, reading, like_first)
        except NoRows:  # tools that write in parallel leave such parts
            if len(files) == 1 or (path == files[-1] and not reads):
                raise
            empty.append(path.name)
            continue
        for read in found:
            if len(files) > 1:
                read.frame = with_folder_values(read.frame, path, source)
            reads.append(read)
    read = reads[0] if len(reads) == 1 else joined(reads, source if len(files) > 1 else files[0])
    if empty:
        read.decisions.append(
            Decision("empty files", ", ".join(empty[:8]), "a header and no rows", "leave them out")
        )
    read.facts["sha256"] = hash_of(files)
    return read


def _tables(path: Path, reading: Reading, like: Sequence[Sequence[str]]) -> list[Read]:
    """The tables of one file: one, or those of an archive."""
    with path.open("rb") as stream:
        magic = stream.read(8)
    if kind := columnar(magic):
        return [_typed(path, kind, str(path))]
    if not magic.startswith(ZIP) and magic[:4] != b"PK\x05\x06":
        return [_table(read_packed(path), str(path), reading, like)]
    packed = path.read_bytes()
    found, others = members(packed, path)
    room = allowance(len(packed))
    reads: list[Read] = []
    for name, content in found:
        columns = [reads[0].frame.columns] if reads else []
        origin = f"{path}:{name}"
        reads.append(_table(unpack(content, origin, room), origin, reading, [*columns, *like]))
    if others:
        reason = "what is no table by its ending"
        reads[0].decisions.append(
            Decision("members left out", ", ".join(others[:5]), reason, "unpack the archive")
        )
    return reads


def _table(content: bytes, origin: str, reading: Reading, like: Sequence[Sequence[str]]) -> Read:
    if kind := columnar(content[:8]):
        return _typed(content, kind, origin)
    if content[257:262] == b"ustar":
        raise DataError(
            f"{origin} is a tar archive",
            expected="a table, or a zip archive of tables",
            fix="unpack it, and give the folder or a pattern of its tables",
        )
    how = looks_like_records(content, origin.rpartition("/")[2])
    if how is None or not content.strip():
        return read_delimited(origin, content, reading, like=like)
    text, encoding = to_utf8(content, origin, reading.encoding)
    if not text.strip():
        raise DataError(f"the file {origin} is empty", expected="records", received=f"{len(content)} bytes")
    frame, quarantined = read_records(text, how, origin, broken=reading.broken)
    facts: dict[str, Any] = {"format": "json", "encoding": encoding}
    facts |= {"quarantined": quarantined} if quarantined else {}
    return Read(frame, origin, facts=facts)


def _typed(source: Path | bytes, kind: str, origin: str) -> Read:
    return Read(read_columnar(source, kind, origin), origin, facts={"format": kind.lower()})
