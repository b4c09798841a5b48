"""Rereading: the same source with other splits, so that the preparation is fitted anew on other training rows."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from neurarium.core.errors import OptionError, RefusalError
from neurarium.data.dataset import Dataset


class Rereading:
    """How a dataset was read.

    Args:
        reader: the function that read it; it takes `split` as the rows of each split.
        source, options: what it was called with.
    """

    def __init__(self, reader: Callable[..., Dataset], source: tuple[Any, ...], options: Mapping[str, Any]):
        self.reader, self.source, self.options = reader, source, dict(options)

    def __call__(self, split: Mapping[str, Sequence[int]]) -> Dataset:
        """Read again with the given rows of each split; the preparation sees the training rows alone.

        Raises:
            RefusalError: the source has splits of its own, which cannot be changed.
        """
        rows = {name: [int(row) for row in part] for name, part in split.items()}
        options = {name: value for name, value in self.options.items() if name != "test"}
        dataset = self.reader(*self.source, **{**options, "split": rows, "validation": 0.0})
        found = {name: len(part) for name, part in dataset.splits.items()}
        if found != {name: len(part) for name, part in rows.items() if part}:
            raise RefusalError(
                f"{dataset.name} has splits of its own, and cannot be cut in other ways",
                expected={name: len(part) for name, part in rows.items()},
                received=found,
            )
        return dataset

    def separate(self, split: str) -> bool:
        """Return whether a split came from a source of its own."""
        given = self.options.get(split)
        return given is not None and not isinstance(given, int | float)

    def column(self, name: str) -> Any:
        """Return a raw column of a table as a polars series, one value per row of the source.

        Raises:
            OptionError: the source is no table, or has no such column.
        """
        from neurarium.data.readers.delimited import Reading
        from neurarium.data.readers.frames import read_frame
        from neurarium.data.readers.values import MISSING

        given = {
            key: self.options[key]
            for key in ("separator", "quote", "encoding", "skip", "broken")
            if key in self.options
        }
        columns = self.options.get("columns")
        named = columns.split(",") if isinstance(columns, str) else columns
        named = None if named is None else tuple(str(each).strip() for each in named)
        missing = tuple(self.options.get("missing") or MISSING)
        if self.reader.__name__ != "table":
            raise OptionError("only tables have columns", received=name, fix="give one value per row instead")
        source = self.source[0] if self.source else self.options["source"]
        frame = read_frame(source, Reading(columns=named, missing=missing, **given)).frame
        if name not in frame.columns:
            raise OptionError(
                f"there is no column '{name}'", expected=", ".join(frame.columns[:40]), received=name
            )
        return frame.get_column(name)


def rereadable(reader: Callable[..., Dataset]) -> Callable[..., Dataset]:
    """Decorate a reader: its datasets remember how they were read, in `dataset.rereading`."""

    @functools.wraps(reader)
    def read(*source: Any, **options: Any) -> Dataset:
        dataset = reader(*source, **options)
        if not dataset.summary.get("streamed"):  # its rows cannot be listed
            dataset.rereading = Rereading(reader, source, options)
        return dataset

    return read
