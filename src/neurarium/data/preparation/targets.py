"""Targets of a table: labels as class codes, quantities standardized; the same rules for training, test and new files."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy
import polars
import torch
from torch import Tensor

from neurarium.core.errors import DataError
from neurarium.data.readers.values import finite, numbers, text
from neurarium.data.specs import Classes, Quantity


@dataclasses.dataclass(frozen=True)
class Labels:
    """A column of labels.

    Args:
        column: its name.
        names: the classes, in the order of their codes.
    """

    column: str
    names: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def spec(self) -> Classes:
        return Classes(self.names, column=self.column)

    def encode(self, frame: polars.DataFrame) -> tuple[numpy.ndarray, dict[str, str]]:
        """Return (class codes, labels that were matched by rule); -1 stands for missing, -2 for an unknown label."""
        values = text(frame.get_column(self.column), ())
        matched = {label: match(label, self.names) for label in values.drop_nulls().unique().to_list()}
        positions = {name: code for code, name in enumerate(self.names)}
        codes = {label: positions[name] if name else -2 for label, name in matched.items()}
        encoded = values.replace_strict(codes, default=-1, return_dtype=polars.Int64).fill_null(-1)
        return encoded.to_numpy(), {a: b for a, b in matched.items() if b and a != b}

    def known(self, encoded: numpy.ndarray) -> numpy.ndarray:
        """Return which rows have a target."""
        return encoded >= 0

    def fitted(self, values: numpy.ndarray) -> Labels:
        return self

    def counts(self, encoded: numpy.ndarray) -> dict[str, int]:
        """Return how often each class comes."""
        counted = numpy.bincount(encoded, minlength=len(self.names)).tolist()
        return dict(zip(self.names, counted, strict=True))

    def tensor(self, encoded: numpy.ndarray) -> Tensor:
        return torch.from_numpy(numpy.array(encoded, dtype=numpy.int64))

    def to_json(self) -> dict[str, Any]:
        return {"kind": "labels", "column": self.column, "names": list(self.names)}


@dataclasses.dataclass(frozen=True)
class Quantities:
    """Columns of quantities.

    Args:
        columns: their names.
        styles: how their numbers are written.
        mean, scale: of the training rows; empty before they are fitted.
    """

    columns: tuple[str, ...]
    styles: tuple[str, ...]
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    @property
    def spec(self) -> Quantity:
        return Quantity(self.columns, self.mean, self.scale)

    def encode(self, frame: polars.DataFrame) -> tuple[numpy.ndarray, dict[str, str]]:
        """Return (float64 values `(rows, columns)` with NaN for missing, nothing)."""
        pairs = zip(self.columns, self.styles, strict=True)
        parts = [finite(numbers(frame.get_column(name), style), "the target") for name, style in pairs]
        return numpy.stack(parts, axis=1), {}

    def known(self, encoded: numpy.ndarray) -> numpy.ndarray:
        """Return which rows have a target."""
        return ~numpy.isnan(encoded).any(axis=1)

    def counts(self, encoded: numpy.ndarray) -> dict[str, int]:
        return {}

    def fitted(self, values: numpy.ndarray) -> Quantities:
        """Return a copy with the mean and scale of training values `(rows, columns)`.

        Raises:
            DataError: a column is constant.
        """
        mean, scale = values.mean(axis=0), values.std(axis=0)
        for name, column, spread in zip(self.columns, values.T, scale, strict=True):
            if column.min() == column.max() or not spread > 0:
                raise DataError(
                    f"the target '{name}' is constant in the training rows",
                    expected="a quantity that varies",
                    received=f"{column[0]:g} in all {len(column)} rows",
                    fix="choose another --target",
                )
        return dataclasses.replace(self, mean=tuple(mean.tolist()), scale=tuple(scale.tolist()))

    def tensor(self, encoded: numpy.ndarray) -> Tensor:
        return self.spec.standardized(torch.from_numpy(numpy.array(encoded)))

    def to_json(self) -> dict[str, Any]:
        return {"kind": "quantities", **dataclasses.asdict(self)}


Target = Labels | Quantities


def match(label: str, names: Sequence[str]) -> str | None:
    """Return the class a label means: the same text; else but for a trailing full stop; else but for case or ".0".

    >>> match("<=50K.", ("<=50K", ">50K")), match("YES", ("no", "yes")), match("maybe", ("no", "yes"))
    ('<=50K', 'yes', None)
    """
    if label in names:
        return label
    for simple in (_bare, lambda name: _bare(name).casefold()):
        found = [name for name in names if simple(name) == simple(label)]
        if len(found) == 1:
            return found[0]
    return None


def _bare(label: str) -> str:
    label = label.strip().rstrip(".").strip()
    return label[:-2] if label.endswith(".0") else label


def label_names(found: Sequence[str]) -> tuple[str, ...]:
    """Return classes in the order of their codes: numbers by size, else by name; "yes" and "yes." are one class.

    >>> label_names(["10", "9"]), label_names(["yes.", "no", "yes"])
    (('9', '10'), ('no', 'yes'))
    """
    bare = {_bare(label) for label in found}
    if len(bare) < len(found):
        found = sorted({min((each for each in found if _bare(each) == one), key=len) for one in bare})
    try:
        return tuple(sorted(found, key=lambda label: (float(label), label)))
    except ValueError:
        return tuple(sorted(found))
