"""Preparation of series: gaps filled, channels scaled, padded to one length with the lengths kept."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy
import polars
import torch
from torch import Tensor

from neurarium.core.errors import DataError
from neurarium.data.preparation.storage import save_preparation
from neurarium.data.preparation.stored_targets import target_from_json
from neurarium.data.preparation.targets import Labels, Quantities, Target
from neurarium.data.readers.series_layout import Layout, read_collection
from neurarium.data.readers.ts_format import Collection
from neurarium.data.specs import Series

Scaling = Literal["channels", "series", "none"]
SMALLEST = 1e-12  # a deviation below it, relative to the values, is that of a constant


@dataclasses.dataclass
class SeriesPreparation:
    """The preparation of series.

    Args:
        spec: channels, and the length of the longest training series; longer ones are taken as they are.
        mean, scale: of each channel over the training series, `(channels,)`.
        scaling: "channels" takes these, "series" each series' own mean and deviation per channel, "none" nothing.
        target: how targets are encoded.
        layout: how files of such series are read.
    """

    spec: Series
    mean: numpy.ndarray
    scale: numpy.ndarray
    scaling: Scaling
    target: Target
    layout: Layout

    @property
    def inputs(self) -> Series:
        return self.spec

    def transform(self, values: Sequence[numpy.ndarray]) -> dict[str, Tensor]:
        """Return `{"series": (n, longest, channels) float32, "lengths": (n,)}` of raw `(length, channels)` arrays."""
        lengths = torch.tensor([len(each) for each in values], dtype=torch.int64)
        padded = torch.zeros(len(values), max(1, int(lengths.max())), self.spec.channels)
        for place, each in enumerate(values):
            padded[place, : len(each)] = torch.from_numpy(self._scaled(filled(each)).astype(numpy.float32))
        return {"series": padded, "lengths": lengths}

    def _scaled(self, values: numpy.ndarray) -> numpy.ndarray:
        mean, scale = self.mean, self.scale
        if self.scaling == "none":
            mean, scale = numpy.zeros_like(mean), numpy.ones_like(scale)
        if self.scaling == "series":
            known = numpy.where(numpy.isnan(values), 0.0, values)
            mean, scale = known.mean(axis=0), usable(known.std(axis=0), known)
        return numpy.nan_to_num((values - mean) / scale)  # a channel of gaps alone is at its mean

    def encode(self, labels: Sequence[str], origin: str) -> numpy.ndarray:
        """Return encoded targets of labels as text.

        Raises:
            DataError: a label that the training series do not have, or none at all.
        """
        column = self.target.columns[0]
        encoded, _ = self.target.encode(polars.DataFrame({column: list(labels)}))
        bad = numpy.flatnonzero(encoded < 0 if encoded.ndim == 1 else numpy.isnan(encoded).any(axis=1))
        if len(bad):
            known = ", ".join(self.target.names[:20]) if isinstance(self.target, Labels) else "numbers"
            raise DataError(
                f"the target of series {bad[0] + 1} of {origin} is missing, or unknown to the training series",
                expected=known,
                received=repr(labels[int(bad[0])]),
                fix="mend the label, or remove the series",
            )
        return encoded

    def apply(self, raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Turn new series into (batch, notes): a file as that of the training, a frame, arrays `(n, length, channels)`.

        Raises:
            DataError: another number of channels, or what cannot be read.
        """
        collection = read_collection(raw, self.layout, self.spec.channels)
        origin = str(raw) if isinstance(raw, str | os.PathLike) else "the data"
        require_channels(collection, self.spec.channels, origin)
        batch: dict[str, Any] = {"inputs": self.transform(collection.values)}
        if collection.labels is not None:
            with_target = [each for each in collection.labels if each not in ("", "?", None)]
            if len(with_target) == len(collection.values):
                batch["targets"] = self.target.tensor(self.encode(collection.labels, origin))
        notes: dict[str, Any] = {
            "rows": len(collection.values),
            "targets": f"series without labels in {origin}",
        }
        if isinstance(raw, polars.DataFrame):
            notes["raw"] = raw
        return batch, notes

    def save(self, folder: Path | str) -> None:
        """Write preparation.json and preparation.safetensors into a folder."""
        content = {
            "channels": self.spec.channels, "length": self.spec.length, "scaling": self.scaling,
            "target": self.target.to_json(), "layout": self.layout.to_json(),
        }  # fmt: skip
        save_preparation(folder, "series", content, {"mean": self.mean, "scale": self.scale})

    @classmethod
    def from_saved(cls, content: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]) -> SeriesPreparation:
        """Rebuild a preparation from its JSON and its arrays."""
        spec = Series(int(content["channels"]), int(content["length"]))
        target = target_from_json(content["target"])
        layout = Layout.from_json(content["layout"])
        return cls(spec, arrays["mean"], arrays["scale"], content["scaling"], target, layout)


def fit_series(
    collection: Collection, rows: numpy.ndarray, plan: Labels | Quantities, scaling: Scaling, layout: Layout
) -> SeriesPreparation:
    """Fit a preparation on the training series alone.

    Raises:
        DataError: every channel is constant there.
    """
    values = [filled(collection.values[row]) for row in rows]
    together = numpy.concatenate(values)
    mean = numpy.array([column[~numpy.isnan(column)].mean() if (~numpy.isnan(column)).any() else 0.0 for column in together.T])  # fmt: skip
    spread = numpy.array(
        [numpy.nanstd(column) if (~numpy.isnan(column)).any() else 0.0 for column in together.T]
    )
    scale = usable(spread, together)
    if (spread <= SMALLEST * numpy.maximum(1, numpy.abs(mean))).all():
        raise DataError(
            "every training series is one constant, so that nothing tells them apart",
            expected="values that vary",
            received=f"{mean[0]:g} everywhere",
            fix="choose other columns, or another file",
        )
    longest = max(len(each) for each in values)
    return SeriesPreparation(Series(together.shape[1], longest), mean, scale, scaling, plan, layout)


def usable(spread: numpy.ndarray, values: numpy.ndarray) -> numpy.ndarray:
    """Return deviations to divide by: one for a channel that is constant."""
    size = numpy.nan_to_num(numpy.abs(values)).max(axis=0, initial=0.0)
    return numpy.where(spread > SMALLEST * numpy.maximum(1, size), spread, 1.0)


def filled(values: numpy.ndarray) -> numpy.ndarray:
    """Fill gaps by straight lines between their neighbours, the ends by the nearest value.

    A channel without a value stays NaN: it becomes the channel's mean once it is scaled.

    >>> filled(numpy.array([[numpy.nan], [1.0], [numpy.nan], [3.0]]))[:, 0].tolist()
    [1.0, 1.0, 2.0, 3.0]
    """
    gaps = numpy.isnan(values)
    if not gaps.any():
        return values
    found, places = values.copy(), numpy.arange(len(values))
    for channel in numpy.flatnonzero(gaps.any(axis=0)):
        known = ~gaps[:, channel]
        if known.any():
            found[:, channel] = numpy.interp(places, places[known], values[known, channel])
    return found


def require_channels(collection: Collection, channels: int, origin: str) -> None:
    """Raise a `DataError` that names the first series with another number of channels."""
    for place, each in enumerate(collection.values):
        if each.shape[1] != channels:
            raise DataError(
                f"series {place + 1} of {origin} has another number of channels than the training series",
                expected=channels,
                received=each.shape[1],
            )
