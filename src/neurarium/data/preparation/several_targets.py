"""Several targets: columns of classes, of labels and of quantities that are predicted together, each by its own rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy
import polars
from torch import Tensor

from neurarium.data.preparation.label_sets import LabelSets
from neurarium.data.preparation.targets import Labels, Quantities
from neurarium.data.specs import Targets

Part = Labels | LabelSets | Quantities


@dataclasses.dataclass(frozen=True)
class SeveralTargets:
    """Targets side by side.

    Args:
        parts: one per target column.
    """

    parts: tuple[Part, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.columns)

    @property
    def spec(self) -> Targets:
        return Targets(tuple(part.spec for part in self.parts))

    def encode(self, frame: polars.DataFrame) -> tuple[numpy.ndarray, dict[str, str]]:
        """Return (the parts' values side by side, float64, class codes among them; labels matched by rule)."""
        found = [part.encode(frame) for part in self.parts]
        matched = {label: name for _, each in found for label, name in each.items()}
        return numpy.concatenate(
            [each.reshape(frame.height, -1).astype(float) for each, _ in found], axis=1
        ), matched

    def known(self, encoded: numpy.ndarray) -> numpy.ndarray:
        """Return which rows have all their targets."""
        masks = [part.known(values) for part, values in self.pieces(encoded)]
        return numpy.logical_and.reduce(masks)

    def fitted(self, values: numpy.ndarray) -> SeveralTargets:
        """Return a copy with the mean and scale of the quantities' training values."""
        return SeveralTargets(tuple(part.fitted(each) for part, each in self.pieces(values)))

    def tensor(self, encoded: numpy.ndarray) -> dict[str, Tensor]:
        """Return one tensor per target, by its name."""
        return {
            name: part.tensor(values)
            for name, (part, values) in zip(self.spec.names, self.pieces(encoded), strict=True)
        }

    def counts(self, encoded: numpy.ndarray) -> dict[str, int]:
        """Return how often each class of each target comes."""
        return {
            f"{name}: {label}": count
            for name, (part, values) in zip(self.spec.names, self.pieces(encoded), strict=True)
            for label, count in part.counts(values).items()
        }

    def pieces(self, encoded: numpy.ndarray) -> Iterator[tuple[Part, numpy.ndarray]]:
        """Yield each part with its values, in the form of its own `encode`."""
        start = 0
        for part in self.parts:
            width = len(part.names) if isinstance(part, LabelSets) else 1
            values = encoded[:, start : start + width]
            yield part, values[:, 0].astype(numpy.int64) if isinstance(part, Labels) else values
            start += width

    def to_json(self) -> dict[str, Any]:
        return {"kind": "several", "parts": [part.to_json() for part in self.parts]}


TableTarget = Part | SeveralTargets
