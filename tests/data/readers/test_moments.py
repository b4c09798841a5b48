import math

import polars
import pytest

from neurarium.data.readers.columns import recognise
from neurarium.data.readers.moments import clock_hours, durations
from neurarium.data.readers.values import MISSING, date_part, dates


def part(moment, name):
    return date_part(dates(polars.Series([moment]), "%Y-%m-%d %H:%M"), name)[0]


@pytest.mark.parametrize(
    ("rhythm", "period", "place"),
    [("month", 12, 3), ("day of year", 365.25, 100), ("weekday", 7, 2), ("hour", 24, 18.5)],
)
def test_rhythms_are_points_on_a_circle(rhythm, period, place):
    moment = "2024-04-10 18:30"  # a Wednesday, the 101st day
    angle = 2 * math.pi * place / period
    assert part(moment, f"{rhythm} sine") == pytest.approx(math.sin(angle), abs=1e-11)
    assert part(moment, f"{rhythm} cosine") == pytest.approx(math.cos(angle), abs=1e-11)


def test_the_ends_of_a_rhythm_lie_side_by_side():
    def apart(a, b, rhythm):
        return math.dist(*[[part(each, f"{rhythm} {way}") for way in ("sine", "cosine")] for each in (a, b)])

    assert apart("2023-12-31 23:59", "2024-01-01 00:00", "day of year") < 0.03
    assert apart("2024-01-01 23:59", "2024-01-01 00:00", "hour") < 0.01
    assert apart("2024-01-01 12:00", "2024-01-01 00:00", "hour") == pytest.approx(2)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90 min", 5400), ("1h30m", 5400), ("PT1H30M", 5400), ("P1DT2H", 93600), ("2 days 03:00:01", 183601),
     ("26:00:00", 93600), ("1.5 hours", 5400), ("-00:10:00", -600), ("250 ms", 0.25), ("2w", 1209600)],
)  # fmt: skip
def test_durations_in_seconds(written, seconds):
    assert durations(polars.Series([written])).to_list() == [pytest.approx(seconds)]
    kind = recognise(polars.Series("x", [written, "?", written]), MISSING).kind
    assert kind == "duration"


def test_times_of_day_are_no_durations():
    assert recognise(polars.Series("x", ["8:05", "23:59:30"]), MISSING).kind == "time"
    assert recognise(polars.Series("x", ["8:05:00", "24:30:00"]), MISSING).kind == "duration"
    assert clock_hours(polars.Series(["6:45", "25:00"])).to_list() == [6.75, None]


@pytest.mark.parametrize(
    ("values", "style"),
    [(["31.12.24", "01.01.25"], "%d.%m.%y"), (["1/31/24 3:05 PM", "2/1/24 1:00 AM"], "%m/%d/%y %I:%M %p"),
     (["3 January 2024", "14 March 2023"], "%d %B %Y"), (["2024-01-01T10:00:00.5+02:00"] * 2, "%Y-%m-%dT%H:%M:%S%.f%#z"),
     (["03/04/2024", "01/02/2024"], "%d/%m/%Y"), (["January 3, 2024", "May 4, 2024"], "%B %d, %Y")],
)  # fmt: skip
def test_dates_as_people_write_them(values, style):
    found = recognise(polars.Series("x", values), MISSING)
    assert (found.kind, found.style) == ("date", style)
    assert found.doubtful == (values[0] == "03/04/2024")
