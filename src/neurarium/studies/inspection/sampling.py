"""Sampling: which rows are looked at where all would take too long. The rows decide, not their order."""

from __future__ import annotations

import dataclasses

import numpy
import polars

from neurarium.studies.inspection.tables import Table


@dataclasses.dataclass
class Sample:
    """Some rows of a split, in an order that does not depend on how they stood.

    Args:
        rows: which rows of the split.
        frame: their input columns, as numbers and text.
        fold: of each row, 0 to 2; equal rows share a fold.
    """

    rows: numpy.ndarray
    frame: polars.DataFrame
    fold: numpy.ndarray


def sample(table: Table, split: str, most: int) -> Sample:
    """Return at most so many rows of a split, chosen by a hash of their values.

    Equal rows are taken together, so that the share of duplicates stays what it is.
    """
    frame = table.plain[split]
    keys = digests(frame)
    order = numpy.argsort(keys, kind="stable")[:most]
    return Sample(order, frame[order], (keys[order] // 7919 % 3).astype(numpy.int64))


def digests(frame: polars.DataFrame) -> numpy.ndarray:
    """Return a number for each row that depends on its values alone."""
    return frame.hash_rows(seed=0).to_numpy()


def codes(column: polars.Series) -> numpy.ndarray:
    """Return the values as whole numbers from 0, missing ones as the last.

    >>> codes(polars.Series(["b", None, "a", "b"])).tolist()
    [1, 2, 0, 1]
    """
    ranks = column.rank("dense").cast(polars.Int64)
    known = ranks.drop_nulls()
    return (ranks.fill_null(int(known.to_numpy().max()) + 1 if known.len() else 1) - 1).to_numpy()
