"""Correlation: columns that say what another says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy
import polars

from neurarium.studies.inspection.columns import identifiers
from neurarium.studies.inspection.finding import Finding, drop
from neurarium.studies.inspection.sampling import codes, sample
from neurarium.studies.inspection.tables import Table

STRONG = 0.98
MOST_COLUMNS = 300  # more columns than these are not compared


def findings(table: Table, most: int) -> Iterator[Finding]:
    """Yield pairs of columns that are equal, that stand for one another value by value, or that go together strongly."""
    frame = sample(table, "train", most).frame
    named = identifiers(table)
    columns = [each for each in frame.get_columns() if each.name not in named and each.n_unique() > 1]
    columns = columns[:MOST_COLUMNS]
    coded = {each.name: numpy.unique(codes(each), return_inverse=True)[1] for each in columns}
    sizes = {name: int(values.max()) + 1 for name, values in coded.items()}
    ranked = _ranked(columns)
    for place, first in enumerate(columns):
        for second in columns[place + 1 :]:
            found = _pair(first, second, coded, sizes, ranked)
            if found is not None:
                yield found


def _pair(
    first: polars.Series,
    second: polars.Series,
    coded: dict[str, numpy.ndarray],
    sizes: dict[str, int],
    ranked: dict[str, numpy.ndarray],
) -> Finding | None:
    a, b = first.name, second.name
    subject = f"columns {a}, {b}"
    if sizes[a] == sizes[b] and first.null_count() == second.null_count():
        if first.dtype == second.dtype and first.equals(second, null_equal=True):
            return Finding(
                "warning", "equal columns", subject, f"equal in all {first.len():,} rows looked at",
                "one of them is enough; both together count twice", drop(b), {"rows": first.len()},
            )  # fmt: skip
        pairs = len(numpy.unique(coded[a] * (sizes[a] + 1) + coded[b]))
        if pairs == sizes[a] and 2 < pairs < 0.5 * first.len():
            return Finding(
                "note", "same information", subject,
                f"each of the {pairs:,} values of one stands for one value of the other",
                "one of them is enough", drop(b), {"values": pairs},
            )  # fmt: skip
    if a in ranked and b in ranked:
        together = float(ranked[a] @ ranked[b])
        if abs(together) >= STRONG:
            return Finding(
                "note", "correlation", subject, f"rank correlation {together:.4f}",
                "weights and importances are shared between them by chance",
                f"{drop(b)} if you want to read importances", {"correlation": round(together, 4)},
            )  # fmt: skip
    return None


def _ranked(columns: list[polars.Series]) -> dict[str, numpy.ndarray]:
    """Return the centered ranks of the columns of numbers, of length one; the middle stands for a missing value."""
    found = {}
    for each in columns:
        if each.dtype == polars.String or each.n_unique() < 3:
            continue
        ranks = each.rank().fill_null(strategy="mean").to_numpy().astype(numpy.float64)
        ranks = ranks - ranks.mean()
        found[each.name] = ranks / numpy.sqrt((ranks**2).sum())
    return found
