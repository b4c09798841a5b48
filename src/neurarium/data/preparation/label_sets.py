"""Label sets: several labels per row, in one column (`red;large`, a list) or one 0/1 column per label."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import numpy
import polars
import torch
from torch import Tensor

from neurarium.core.errors import DataError, OptionError
from neurarium.data.readers.values import TRUTH, style_of, text
from neurarium.data.specs import Classes

SEPARATORS = (";", "|", ",")
JSON = "json"  # a list in the notation of JSON: ["red", "large"]
MOST = 1000
SHARE = 0.05  # of the rows hold several labels, where a separator is found out


@dataclasses.dataclass(frozen=True)
class LabelSets:
    """Labels, any number of which a row may have.

    Args:
        columns: one column that holds them all, or one of zeros and ones (yes and no) per label.
        names: the labels, in the order of their columns in `(rows, labels)`.
        separator: what stands between labels in one column, "json" for lists; empty for a column per label.
    """

    columns: tuple[str, ...]
    names: tuple[str, ...]
    separator: str = ""

    @property
    def name(self) -> str:
        """How the target is called."""
        return self.columns[0] if len(self.columns) == 1 else "labels"

    @property
    def spec(self) -> Classes:
        return Classes(self.names, several=True, column=self.name)

    def encode(self, frame: polars.DataFrame) -> tuple[numpy.ndarray, dict[str, str]]:
        """Return (0 and 1 `(rows, labels)`, nothing); a row of -1 is missing, of -2 holds an unknown label."""
        if not self.separator:
            return numpy.stack([_flags(frame.get_column(name)) for name in self.columns], axis=1), {}
        lists = label_lists(frame.get_column(self.columns[0]), self.separator)
        place = {name: number for number, name in enumerate(self.names)}
        encoded = numpy.zeros((frame.height, len(self.names)))
        for row, labels in enumerate(lists.to_list()):
            if labels is None:
                encoded[row] = -1
                continue
            for label in labels:
                if label not in place:
                    encoded[row] = -2
                    break
                encoded[row, place[label]] = 1
        return encoded, {}

    def known(self, encoded: numpy.ndarray) -> numpy.ndarray:
        """Return which rows have a target."""
        return numpy.asarray((encoded >= 0).all(axis=1))

    def fitted(self, values: numpy.ndarray) -> LabelSets:
        return self

    def tensor(self, encoded: numpy.ndarray) -> Tensor:
        return torch.from_numpy(numpy.array(encoded, dtype=numpy.float32))

    def counts(self, encoded: numpy.ndarray) -> dict[str, int]:
        """Return how often each label comes."""
        return dict(zip(self.names, encoded.sum(axis=0).astype(int).tolist(), strict=True))

    def to_json(self) -> dict[str, Any]:
        return {"kind": "label sets", **dataclasses.asdict(self)}


def label_lists(column: polars.Series, separator: str) -> polars.Series:
    """Cut a column into lists of labels; an empty cell is an empty list, unless the whole column is a list type.

    Raises:
        DataError: a cell that is no JSON list where one is expected.

    >>> label_lists(polars.Series(["red; large", "red", None]), ";").to_list()
    [['red', 'large'], ['red'], []]
    """
    if column.dtype == polars.List:
        return column.cast(polars.List(polars.String))
    values = text(column, ())
    if separator == JSON:
        return polars.Series(column.name, _parsed(values), dtype=polars.List(polars.String))
    parts = values.fill_null("").str.split(separator).to_list()
    cleaned = [list(dict.fromkeys(each.strip() for each in row if each.strip())) for row in parts]
    return polars.Series(column.name, cleaned, dtype=polars.List(polars.String))


def separator_of(column: polars.Series) -> str | None:
    """Return what separates labels in a column where a row may have several, or None where each row has one.

    A separator counts where 5 % of the rows hold it, no row names a label twice, and its pieces are fewer than the
    different cells: `red;large`, `red`, `blue;large` have three pieces that combine, while names such as `Smith, John`
    have more pieces than there are names.

    >>> separator_of(polars.Series(["a;b", "a", "b", "a;c", "c", "b;c"])), separator_of(polars.Series(["x, y", "u, v"] * 9))
    (';', None)
    >>> separator_of(polars.Series([f"{n},{tenth}" for n in range(9) for tenth in range(9)])) is None
    True
    """
    if column.dtype == polars.List:
        return JSON
    if column.dtype != polars.String:
        return None
    values = column.drop_nulls()
    if not values.len():
        return None
    if values.str.contains(r"^\s*\[.*\]\s*$").all():
        return JSON
    for separator in SEPARATORS:
        several = values.str.contains(separator, literal=True)
        if several.sum() < max(2, SHARE * values.len()):
            continue
        if separator == "," and style_of(values) is not None:  # 22,9 is a number with a decimal comma
            continue
        cut = values.unique().str.split(separator).to_list()
        rows = [[each.strip() for each in row] for row in cut]
        pieces = {each for row in rows for each in row}
        twice = any(len(set(row)) < len(row) for row in rows)
        if not twice and "" not in pieces and len(pieces) < min(len(rows), MOST):
            return separator
    return None


def sets_in_column(column: polars.Series, separator: str) -> LabelSets:
    """Fit the labels of one column.

    Raises:
        DataError: one label only, or so many that they are no labels.
        OptionError: an empty separator.
    """
    if not separator:
        raise OptionError("the separator of labels is empty", fix="for example labels_separator=';'")
    found = label_lists(column, separator).explode().drop_nulls()
    names = sorted(set(found.to_list()))
    if len(names) < 2 or len(names) > MOST:
        raise DataError(
            f"the target '{column.name}' holds {len(names)} different labels",
            expected=f"2 to {MOST:,} labels, of which a row may have several",
            received=", ".join(names[:6]) or "empty cells only",
            fix="choose another --target, or say what separates the labels with labels_separator=';'",
        )
    return LabelSets((column.name,), tuple(names), separator)


def sets_of_columns(frame: polars.DataFrame, columns: Sequence[str]) -> LabelSets:
    """Fit one column of zeros and ones per label.

    Raises:
        DataError: a column that holds something else, or one value only.
    """
    for name in columns:
        seen = numpy.unique(_flags(frame.get_column(name)))
        if len(seen[seen >= 0]) < 2:
            raise DataError(
                f"the label '{name}' is the same in all rows",
                expected="zeros and ones",
                received=f"{', '.join(f'{each:g}' for each in seen[seen >= 0]) or 'missing values'} only",
                fix=f"leave '{name}' out of --target",
            )
    return LabelSets(tuple(columns), tuple(columns))


def _flags(column: polars.Series) -> numpy.ndarray:
    """Zeros and ones of a column, -1 where missing."""
    known = text(column, ()).str.to_lowercase()
    values = known.replace_strict(
        {**TRUTH, "1.0": 1.0, "0.0": 0.0}, default=None, return_dtype=polars.Float64
    )
    odd = known.filter(values.is_null() & known.is_not_null())
    if odd.len():
        row = int((known == odd[0]).fill_null(False).arg_max() or 0) + 1
        raise DataError(
            f"the label '{column.name}' holds what is neither 0 nor 1, the first in row {row}",
            expected="0 and 1, or true and false, yes and no",
            received=", ".join(repr(each) for each in odd.head(3).to_list()),
            fix="leave out task='labels', or choose columns of zeros and ones",
        )
    return values.fill_null(-1).to_numpy()


def _parsed(values: polars.Series) -> list[list[str] | None]:
    lists: list[list[str] | None] = []
    for row, each in enumerate(values.to_list(), start=1):
        try:
            found = [] if each is None else json.loads(each)
        except ValueError:
            found = None
        if not isinstance(found, list):
            raise DataError(
                f"row {row} of the target '{values.name}' is no list of labels",
                expected='a JSON list, such as ["red", "large"]',
                received=repr(each)[:80],
                fix="mend that cell, or say what separates the labels with labels_separator=';'",
            )
        lists.append(list(dict.fromkeys(str(label) for label in found)))
    return lists
