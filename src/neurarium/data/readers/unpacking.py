"""Unpacking: gzip, bzip2, xz and zstd, in memory, up to a limit that no honest table reaches."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from pathlib import Path
from typing import Any

import polars

from neurarium.core.errors import DataError

FREE = 256 << 20  # so much may come out of any file, however small
RATIO = 200  # and so many times its size out of a larger one; text packs to a tenth, tables of zeros to a fiftieth
MOST = 16 << 30
MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


def allowance(packed: int) -> int:
    """Return how many bytes may come out of a packed file: 256 MiB, or 200 times its size, at most 16 GiB.

    >>> allowance(1000) == 256 << 20, allowance(10 << 20) == 2000 << 20
    (True, True)
    """
    return min(max(FREE, RATIO * packed), MOST)


def packing(content: bytes) -> str | None:
    """Return how bytes are packed ("gzip", "bzip2", "xz", "zstd"), or None.

    >>> packing(bz2.compress(b"a,b")), packing(b"a,b")
    ('bzip2', None)
    """
    return next((name for magic, name in MAGIC.items() if content.startswith(magic)), None)


def unpack(content: bytes, origin: Any, limit: int | None = None) -> bytes:
    """Return bytes unpacked; those that are not packed come back as they are.

    Args:
        content: a whole file.
        origin: how messages call it.
        limit: how many bytes may come out; `allowance(len(content))` where None.

    Raises:
        DataError: cut off, damaged, or larger than the limit.

    >>> unpack(lzma.compress(b"a,b"), "x.xz")
    b'a,b'
    """
    limit = allowance(len(content)) if limit is None else limit
    for _ in range(2):  # a .csv.gz inside a .zip is common, more layers are a trick
        kind = packing(content)
        if kind is None:
            return content
        try:
            content = _lines(content, origin, limit) if kind == "zstd" else _blocks(content, kind, limit)
        except (EOFError, OSError, lzma.LZMAError, zlib.error, ValueError) as error:
            raise cut_off(origin, kind, error) from error
        if len(content) > limit:
            raise too_large(origin, limit)
    return content


def too_large(origin: Any, limit: int) -> DataError:
    """Make the error for a packed file whose content is out of all proportion."""
    return DataError(
        f"{origin} unpacks to more than {limit:,} bytes",
        expected=f"at most {RATIO} times its own size, or {FREE >> 20} MiB",
        received="a file that grows without measure (a bomb, or a damaged one)",
        fix="if it is honest, unpack it yourself and give the unpacked file",
    )


def cut_off(origin: Any, kind: str, error: Any) -> DataError:
    """Make the error for a packed file that ends too early or is damaged."""
    return DataError(
        f"the compressed file {origin} is cut off or damaged ({kind}: {error})", fix="copy it again"
    )


def _decompressor(kind: str) -> Any:
    if kind == "gzip":
        return zlib.decompressobj(wbits=31)
    return bz2.BZ2Decompressor() if kind == "bzip2" else lzma.LZMADecompressor()


def _blocks(content: bytes, kind: str, limit: int) -> bytes:
    """One member after the other, as their tools write them when files are joined."""
    parts, total = [], 0
    while content:
        machine = _decompressor(kind)
        parts.append(machine.decompress(content, limit - total + 1))
        total += len(parts[-1])
        if total > limit:
            break
        if not machine.eof:
            raise EOFError("the end is missing")
        content = machine.unused_data.lstrip(b"\0")  # padding
        if parts and content and packing(content) != kind:
            break  # tools leave trailing garbage alone
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _lines(content: bytes, origin: Any, limit: int) -> bytes:
    """zstd by the reader of polars, which knows it for text."""
    declared = _declared(content)
    if declared is not None and declared > limit:
        raise too_large(origin, limit)
    try:
        lines = polars.read_lines(io.BytesIO(content)).to_series()
    except polars.exceptions.PolarsError as error:
        raise ValueError(f"{str(error).splitlines()[0]}; only UTF-8 text is read from zstd") from error
    return ("\n".join(lines.to_list()) + "\n").encode()


def _declared(content: bytes) -> int | None:
    """The size of the content that a zstd frame declares (RFC 8878, section 3.1.1.1), or None."""
    if len(content) < 18:
        return None
    head = content[4]
    flag, single = head >> 6, head >> 5 & 1
    width = {0: 1 if single else 0, 1: 2, 2: 4, 3: 8}[flag]
    start = 5 + (0 if single else 1) + (0, 1, 2, 4)[head & 3]
    return int.from_bytes(content[start : start + width], "little") + 256 * (width == 2) if width else None


def read_packed(path: Path) -> bytes:
    """Return the bytes of a file, unpacked.

    Raises:
        DataError: it cannot be read or unpacked.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"the file {path} cannot be read: {error.strerror}", fix="check its permissions"
        ) from error
    return unpack(content, path)
