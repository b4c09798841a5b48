"""Linear interpolation between knots by a table of cells instead of a search for each value, to the same bits."""

from __future__ import annotations

import numpy

FRACTION = 8  # bits of the mantissa that tell cells apart: 256 cells between a distance and its double
FEW = 16_384  # values below which the table of cells does not pay


class PiecewiseLinear:
    """The function through given points: `y(x) = y_j + (x - x_j) (y_(j+1) - y_j) / (x_(j+1) - x_j)`, `x_j <= x < x_(j+1)`.

    Beyond the knots it keeps the value of the nearest. A value's cell is read off the leading bits of its distance from
    the middle knot (sign, exponent, part of the mantissa): cells are narrow where knots of quantiles lie close, whatever
    the tails. A table gives the last knot before each cell; what lies beyond the next knot moves on, one knot at a time.
    The result equals `numpy.interp` bit for bit.

    Args:
        knots: `(knots,)` float64, rising.
        values: `(knots,)` float64.

    >>> line = PiecewiseLinear(numpy.array([0.0, 1.0, 3.0]), numpy.array([0.0, 2.0, 2.5]))
    >>> line(numpy.array([-1.0, 0.5, 2.0, 9.0])).tolist()
    [0.0, 1.0, 2.25, 2.5]
    """

    def __init__(self, knots: numpy.ndarray, values: numpy.ndarray):
        self.knots, self.values = knots, values
        self._table: tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray, int] | None = None

    def __call__(self, x: numpy.ndarray) -> numpy.ndarray:
        """Return the values at `(rows,)` float64, none of them missing."""
        if len(x) < FEW or len(self.knots) < 2:
            return numpy.interp(x, self.knots, self.values)
        if self._table is None:
            self._table = self._cells()
        before, following, slopes, first = self._table
        knot = before.take(self._cell(x) - first, mode="clip").astype(numpy.intp)
        late = numpy.flatnonzero(following.take(knot) <= x)
        while len(late):
            knot[late] += 1
            late = late[following.take(knot[late]) <= x[late]]
        result = x - self.knots.take(knot)
        result *= slopes.take(knot)
        result += self.values.take(knot)
        result[x < self.knots[0]] = self.values[0]
        result[x >= self.knots[-1]] = self.values[-1]
        return result

    def _cell(self, x: numpy.ndarray) -> numpy.ndarray:
        """The number of the cell of each value, rising with the value."""
        with numpy.errstate(over="ignore"):
            bits = (x - self.knots[len(self.knots) // 2]).astype(numpy.float32).view(numpy.int32)
        return (bits ^ ((bits >> 31) & 0x7FFFFFFF)) >> (23 - FRACTION)

    def _cells(self) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray, int]:
        """The last knot before each cell, the knot after each knot, the slope after it, and the first cell."""
        cells = self._cell(self.knots)
        numbers = numpy.arange(int(cells[0]), int(cells[-1]) + 1)
        before = numpy.maximum(numpy.searchsorted(cells, numbers) - 1, 0)
        slopes = numpy.append(numpy.diff(self.values) / numpy.diff(self.knots), 0.0)
        kind = numpy.min_scalar_type(len(cells))
        return before.astype(kind), numpy.append(self.knots[1:], numpy.inf), slopes, int(cells[0])
