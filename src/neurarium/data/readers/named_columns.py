"""Named columns: lists, arrays and tensors side by side as one frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy
import polars

from neurarium.core.errors import DataError
from neurarium.data.readers.delimited import checked_names


def from_columns(columns: Mapping[str, Any]) -> polars.DataFrame:
    """Return a frame of named columns; one whose values are of several kinds becomes text."""
    names = checked_names(list(columns), "the table")
    series = [_series(name, values) for name, values in zip(names, columns.values(), strict=True)]
    lengths = {each.name: each.len() for each in series}
    if len(set(lengths.values())) > 1:
        raise DataError("the columns have different lengths", expected="equally many rows", received=lengths)
    return polars.DataFrame(series)


def _series(name: str, values: Any) -> polars.Series:
    if isinstance(values, polars.Series):
        return values.alias(name)
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    if isinstance(values, str | bytes | int | float | bool) or values is None:
        values = [values]
    if isinstance(values, numpy.ndarray) and values.ndim != 1:
        raise DataError(
            f"column '{name}' is no column", expected="shape (rows,)", received=f"shape {values.shape}"
        )
    if isinstance(values, numpy.ndarray) and values.dtype.kind == "S":
        values = numpy.char.decode(values, "utf-8", "replace")
    if isinstance(values, numpy.ndarray) and values.dtype.kind in "iufbM":
        values = values.astype(numpy.float32) if values.dtype == numpy.float16 else values
        return polars.Series(name, values)
    listed = [value.item() if isinstance(value, numpy.generic) else value for value in values]
    try:
        return polars.Series(name, listed, strict=True)
    except (TypeError, polars.exceptions.PolarsError, OverflowError):
        return polars.Series(
            name, [None if each is None else str(each) for each in listed], dtype=polars.String
        )
