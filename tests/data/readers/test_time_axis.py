"""The time axis: which grid stamps lie on, and what comes after the last of them."""

from __future__ import annotations

import numpy
import polars
import pytest

from neurarium.core.errors import DataError, OptionError
from neurarium.data.readers.time_axis import axis_of, has_zone, on_grid, read_moments


def read(*stamps, zone=None, asked=None):
    moments, style, numeric = read_moments(polars.Series("when", list(stamps)))
    return axis_of([moments], style, numeric, zone, asked), moments


@pytest.mark.parametrize(
    ("stamps", "said", "places", "then"),
    [
        (["1949-01", "1949-02", "1949-04"], "a month", [0, 1, 3], ["1949-05", "1949-06"]),
        (["1-11", "1-12", "2-01"], "a month", [0, 1, 2], ["0002-02", "0002-03"]),
        (["2024-01-31", "2024-02-29", "2024-03-31"], "a month", [0, 1, 2], ["2024-04-30", "2024-05-31"]),
        (["2024-01-01", "2024-04-01", "2024-07-01"], "a quarter", [0, 1, 2], ["2024-10-01", "2025-01-01"]),
        (["2024-02-28 23:00", "2024-02-29 00:00", "2024-02-29 03:00"], "1 h", [0, 1, 4],
         ["2024-02-29 04:00", "2024-02-29 05:00"]),
        (["01/02/2024", "02/02/2024", "03/02/2024"], "1 d", [0, 1, 2], ["04/02/2024", "05/02/2024"]),
        ([1990, 1991, 1993], "1", [0, 1, 3], [1994, 1995]),
        (["Oct-23", "Nov-23", "Jan-24"], "a month", [0, 1, 3], ["Feb-24", "Mar-24"]),
        (["October 2023", "November 2023"], "a month", [0, 1], ["December 2023", "January 2024"]),
        (["2023Q3", "2023Q4"], "a quarter", [0, 1], ["2024Q1", "2024Q2"]),
        (["2023-Q3", "2024-Q1", "2024-Q2"], "a quarter", [0, 2, 3], ["2024-Q3", "2024-Q4"]),
        (["11/01/2023", "12/01/2023", "01/01/2024"], "a month", [0, 1, 2], ["02/01/2024", "03/01/2024"]),
        ([1_700_000_000, 1_700_003_600, 1_700_010_800], "1 h", [0, 1, 3], [1_700_014_400, 1_700_018_000]),
        (["1700000000000", "1700000060000"], "1 min", [0, 1], [1_700_000_120_000, 1_700_000_180_000]),
        ([0.5, 1.0, 1.5], "0.5", [0, 1, 2], [2.0, 2.5]),
    ],
)  # fmt: skip
def test_the_grid_of_stamps_and_what_comes_after(stamps, said, places, then):
    axis, moments = read(*stamps)
    assert str(axis) == said
    found, moved = on_grid(axis, moments, "when")
    assert found.tolist() == places and not moved
    assert axis.stamps(places[-1] + numpy.arange(1, 3)).to_list() == then


def test_business_days_have_no_weekend():
    days = [f"2024-01-{day:02}" for day in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12)]
    axis, moments = read(*days)
    assert str(axis) == "a business day" and on_grid(axis, moments, "when")[0].tolist() == list(range(10))
    assert axis.stamps(numpy.array([10, 14, 15])).to_list() == ["2024-01-15", "2024-01-19", "2024-01-22"]


def test_rhythms_are_those_of_the_step():
    assert read("2024-01-01 00:00", "2024-01-01 01:00")[0].seasons() == (24, 168)
    assert read("2024-01-01", "2024-01-02")[0].seasons() == (7, 365)
    assert read("2024-01", "2024-02")[0].seasons() == (12,)
    assert read(1, 2)[0].seasons() == ()


def test_stamps_a_little_beside_the_grid_are_moved_and_others_refused():
    axis, moments = read(
        "2024-01-01 00:00:00", "2024-01-01 01:00:00", "2024-01-01 02:00:00", "2024-01-01 03:00:20"
    )
    places, moved = on_grid(axis, moments, "when")
    assert places.tolist() == [0, 1, 2, 3] and moved
    axis, moments = read("2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 02:00", "2024-01-01 02:30")
    with pytest.raises(DataError, match="irregular") as caught:
        on_grid(axis, moments, "when")
    assert "--set step=1h" in caught.value.fix


def test_seconds_since_1970_have_rhythms_and_known_numbers_stay_numbers():
    seconds = polars.Series("when", [1_700_000_000, 1_700_003_600])
    assert read(*seconds)[0].seasons() == (24, 168)
    assert read_moments(seconds, "")[2] and not read_moments(seconds, "epoch s")[2]
    assert has_zone(seconds, "epoch s") and has_zone(seconds, "%Y-%m-%dT%H:%M:%S%#z")
    assert not has_zone(seconds, "%Y-%m-%d")


def test_what_is_no_time_is_named():
    with pytest.raises(DataError, match="gives no time") as caught:
        read("2024-01-01", "soon")
    assert "soon" in str(caught.value)
    with pytest.raises(DataError, match="no such month"):
        read("2024-13", "2024-14")
    with pytest.raises(OptionError, match="no such step"):
        read("2024-01-01", "2024-01-02", asked="1 fortnight")
    with pytest.raises(DataError, match="has no step"):
        read("2024-01-01")
