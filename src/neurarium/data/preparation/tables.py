"""Preparation of tables: fitted on training rows, applied to any later table in the original format."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import polars
import torch

from neurarium.core.errors import DataError, nearest, unknown
from neurarium.data.dataset import Decision
from neurarium.data.preparation.categorical import CategoricalColumn, fit_categorical
from neurarium.data.preparation.numeric import (
    NumericColumn,
    Scaling,
    bounded,
    fit_numeric,
    parts_of,
    read_numbers,
)
from neurarium.data.preparation.several_targets import TableTarget
from neurarium.data.preparation.storage import save_preparation
from neurarium.data.preparation.stored_targets import target_from_json
from neurarium.data.readers.columns import Kind
from neurarium.data.readers.delimited import Reading
from neurarium.data.readers.frames import read_frame
from neurarium.data.readers.values import date_formats, numbers, style_of, text
from neurarium.data.specs import Table

KEPT = {"time": "time", "duration": "duration", "list": "list"}  # kinds that their values are read by


@dataclasses.dataclass
class TablePreparation:
    """The preparation of a table.

    Args:
        columns: the source's columns in their order, the target among them (names for files without a header).
        reading: how the source was read.
        numeric, categorical: the fitted columns.
        target: how targets are encoded.
        weights: the column of example weights, or None.
    """

    columns: tuple[str, ...]
    reading: Reading
    numeric: list[NumericColumn]
    categorical: list[CategoricalColumn]
    target: TableTarget
    weights: str | None = None

    @property
    def inputs(self) -> Table:
        """The spec of one prepared row."""
        parts = [(each.name, each.edges) for each in self.numeric if each.value]
        parts += [(f"{each.name} is missing", (0.0, 1.0)) for each in self.numeric if each.indicator]
        return Table(
            numeric=tuple(name for name, _ in parts),
            categorical=tuple(each.source for each in self.categorical),
            cardinalities=tuple(each.cardinality for each in self.categorical),
            edges=tuple(edges for _, edges in parts),
        )

    @property
    def sources(self) -> list[str]:
        """The raw columns that the inputs are made of."""
        numeric, categorical = (
            [each.source for each in self.numeric],
            [each.source for each in self.categorical],
        )
        return list(dict.fromkeys([*numeric, *categorical]))

    def transform(
        self, frame: polars.DataFrame, origin: str
    ) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """Turn rows into `{"numeric": float32, "categorical": int64}` and notes: `unseen` and `unreadable` values, and columns
        that are written `otherwise` than in training: all of whose values are numbers or dates in another style."""
        batch: dict[str, torch.Tensor] = {}
        notes: dict[str, Any] = {}
        if self.numeric:
            batch["numeric"], notes = self._numbers(frame, origin)
        if self.categorical:
            batch["categorical"], unseen = self._codes(frame)
            notes |= {"unseen": unseen} if unseen else {}
        return batch, notes

    def _numbers(self, frame: polars.DataFrame, origin: str) -> tuple[torch.Tensor, dict[str, Any]]:
        values, gaps, unreadable, otherwise = [], [], {}, {}
        for each in self.numeric:
            column = frame.get_column(each.source)
            raw = each.read(column, origin)
            lost = self._unreadable(column, raw)
            if lost and numpy.isnan(raw).all() and (style := self._style(column, each)):
                raw, lost = dataclasses.replace(each, style=style).read(column, origin), 0
                otherwise[each.source] = style
            if each.value:
                values.append(each.apply(raw).astype(numpy.float32))
            if each.indicator:
                gaps.append(numpy.isnan(raw).astype(numpy.float32))
            if lost:
                unreadable[each.source] = lost
        notes: dict[str, Any] = {"unreadable": unreadable} if unreadable else {}
        notes |= {"otherwise": otherwise} if otherwise else {}
        return torch.from_numpy(numpy.stack([*values, *gaps], axis=1)), notes

    def _codes(self, frame: polars.DataFrame) -> tuple[torch.Tensor, dict[str, dict[str, int]]]:
        encoded, unseen = [], {}
        for each in self.categorical:
            codes, strange = each.apply(frame.get_column(each.source), self.reading.missing)
            encoded.append(codes)
            if strange:
                unseen[each.source] = strange
        return torch.from_numpy(numpy.stack(encoded, axis=1)), unseen

    def apply(self, raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Turn a new table (path, frame, array, dict) into (batch, notes).

        The target may be absent, columns may stand in another order, and there may be more of them.

        Args:
            raw: what `nr.data.table` takes as its source, or one row as a dict of values.

        Returns:
            `{"inputs": ..., "targets": ..., "weights": ...}`, the last two where raw has them, and the notes `rows`,
            `raw` (the frame), `unseen`, `unreadable`, `otherwise`, `labels` (matched by rule), `targets` (why there are none).

        Raises:
            DataError: a column is missing, or the source cannot be read.
        """
        read = read_frame(raw, self._reading(), like=self._layouts())
        frame = read.frame
        self.require(frame.columns, read.origin, read.suspicious_header)
        inputs, notes = self.transform(frame, read.origin)
        batch: dict[str, Any] = {"inputs": inputs}
        notes.update(rows=frame.height, raw=frame)
        notes.update(self._targets(frame, batch))
        if self.weights and self.weights in frame.columns:
            batch["weights"] = read_weights(frame, self.weights, read.origin)
        return batch, notes

    def require(self, present: Sequence[str], origin: str, suspicious_header: bool = False) -> None:
        """Raise a `DataError` that names the columns that are not there."""
        lacking = [name for name in self.sources if name not in present]
        if not lacking:
            return
        near = [(name, nearest(name, set(present) - set(self.sources))) for name in lacking]
        hints = [f"'{found}' for '{name}'?" for name, found in near if found]
        if suspicious_header:
            hints = [
                "its first line looks like data: a file without a header needs all columns in the first order"
            ]
        raise DataError(
            f"{origin} lacks {'the column' if len(lacking) == 1 else 'columns'} {', '.join(map(repr, lacking))}",
            expected=f"the columns {', '.join(self.sources[:40])}",
            received=", ".join(list(present)[:40]),
            fix=" ".join(hints) or "give the columns the model was trained on",
        )

    def save(self, folder: Path | str) -> None:
        """Write preparation.json and preparation.safetensors into a folder."""
        save_preparation(folder, "table", self.content(), self.arrays())

    def arrays(self) -> dict[str, numpy.ndarray]:
        """The arrays of the fitted columns."""
        arrays = {f"{number}.knots": each.knots for number, each in enumerate(self.numeric)}
        return arrays | {f"{number}.scores": each.scores for number, each in enumerate(self.numeric)}

    def content(self) -> dict[str, Any]:
        """Everything else, as plain values."""
        return {
            "columns": list(self.columns),
            "reading": self.reading.to_json(),
            "numeric": [each.to_json() for each in self.numeric],
            "categorical": [each.to_json() for each in self.categorical],
            "target": self.target.to_json(),
            "weights": self.weights,
        }

    @classmethod
    def from_saved(cls, content: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]) -> TablePreparation:
        """Rebuild a preparation from its JSON and its arrays."""
        numeric = [
            NumericColumn.from_json(each, arrays[f"{number}.knots"], arrays[f"{number}.scores"])
            for number, each in enumerate(content["numeric"])
        ]
        return cls(
            tuple(content["columns"]),
            Reading.from_json(content["reading"]),
            numeric,
            [CategoricalColumn.from_json(each) for each in content["categorical"]],
            target_from_json(content["target"]),
            content["weights"],
        )

    def _reading(self) -> Reading:
        """As the source was read, but for what a new file may have otherwise."""
        return dataclasses.replace(self.reading, separator=None, quote=None, skip=0)

    def _layouts(self) -> list[Sequence[str]]:
        """The orders of columns that a source without names may have."""
        without = [name for name in self.columns if name not in self.target.columns]
        return [self.columns, without, self.sources]

    def _targets(self, frame: polars.DataFrame, batch: dict[str, Any]) -> dict[str, Any]:
        if any(name not in frame.columns for name in self.target.columns):
            return {"targets": "the column is not there"}
        encoded, matched = self.target.encode(frame)
        bad = ~self.target.known(encoded)
        if bad.any():
            return {"targets": f"{int(bad.sum())} of {frame.height} rows have a missing or unknown target"}
        batch["targets"] = self.target.tensor(encoded)
        return {"labels": matched} if matched else {}

    def _style(self, column: polars.Series, each: NumericColumn) -> str | None:
        """How a column of new rows is written of which no value is written as in training: with other commas, or dates."""
        known = text(column, self.reading.missing).drop_nulls()
        if each.kind or each.style == "truth":
            return None
        return next(iter(date_formats(known)), None) if each.part else style_of(known)

    def _unreadable(self, column: polars.Series, raw: numpy.ndarray) -> int:
        """How many values are there, stand for nothing missing, and yet are no numbers."""
        if column.dtype != polars.String or not numpy.isnan(raw).any():
            return 0
        return int((text(column, self.reading.missing).is_not_null().to_numpy() & numpy.isnan(raw)).sum())


