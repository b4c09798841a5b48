"""Stacks of series: arrays in memory, npz and npy files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy

from neurarium.core.errors import DataError
from neurarium.data.readers.npz import class_indices, inputs_of, parts, read_npz, whole
from neurarium.data.readers.stacks import as_moments
from neurarium.data.readers.ts_format import Collection


def is_stack(source: Any) -> bool:
    """Return whether a source is the path of an npz or npy file."""
    return isinstance(source, str | os.PathLike) and Path(source).suffix.lower() in (".npz", ".npy")


def stacked_collections(path: Path | str, channels: int | None = None) -> dict[str, Collection]:
    """Read the labeled series of an npz file, by split; its arrays are named as `npz.parts` says.

    Args:
        path: the file.
        channels: how many the series have, where that is known; it tells which axis is theirs.

    Raises:
        DataError: arrays without targets, or of another number of axes; targets that do not fit.
    """
    found = {}
    for key, (held, wanted) in parts(read_npz(path), path).items():
        values = as_series(as_moments(held, channels))
        labels = class_indices(wanted[:, 0] if wanted.ndim == 2 and wanted.shape[1] == 1 else wanted)
        if labels.ndim != 1 or len(labels) != len(values):
            raise DataError(
                f"the targets of {path} do not fit its series",
                expected=f"one for each of {len(values)}",
                received=f"shape {tuple(wanted.shape)}",
                fix="give one class, or one quantity, for each series",
            )
        found[key] = Collection(values, [_said(each) for each in labels.tolist()], not whole(labels))
    return found


def read_stack(path: Path | str, channels: int | None = None) -> Collection:
    """Read the series of an npz or npy file, with their labels where it has them; arguments as above."""
    arrays = read_npz(path)
    try:
        parts(arrays, path)
    except DataError:  # inputs alone, as for prediction
        return Collection(as_series(as_moments(inputs_of(path), channels)), None)
    return stacked_collections(path, channels)["train"]


def as_series(source: Any) -> list[numpy.ndarray]:
    """Return arrays `(n, length)` or `(n, length, channels)`, or series of different lengths, as a list of `(length, channels)`.

    Raises:
        DataError: a series that is none, or no series at all.
    """
    listed = source.detach().cpu().numpy() if hasattr(source, "detach") else source
    found = []
    for place, each in enumerate(listed):
        values = numpy.asarray(each, dtype=numpy.float64)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or not len(values) or numpy.isinf(values).any():
            raise DataError(
                f"series {place + 1} is none",
                expected="finite numbers (length,) or (length, channels), NaN for a gap",
                received=f"shape {values.shape}"
                if values.ndim != 2 or not len(values)
                else "infinite values",
            )
        found.append(values)
    if not found:
        raise DataError("there is no series", expected="one or more", received="none")
    return found


def _said(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
