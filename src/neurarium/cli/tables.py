"""Tables that a command writes: whole, in the format of the path's ending; or their beginning, for a person."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurarium.cli.output import escape, table
from neurarium.core.files import write_atomically, writing
from neurarium.report.words import number

if TYPE_CHECKING:
    import polars

SHOWN, PROBABILITIES = 24, 4  # rows, and probabilities of classes, that a terminal shows
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


def preview(frame: polars.DataFrame) -> Any:
    """Return the first rows as a table of a terminal: numbers rounded, files by what tells them apart, of many
    probabilities the highest."""
    import polars

    shown = frame.head(SHOWN)
    known = [name for name in shown.columns if name.startswith("probability_")]
    if len(known) > PROBABILITIES:
        highest = polars.max_horizontal(known).alias("highest probability")
        shown = shown.with_columns(highest).drop(known)
    numeric = [place for place, kind in enumerate(shown.dtypes) if kind.is_float()]
    made = table(*map(escape, shown.columns), right=tuple(numeric))
    columns = [
        [number(each) for each in column] if place in numeric else _texts(column)
        for place, column in enumerate(shown.iter_columns())
    ]
    for row in zip(*columns, strict=True):
        made.add_row(*map(escape, row))
    return made


def _texts(column: polars.Series) -> list[str]:
    texts = ["" if each is None else str(each) for each in column]
    if column.name == "file" and len(texts) > 1:
        folder = os.path.commonpath([os.path.dirname(each) for each in texts]) if all(texts) else ""
        return [os.path.relpath(each, folder) if folder else each for each in texts]
    return texts