@dataclasses.dataclass
class Fitted:
    """What was fitted, and what was left out and why."""

    numeric: list[NumericColumn] = dataclasses.field(default_factory=list)
    categorical: list[CategoricalColumn] = dataclasses.field(default_factory=list)
    decisions: list[Decision] = dataclasses.field(default_factory=list)


def fit_columns(
    frame: polars.DataFrame,
    train: numpy.ndarray,
    kinds: Sequence[Kind],
    reading: Reading,
    origin: str,
    scaling: Scaling,
    indicators: bool,
) -> Fitted:
    """Fit the columns on training rows; what holds a single value is left out, with a decision that says so.

    Args:
        frame: all rows (infinite numbers are errors anywhere).
        train: those that are fitted on.
        kinds: what each column holds.
    """
    found = Fitted()
    for kind in kinds:
        column, before = frame.get_column(kind.name), len(found.numeric) + len(found.categorical)
        if kind.kind == "categorical":
            category = fit_categorical(column.gather(train), reading.missing)
            found.categorical += [category] if category else []
        elif kind.kind == "hashed":
            category = fit_categorical(column.gather(train), reading.missing, int(kind.style))
            found.categorical += [category] if category else []
        else:
            parts, own = parts_of(kind.kind, kind.style, column.gather(train)), KEPT.get(kind.kind, "")
            for part in parts:
                raw = read_numbers(column, kind.style, part, origin, own)[train]
                how: Scaling = "none" if bounded(part) else scaling
                with_gaps = indicators and part == parts[0]
                number = fit_numeric(kind.name, kind.style, part, raw, how, with_gaps, own)
                found.numeric += [number] if number else []
        if len(found.numeric) + len(found.categorical) == before:
            reason = "it is constant in the training rows"
            found.decisions.append(Decision(f"column {kind.name}", "left out", reason, "another split"))
    return found


