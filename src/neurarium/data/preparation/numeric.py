"""Numeric columns: missing values filled, then moved to a normal distribution, or standardized."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy
import polars

from neurarium.data.preparation.interpolation import PiecewiseLinear
from neurarium.data.readers.lists import list_part, list_parts
from neurarium.data.readers.moments import CLOCK_PARTS, DATE_PARTS, circle, clock_hours, durations
from neurarium.data.readers.values import date_part, dates, finite, numbers

KNOTS = 1000
BINS = 48
Scaling = Literal["quantile", "robust", "standard", "none"]
CUT = 3.0  # what robustly scaled values stay within


@dataclasses.dataclass
class NumericColumn:
    """One numeric part, fitted on training rows.

    The quantile transform gives each value the normal score of its mean rank, z = Phi^-1((rank - 1/2) / n), with
    linear interpolation between at most 1,000 knots; values beyond the training range get the score of its end. Mean
    ranks keep columns of few or tied values (ninety percent zeros) near the middle instead of at the extremes.

    Args:
        source: the column of the table.
        style: how its values are written.
        part: "" for a number, else the part of a date (`weekday`).
        scaling: "quantile"; "robust": r = (x - median) / (upper - lower quartile), or over half the range where the quartiles are
            equal, cut smoothly, z = r / sqrt(1 + (r / 3)^2) (arXiv:2407.04491, section 3); "standard": z = (x - mean) /
            standard deviation; or "none".
        fill: what a missing value becomes: the median.
        value: whether the number itself is an input (a constant with gaps is not).
        indicator: whether `X is missing` is an input.
        knots, scores: float64; for "standard" and "robust" one pair of what is taken away and what is divided by.
        edges: bins of piecewise-linear embeddings, after scaling.
        kind: "time", "duration" or "list" where the column is one; else it holds numbers, or dates where `part` says so.
    """

    source: str
    style: str
    part: str
    scaling: Scaling
    fill: float
    value: bool
    indicator: bool
    knots: numpy.ndarray
    scores: numpy.ndarray
    edges: tuple[float, ...]
    kind: str = ""
    _line: PiecewiseLinear | None = dataclasses.field(default=None, init=False, repr=False, compare=False)

    @property
    def name(self) -> str:
        return f"{self.source} {self.part}".strip()

    def read(self, column: polars.Series, origin: str) -> numpy.ndarray:
        """Return a raw column as float64 with NaN for missing."""
        return read_numbers(column, self.style, self.part, origin, self.kind)

    def apply(self, raw: numpy.ndarray) -> numpy.ndarray:
        """Return prepared values of `(rows,)` raw ones."""
        filled = numpy.where(numpy.isnan(raw), self.fill, raw)
        if self.scaling == "quantile":
            if self._line is None:
                self._line = PiecewiseLinear(self.knots, self.scores)
            return self._line(filled)
        if self.scaling in ("standard", "robust"):
            scaled = (filled - self.knots[0]) / self.scores[0]
            return scaled if self.scaling == "standard" else scaled / numpy.sqrt(1 + (scaled / CUT) ** 2)
        return filled

    def to_json(self) -> dict[str, Any]:
        kept = ("source", "style", "part", "scaling", "fill", "value", "indicator", "edges", "kind")
        return {name: getattr(self, name) for name in kept}

    @classmethod
    def from_json(cls, value: dict[str, Any], knots: numpy.ndarray, scores: numpy.ndarray) -> NumericColumn:
        return cls(**{**value, "edges": tuple(value["edges"])}, knots=knots, scores=scores)


def read_numbers(column: polars.Series, style: str, part: str, origin: str, kind: str = "") -> numpy.ndarray:
    """Return a raw column, or a part of its dates, times or lists, as float64 with NaN for missing."""
    if kind == "time":
        hours = clock_hours(column)
        return finite(hours if part == "hour" else circle(hours, part), origin)
    if kind == "duration":
        return finite(durations(column), origin)
    if kind == "list":
        return finite(list_part(column, style, part), origin)
    if part:
        return finite(date_part(dates(column, style), part), origin)
    return finite(numbers(column, style), origin)


def parts_of(kind: str, style: str, column: polars.Series) -> tuple[str, ...]:
    """Return the parts that training rows of a kind of column become; "" stands for the number itself."""
    if kind == "list":
        return list_parts(column, style)
    return {"date": DATE_PARTS, "time": CLOCK_PARTS}.get(kind, ("",))


def bounded(part: str) -> bool:
    """Return whether a part lies between -1 and 1 by its nature, and needs no scaling."""
    return part.endswith((" sine", " cosine")) or part.startswith("has ")


def fit_numeric(
    source: str,
    style: str,
    part: str,
    raw: numpy.ndarray,
    scaling: Scaling,
    indicators: bool = True,
    kind: str = "",
) -> NumericColumn | None:
    """Fit one numeric part on training values `(rows,)` with NaN for missing; None when there is nothing in it.

    >>> column = fit_numeric("x", "plain", "", numpy.array([0.0, 0.0, 0.0, 5.0]), "quantile")
    >>> column.apply(numpy.array([0.0, 5.0])).round(3).tolist()
    [-0.319, 1.15]
    """
    ordered = numpy.sort(raw)
    ordered = ordered[: numpy.searchsorted(ordered, numpy.inf)]
    indicator = indicators and 0 < len(ordered) < len(raw)
    varies = len(ordered) > 0 and ordered[0] < ordered[-1]
    if not varies and not indicator:
        return None
    fill = float(ordered[(len(ordered) - 1) // 2])
    empty = numpy.zeros(0)
    column = NumericColumn(
        source, style, part, scaling, fill, bool(varies), indicator, empty, empty, (), kind
    )
    if varies:
        column.knots, column.scores = _scaled(ordered, scaling)
        column.edges = _edges(column, ordered)
    return column


def _scaled(ordered: numpy.ndarray, scaling: Scaling) -> tuple[numpy.ndarray, numpy.ndarray]:
    if scaling == "quantile":
        from scipy.special import ndtri  # a fifth of a second, which whatever only predicts need not wait for

        starts = numpy.flatnonzero(numpy.concatenate([[True], ordered[1:] > ordered[:-1]]))
        ends = numpy.concatenate([starts[1:], [len(ordered)]])
        ranks = (starts + ends) / (2 * len(ordered))
        wanted = numpy.searchsorted(ranks, numpy.linspace(ranks[0], ranks[-1], KNOTS))
        chosen = numpy.unique(wanted) if len(starts) > KNOTS else numpy.arange(len(starts))
        return ordered[starts[chosen]], ndtri(ranks[chosen])
    if scaling == "robust":
        lower, middle, upper = numpy.quantile(ordered, (0.25, 0.5, 0.75))
        spread = upper - lower or (ordered[-1] - ordered[0]) / 2
        return numpy.array([middle]), numpy.array([spread])
    if scaling == "standard":
        return numpy.array([ordered.mean()]), numpy.array([ordered.std()])
    return numpy.zeros(0), numpy.zeros(0)


def _edges(column: NumericColumn, ordered: numpy.ndarray) -> tuple[float, ...]:
    """Edges of bins with about equally many training values each, after scaling; every value where there are few.

    A value that would fill a bin alone gets an edge of its own, and the others share the remaining bins: plain
    quantiles of a column with ninety percent zeros leave four bins for the tenth that says something.
    """
    values, counts = numpy.unique(ordered, return_counts=True)
    if len(values) > BINS + 1:
        heavy = numpy.zeros(len(values), dtype=bool)
        while (
            grown := heavy | (counts > counts[~heavy].sum() / (BINS + 1 - heavy.sum()))
        ).sum() > heavy.sum():
            heavy = grown
        light = numpy.repeat(values[~heavy], counts[~heavy])
        positions = numpy.linspace(0, len(light) - 1, BINS + 1 - heavy.sum()).round().astype(numpy.int64)
        values = numpy.union1d(values[heavy], light[positions])
    return tuple(numpy.unique(column.apply(values).astype(numpy.float32)).astype(float).tolist())
