"""Parquet and Arrow: files that hold columns with types; read whole, damaged ones named."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import polars

from neurarium.core.errors import DataError

PARQUET, ARROW, OLD_FEATHER, STREAM = b"PAR1", b"ARROW1", b"FEA1", b"\xff\xff\xff\xff"


def columnar(magic: bytes) -> str | None:
    """Return which format of columns begins so ("Parquet", "Arrow", "Arrow stream"), or None.

    >>> columnar(b"PAR1...."), columnar(b"a,b\\n1,2\\n")
    ('Parquet', None)
    """
    if magic.startswith(PARQUET):
        return "Parquet"
    if magic.startswith(ARROW) or magic.startswith(OLD_FEATHER):
        return "Arrow"
    return "Arrow stream" if magic.startswith(STREAM) else None


def read_columnar(source: Path | bytes, kind: str, origin: Any) -> polars.DataFrame:
    """Read Parquet, an Arrow file (Feather version 2) or an Arrow stream.

    Raises:
        DataError: damaged, cut off, or Feather version 1.
    """
    read: Any = {
        "Parquet": polars.read_parquet,
        "Arrow": polars.read_ipc,
        "Arrow stream": polars.read_ipc_stream,
    }[kind]
    given = io.BytesIO(source) if isinstance(source, bytes) else source
    head = source[:4] if isinstance(source, bytes) else _head(source)
    if head == OLD_FEATHER:
        raise DataError(
            f"{origin} is a Feather file of version 1, which is no longer read",
            expected="Feather version 2 (an Arrow file), or Parquet",
            fix="pandas.read_feather(old).to_parquet(new)",
        )
    try:
        return read(given)
    except (polars.exceptions.PolarsError, OSError, ValueError) as error:
        said = str(error).splitlines()[0][:160]
        raise DataError(
            f"the {kind} file {origin} is damaged or cut off: {said}", fix="copy or write it again"
        ) from error
    except polars.exceptions.PanicException as error:
        raise DataError(f"the {kind} file {origin} is damaged", fix="copy or write it again") from error


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(4)
