"""Several runs compared: Holm against its definition, differences, refusals that say how the examples differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import neurarium as nr
from neurarium.core.errors import DataError, OptionError
from neurarium.report.comparison_page import render_comparison
from neurarium.studies.comparison.several import compare_several, differences, holm, pictures_of


def trained(data, widths, **options):
    return nr.studies.train(data, "mlp", options={"widths": widths}, epochs=4, progress=False, **options)


@pytest.fixture(scope="module")
def digits():
    return nr.data.load("digits")


@pytest.fixture(scope="module")
def runs(digits):
    return [trained(digits, "2"), trained(digits, "64"), trained(digits, "64")]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_between_nothing_and_bonferroni_and_keeps_the_order(values):
    found = holm(values)
    assert all(
        p <= corrected <= min(1.0, len(values) * p) + 1e-12
        for p, corrected in zip(values, found, strict=True)
    )
    order = sorted(range(len(values)), key=lambda place: values[place])
    assert [found[place] for place in order] == sorted(found)


def test_a_better_run_is_found_and_equal_runs_are_equal(runs, digits):
    found = compare_several(runs, digits, names=["small", "large", "same"])
    small, large, same = (report.metrics["accuracy"] for report in found.reports)
    assert large == same > small + 0.2
    assert [found.better(place) for place in range(3)] == ["large", "same", None]
    assert found.corrected[2] == 1 and found.corrected[0] >= found.pairs[0].p_value
    assert found.differences["network.widths"] == ["(2,)", "(64,)", "(64,)"]
    part = found.disagreements[0]
    right = [round(report.metrics["accuracy"] * found.examples) for report in found.reports]
    assert part["second_count"] - part["first_count"] == right[1] - right[0]
    assert all(each["said"][1] == each["truth"] != each["said"][0] for each in part["second"])


def test_the_page_holds_the_numbers_and_the_pictures(runs, digits):
    found = compare_several(runs[:2], digits, names=["<small>", "large"])
    places = [each["place"] for each in found.disagreements[0]["second"]]
    page = render_comparison(found, pictures=pictures_of(runs[0], places, "test"))
    assert page.count("data:image/png") == len(places) > 3
    assert "&lt;small&gt;" in page and "<small>," not in page.partition("</title>")[0]
    assert nr.report.words.number(found.reports[1].metrics["accuracy"]) in page and "large is better" in page
    for name in ("pairs", "differences", "curves", "metrics", "apart"):
        assert f'<section id="{name}"' in page


def test_other_examples_are_refused_with_how_they_differ(runs, digits):
    iris = nr.data.load("iris")
    with pytest.raises(DataError, match="their targets are others"):
        compare_several([trained(iris, "4"), runs[0]])
    with pytest.raises(OptionError, match="one run alone"):
        compare_several(runs[:1])
    with pytest.raises(OptionError, match="no metric of these runs 'rmse'"):
        compare_several(runs[:2], digits, metric="rmse")


def test_other_splits_are_refused_with_the_rows_in_common(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,y\n" + "\n".join(f"{k % 7},{k % 5},{'xz'[k % 2]}" for k in range(200)) + "\n")
    runs = [trained(nr.data.table(path, "y", seed=seed), "4") for seed in (0, 1)]
    with pytest.raises(DataError, match=r"they have \d+ of 30 and 30 rows in common"):
        compare_several(runs)


def test_what_is_said_by_one_alone_differs():
    assert differences([{"a": 1}, {"a": 1}]) == {}
    assert differences([{"a": 1}, {}]) == {"a": [1, None]}
