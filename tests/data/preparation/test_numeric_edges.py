"""The bins of a numeric column share its training values evenly, whatever stands out among them."""

from __future__ import annotations

import numpy
import pytest

from neurarium.data.preparation.numeric import BINS, fit_numeric


def edges(values, scaling="standard"):
    column = fit_numeric("x", "plain", "", numpy.asarray(values, dtype=float), scaling)
    if scaling == "standard":
        return numpy.array(column.edges) * column.scores[0] + column.knots[0]
    return numpy.array(column.edges)


def test_ninety_percent_zeros_leave_the_bins_to_the_rest():
    chance = numpy.random.default_rng(0)
    values = numpy.concatenate([numpy.zeros(9000), chance.uniform(1, 2, 1000)])
    found = edges(values)
    assert len(found) == BINS + 1
    assert found[0] == pytest.approx(0, abs=1e-5)
    counts, _ = numpy.histogram(values[values > 0], found[1:])
    assert counts.min() >= 1000 / BINS * 0.7 and counts.max() <= 1000 / BINS * 1.3


def test_values_that_do_not_stand_out_give_quantiles():
    values = numpy.random.default_rng(0).normal(size=5001)
    expected = numpy.quantile(values, numpy.linspace(0, 1, BINS + 1))
    numpy.testing.assert_allclose(edges(values), expected, atol=1e-2)


@pytest.mark.parametrize("scaling", ["standard", "quantile"])
def test_few_values_are_all_edges(scaling):
    found = edges([1.0, 1.0, 1.0, 2.0, 7.0, 7.5] * 10, scaling)
    assert len(found) == 4
    assert (numpy.diff(found) > 0).all()
