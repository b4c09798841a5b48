"""Interpolation between knots: the bits of `numpy.interp`, whatever the distribution."""

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.data.preparation import interpolation
from neurarium.data.preparation.interpolation import PiecewiseLinear

DRAWN = {
    "normal": lambda chance, rows: chance.standard_normal(rows),
    "log-normal": lambda chance, rows: numpy.exp(3 * chance.standard_normal(rows)),
    "Cauchy": lambda chance, rows: chance.standard_cauchy(rows),
    "far from zero": lambda chance, rows: 1e9 + chance.random(rows),
    "whole numbers": lambda chance, rows: chance.integers(-50, 5000, rows).astype(float),
    "two heaps": lambda chance, rows: chance.standard_normal(rows) + 100.0 * chance.integers(0, 2, rows),
    "beyond single precision": lambda chance, rows: 1e300 * chance.standard_normal(rows),
}


@pytest.mark.parametrize("name", DRAWN)
def test_interpolation_gives_numpys_bits(name):
    chance = numpy.random.default_rng(0)
    knots = numpy.unique(DRAWN[name](chance, 1000))
    values = numpy.sort(chance.standard_normal(len(knots)))
    x = numpy.concatenate([DRAWN[name](chance, 30_000), knots, -knots, [0.0, -0.0]])
    assert (PiecewiseLinear(knots, values)(x) == numpy.interp(x, knots, values)).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.floats(-1e12, 1e12, allow_nan=False, allow_subnormal=False), min_size=2, max_size=40, unique=True
    ),
    st.integers(0, 99),
)
def test_interpolation_of_any_knots(knots, seed):
    knots = numpy.sort(numpy.array(knots))
    if (numpy.diff(knots) < 1e-9).any():
        return
    chance = numpy.random.default_rng(seed)
    values = numpy.sort(chance.standard_normal(len(knots)))
    x = numpy.concatenate([knots, (knots[1:] + knots[:-1]) / 2, numpy.nextafter(knots, -numpy.inf)])
    x = numpy.resize(x, interpolation.FEW)
    assert (PiecewiseLinear(knots, values)(x) == numpy.interp(x, knots, values)).all()


def test_few_values_and_one_knot():
    assert (
        PiecewiseLinear(numpy.array([2.0]), numpy.array([5.0]))(numpy.zeros(20_000)).tolist()
        == [5.0] * 20_000
    )
    assert (
        PiecewiseLinear(numpy.array([0.0, 2.0]), numpy.array([0.0, 1.0]))(numpy.ones(3)).tolist() == [0.5] * 3
    )
