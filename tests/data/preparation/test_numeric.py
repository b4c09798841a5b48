import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, rankdata
from sklearn.preprocessing import RobustScaler

from neurarium.data.preparation.numeric import NumericColumn, fit_numeric
from neurarium.studies.prediction.raw_columns import _original


def fit(values, scaling="quantile"):
    return fit_numeric("x", "plain", "", numpy.asarray(values, dtype=float), scaling)


@given(st.lists(st.integers(-20, 20), min_size=2, max_size=200))
@settings(max_examples=60, deadline=None)
def test_scores_are_normal_scores_of_mean_ranks(values):
    column = fit(values)
    if len(set(values)) == 1:
        assert column is None
        return
    expected = norm.ppf((rankdata(values, method="average") - 0.5) / len(values))
    assert column.apply(numpy.asarray(values, dtype=float)) == pytest.approx(expected, abs=1e-9)


def test_a_thousand_knots_are_enough():
    values = numpy.random.default_rng(0).lognormal(size=50_000)
    column = fit(values)
    assert len(column.knots) <= 1000
    expected = norm.ppf((rankdata(values) - 0.5) / len(values))
    middle = abs(expected) < 2.5
    assert abs(column.apply(values) - expected)[middle].max() < 0.02
    assert column.apply(values).std() == pytest.approx(1, abs=0.01)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
@settings(max_examples=60, deadline=None)
def test_order_is_kept(a, b):
    column = fit(numpy.random.default_rng(0).normal(scale=1e5, size=300))
    low, high = column.apply(numpy.array(sorted([a, b])))
    assert low <= high


def test_many_zeros_stay_near_the_middle():
    column = fit([0.0] * 92 + list(range(1, 9)))
    assert column.apply(numpy.array([0.0])) == pytest.approx(norm.ppf(0.46))
    assert column.apply(numpy.array([8.0])) == pytest.approx(norm.ppf(0.995))


def test_gaps_take_the_median_and_an_indicator():
    column = fit([1.0, numpy.nan, 3.0, 100.0])
    assert column.indicator
    assert column.fill == 3.0
    assert column.apply(numpy.array([numpy.nan])) == column.apply(numpy.array([3.0]))


def test_a_constant_with_gaps_keeps_only_its_indicator():
    column = fit([1.0, numpy.nan, 1.0])
    assert (column.value, column.indicator) == (False, True)
    assert fit([1.0, 1.0]) is None
    assert fit([numpy.nan, numpy.nan]) is None
    assert fit_numeric("x", "plain", "", numpy.array([1.0, numpy.nan]), "quantile", indicators=False) is None


def test_standard_scaling_is_mean_and_deviation():
    values = numpy.array([1.0, 2.0, 6.0])
    assert fit(values, "standard").apply(values) == pytest.approx((values - 3) / values.std())
    assert fit(values, "none").apply(values).tolist() == values.tolist()


def test_robust_scaling_is_by_quartiles_and_cut_smoothly():
    values = numpy.random.default_rng(0).standard_t(2, size=501)
    column = fit(values, "robust")
    scaled = RobustScaler().fit_transform(values[:, None])[:, 0]
    numpy.testing.assert_allclose(column.apply(values), scaled / numpy.sqrt(1 + scaled**2 / 9), atol=1e-12)
    assert abs(column.apply(numpy.array([-1e6, 1e6]))).min() > 2.99 and abs(column.apply(values)).max() < 3
    assert column.apply(numpy.array([numpy.nan])) == column.apply(numpy.array([column.fill]))


def test_robust_scaling_of_equal_quartiles_is_by_the_range():
    column = fit([0.0] * 9 + [4.0], "robust")  # half the range is 2
    assert column.apply(numpy.array([0.0, 4.0])) == pytest.approx([0.0, 2 / numpy.sqrt(1 + 4 / 9)])


def test_robust_scaling_is_saved_and_undone():
    values = numpy.random.default_rng(1).normal(50, 20, size=300)
    column = fit(values, "robust")
    again = NumericColumn.from_json(column.to_json(), column.knots, column.scores)
    assert (again.apply(values) == column.apply(values)).all()
    assert _original(column, column.apply(values)) == pytest.approx(values, rel=1e-4)
