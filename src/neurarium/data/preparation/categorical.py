"""Categorical columns: names become codes; 0 stands for a category unseen in training, a missing one has its own."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy
import polars

from neurarium.data.readers.values import text

RARE_ABOVE = 50  # with more categories than this, those seen once share code 0, which is thereby trained
MOST = 10_000


@dataclasses.dataclass(frozen=True)
class CategoricalColumn:
    """One categorical column, fitted on training rows.

    Args:
        source: the column of the table.
        categories: the names with codes 1, 2, ...
        buckets: how many places names get by a hash instead; 0 for none.
        missing: whether a missing value has a code of its own, the last one (it has when training rows were missing).
    """

    source: str
    categories: tuple[str, ...]
    missing: bool
    buckets: int = 0

    @property
    def cardinality(self) -> int:
        return 1 + (self.buckets or len(self.categories)) + self.missing

    def apply(self, column: polars.Series, tokens: Sequence[str]) -> tuple[numpy.ndarray, dict[str, int]]:
        """Return (codes `(rows,)` int64, unseen names with how often each came)."""
        values = text(column, tokens)
        if self.buckets:
            codes = {name: place_of(name, self.buckets) for name in values.drop_nulls().unique().to_list()}
        else:
            codes = {name: code for code, name in enumerate(self.categories, start=1)}
        gap = self.cardinality - 1 if self.missing else 0
        encoded = values.replace_strict(codes, default=0, return_dtype=polars.Int64).set(
            values.is_null(), gap
        )
        unseen = values.alias("value").filter((encoded == 0) & values.is_not_null())
        counts = unseen.value_counts(sort=True, name="count") if unseen.len() else None
        return encoded.to_numpy(), {} if counts is None else dict(counts.iter_rows())

    def to_json(self) -> dict[str, Any]:
        held = {"source": self.source, "categories": list(self.categories), "missing": self.missing}
        return {**held, "buckets": self.buckets} if self.buckets else held

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> CategoricalColumn:
        return cls(value["source"], tuple(value["categories"]), value["missing"], value.get("buckets", 0))


def place_of(name: str, buckets: int) -> int:
    """Return the place of a name among `1 ... buckets`: the first eight bytes of its BLAKE2b, modulo.

    >>> 1 <= place_of("Vienna", 4096) <= 4096, place_of("Vienna", 4096) == place_of("Vienna", 4096)
    (True, True)
    """
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return 1 + int.from_bytes(digest, "little") % buckets


def fit_categorical(
    column: polars.Series, tokens: Sequence[str], buckets: int = 0
) -> CategoricalColumn | None:
    """Fit a categorical column on its training rows; None when it holds one value only.

    >>> fit_categorical(polars.Series("color", ["red", "?", "blue"]), ("?",))
    CategoricalColumn(source='color', categories=('blue', 'red'), missing=True, buckets=0)
    """
    values = text(column, tokens).alias("value")
    gaps = values.null_count() > 0
    counts = values.drop_nulls().value_counts(name="count")
    if counts.height + gaps < 2:
        return None
    if buckets:
        return CategoricalColumn(column.name, (), gaps, buckets)
    if counts.height > RARE_ABOVE:
        counts = (
            counts.filter(polars.col("count") > 1)
            .sort(["count", "value"], descending=[True, False])
            .head(MOST)
        )
    return CategoricalColumn(column.name, tuple(sorted(counts.get_column("value").to_list())), gaps)
