"""Tables that a command writes, in the format of the path's ending."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from neurarium.core.files import write_atomically, writing

if TYPE_CHECKING:
    import polars

FORMATS = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".json")


def write_table(frame: polars.DataFrame, path: Path) -> None:
    """Write a table in the format of the path's ending, whole or not at all.

    Raises:
        UserError: it cannot be written there.
    """
    kind = path.suffix.lower()

    def write(temporary: Path) -> None:
        with writing(path):
            if kind == ".parquet":
                frame.write_parquet(temporary)
            elif kind in (".jsonl", ".ndjson"):
                frame.write_ndjson(temporary)
            elif kind == ".json":
                frame.write_json(temporary)
            else:
                frame.write_csv(temporary, separator="\t" if kind == ".tsv" else ",")

    write_atomically(path, write)
