"""The idx format of MNIST: a magic number, the shape, the bytes; gzip around it or not."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy

from neurarium.core.errors import DataError
from neurarium.data.readers.encodings import require_file

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

AXES = 16


def read_idx(path: Path | str) -> numpy.ndarray:
    """Read an idx file: two zero bytes, the type, the number of axes, their lengths (big-endian), the values.

    Raises:
        DataError: missing, cut off, longer than it says, or no idx file.
    """
    path = Path(path)
    require_file(path)
    content = _content(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES or content[3] == 0:
        raise DataError(
            f"{path} is no idx file: its magic number is wrong",
            expected="00 00, a type (08 for bytes), the number of axes",
            received=content[:4].hex(" ") or "an empty file",
            fix="check that the file is the one you mean; images and labels are files of their own",
        )
    if content[3] > AXES:
        raise DataError(
            f"{path} is no idx file of images or labels",
            expected=f"at most {AXES} axes",
            received=f"{content[3]} axes",
        )
    kind, start = numpy.dtype(TYPES[content[2]]), 4 + 4 * content[3]
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    expected = start + math.prod(shape) * kind.itemsize
    if len(content) != expected:
        raise DataError(
            f"{path} is {'cut off' if len(content) < expected else 'longer than its header says'}",
            expected=f"{expected:,} bytes for shape {shape}",
            received=f"{len(content):,} bytes",
            fix="download or copy it again",
        )
    return numpy.frombuffer(content, dtype=kind, offset=start).reshape(shape).astype(kind.newbyteorder("="))


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"the compressed file {path} is cut off or damaged ({error})", fix="copy it again"
        ) from error