def told_scaling(scaling: Scaling) -> list[Decision]:
    """Return what the plan says of a scaling that is not the usual one."""
    if scaling != "robust":
        return []
    reason = "by median and quartiles, and cut smoothly at 3 of their distances (arXiv:2407.04491)"
    return [Decision("scaling", scaling, reason, "--set scaling=quantile")]


def read_weights(frame: polars.DataFrame, name: str, origin: str) -> torch.Tensor:
    """Return a column of example weights as float32.

    Raises:
        DataError: the column is not there; a weight is missing, negative or infinite; all are zero.
    """
    if name not in frame.columns:
        raise unknown(f"column in {origin}:", name, frame.columns, error=DataError)
    weights = numbers(frame.get_column(name)).to_numpy().astype(numpy.float64)
    bad = numpy.flatnonzero(~(numpy.isfinite(weights) & (weights >= 0)))
    if len(bad) or not weights.sum() > 0:
        raise DataError(
            f"the column of weights '{name}' of {origin} holds what is no weight",
            expected="finite numbers, none negative, not all zero",
            received=f"{weights[bad[0]]} in row {bad[0] + 1}" if len(bad) else "zeros only",
            fix="mend these weights, or leave weights= out",
        )
    return torch.from_numpy(weights.astype(numpy.float32))
