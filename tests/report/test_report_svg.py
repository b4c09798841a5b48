"""Scales, ticks and marks of the hand-made SVG."""

from __future__ import annotations

import itertools
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurarium.report.charts import against_truth, curves, interval, residuals, roc, shares
from neurarium.report.confusion import confusion
from neurarium.report.svg import Scale, element, path, round_values, short, spanning

numbers = st.floats(-1e9, 1e9).filter(lambda value: abs(value) > 1e-6 or value == 0)


@given(low=numbers, width=st.floats(1e-3, 1e9), count=st.integers(2, 9))
def test_ticks_are_round_and_inside(low, width, count):
    high = low + width
    values = round_values(low, high, count)
    slack = 1e-6 * max(abs(low), abs(high), width)
    assert all(low - slack <= value <= high + slack for value in values)
    assert len(values) <= count + 1
    steps = {round(b - a, 9) for a, b in itertools.pairwise(values) if abs(low) < 1e6 * width}
    if steps:
        step = min(steps)
        mantissa = step / 10 ** math.floor(math.log10(step) + 1e-9)
        assert min(abs(mantissa - each) for each in (1, 2, 5, 10)) < 1e-3


@given(values=st.lists(numbers, min_size=1, max_size=20), log=st.booleans())
def test_a_scale_shows_every_value(values, log):
    scale = spanning(values, 0.0, 100.0, log=log)
    assert all(-1e-6 <= scale(value) <= 100 + 1e-6 for value in values)


def test_a_logarithmic_scale_where_values_span_much():
    scale = spanning([0.001, 1000], 0, 100, log=True)
    assert scale.logarithmic and scale(1.0) == pytest.approx(50)
    assert all(math.log10(tick) == round(math.log10(tick)) for tick in scale.ticks())
    assert not spanning([1, 10], 0, 100, log=True).logarithmic
    assert Scale(1, 3, 0, 100, whole=True).ticks() == [1, 2, 3]


def test_elements_escape_and_paths_have_gaps():
    assert element("text", "a", title='"<&') == '<text title="&quot;&lt;&amp;">a</text>'
    assert path([(0, 0), (1, math.nan), (2, 2), (3, 3)], "line").count("M") == 2
    assert short(12_345) == "12.35k" and short(-0.000012) == "-1e-5" and short(0.0005) == "0.0005"


def test_curves_draw_every_series_and_the_weights_kept():
    drawn = curves(
        {"train": [(1, 2.0), (2, 1.0)], "validation": [(1, 2.5), (2, math.nan)]},
        x_label="epoch",
        y_label="loss",
        best=2,
    )
    assert drawn.count('class="line series-') == 2 and 'class="best"' in drawn and "kept" in drawn
    assert "NaN" not in drawn and "nan" not in drawn
    assert curves({}, x_label="epoch", y_label="loss") == ""
    assert curves({"train": [(1, 2.0)]}, x_label="epoch", y_label="loss")  # one point alone


def test_points_stand_where_they_belong():
    drawn = against_truth([(0.0, 0.0), (10.0, 10.0), (10.0, 0.0)], "price")
    places = [tuple(map(float, found)) for found in re.findall(r'circle cx="([\d.]+)" cy="([\d.]+)"', drawn)]
    assert places[0][0] < places[1][0] == places[2][0] and places[1][1] < places[0][1] == places[2][1]
    bars = residuals([(0.0, 0.1 * number) for number in range(-50, 51)], "price")
    counted = sum(int(found) for found in re.findall(r"<title>[^<]*: (\d+)</title>", bars))
    assert counted == 101
    assert residuals([(1.0, 1.0)] * 3, "price").count("<rect") == 1
    assert "AUC 0.7500" in roc([(0, 0), (0.5, 1), (1, 1)], 0.75)


def test_interval_shares_and_confusion():
    assert "95 %" in interval(0.96, 0.97, 0.98, True) and "0 %" in interval(0.2, 0.3, 0.4, True)
    ends = [
        re.findall(r">(-?[\d.]+)</text>", interval(*bounds, False))
        for bounds in ((0.3, 0.5, 0.8), (-0.2, 0.1, 0.4))
    ]
    assert ends == [["0", "1.55"], ["-1.1", "1.3"]]  # an error is never below zero
    assert "width:50.0%" in shares({"a": 10, "b": 5}) and "and 1 more" in shares({"a": 1, "b": 1}, most=1)
    many = confusion(
        [[5 if a == b else int(a == 0 and b == 1) * 3 for b in range(30)] for a in range(30)],
        [f"c{n}" for n in range(30)],
    )
    assert "c0</th><td>c1</td><td class=number>3</td><td class=number>37.5%" in many


def test_a_logarithmic_scale_within_two_powers_has_ticks_all_along():
    assert Scale(0.012, 0.45, 0, 1, logarithmic=True).ticks() == [0.02, 0.05, 0.1, 0.2]
    assert Scale(0.2, 9.0, 0, 1, logarithmic=True).ticks() == [0.2, 0.5, 1.0, 2.0, 5.0]
    assert Scale(1e-4, 1.0, 0, 1, logarithmic=True).ticks() == [1e-4, 1e-3, 1e-2, 0.1, 1.0]
