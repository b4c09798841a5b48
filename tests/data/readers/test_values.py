import datetime

import numpy
import polars
import pytest

from neurarium.core.errors import DataError
from neurarium.data.readers.values import date_formats, date_part, dates, finite, numbers, style_of, text


@pytest.mark.parametrize(
    ("written", "style", "read"),
    [
        (["1", "+2.5", "-3e2", ".5"], "plain", [1, 2.5, -300, 0.5]),
        (["1,234", "12,345.5", "7"], "thousands", [1234, 12345.5, 7]),
        (["1,5", "1.234,25", "7"], "decimal comma", [1.5, 1234.25, 7]),
        (["5%", "12.5 %"], "percent", [5, 12.5]),
        (["$5", "-$1,200.50", "$ 3"], "currency", [5, -1200.5, 3]),
        (["5 €", "7€"], "currency", [5, 7]),
    ],
)
def test_numbers_are_read_as_people_write_them(written, style, read):
    column = polars.Series("x", written)
    assert style_of(column) == style
    assert numbers(column, style).to_list() == read


@pytest.mark.parametrize("written", [["a", "b"], ["1", "2b"], ["1.2.3"], ["10-20"]])
def test_text_is_no_number(written):
    assert style_of(polars.Series(written)) is None


def test_truth_values():
    column = polars.Series(["Yes", "NO", "t", "0", "perhaps"])
    assert numbers(column, "truth").to_list() == [1, 0, 1, 0, None]
    assert numbers(polars.Series([True, False, None]), "truth").to_list() == [1, 0, None]


@pytest.mark.parametrize(
    ("written", "style"),
    [
        ("2024-02-29", "%Y-%m-%d"),
        ("2024-02-29 13:00", "%Y-%m-%d %H:%M"),
        ("2024-02-29T13:00:05", "%Y-%m-%dT%H:%M:%S"),
        ("2024-02-29T13:00:05.25", "%Y-%m-%dT%H:%M:%S%.f"),
        ("29.02.2024", "%d.%m.%Y"),
        ("02/29/2024", "%m/%d/%Y"),
        ("29-Feb-2024", "%d-%b-%Y"),
    ],
)
def test_dates_are_recognised(written, style):
    column = polars.Series([written])
    assert date_formats(column)[0] == style
    assert dates(column, style)[0].date() == datetime.date(2024, 2, 29)


def test_dates_that_could_be_read_in_two_ways_give_both():
    assert date_formats(polars.Series(["01/02/2024", "03/04/2024"])) == ["%d/%m/%Y", "%m/%d/%Y"]
    assert date_formats(polars.Series(["01/02/2024", "03/14/2024"])) == ["%m/%d/%Y"]


@pytest.mark.parametrize("written", ["20240229", "3.5", "hello", "12-34-56", "1999"])
def test_what_is_no_date(written):
    assert date_formats(polars.Series([written])) == []


def test_zones_are_turned_to_universal_time():
    column = polars.Series(["2024-01-01T01:00:00+02:00", "2024-01-01T00:00:00+00:00"])
    style = date_formats(column)[0]
    assert date_part(dates(column, style), "hour").to_list() == [23, 0]


def test_parts_of_a_date_agree_with_the_calendar():
    moments = dates(polars.Series(["2024-02-29 18:30"]), "%Y-%m-%d %H:%M")
    moment = datetime.datetime(2024, 2, 29, 18, 30, tzinfo=datetime.UTC)
    expected = {
        "days": moment.timestamp() / 86400,
        "year": 2024,
        "month": 2,
        "weekday": moment.isoweekday(),
        "hour": 18,
    }
    assert {part: date_part(moments, part)[0] for part in expected} == expected


def test_whole_numbers_are_named_without_a_point():
    assert text(polars.Series([1.0, 2.0, None]), ()).to_list() == ["1", "2", None]
    assert text(polars.Series([1.5, 2.0]), ()).to_list() == ["1.5", "2.0"]
    assert text(polars.Series(["None", "none", "some"]), ("None",)).to_list() == [None, None, "some"]


def test_infinite_numbers_are_named():
    assert numpy.isnan(finite(polars.Series("a", [None, 1.0]), "rows")[0])
    with pytest.raises(DataError, match="column 'a' of rows holds an infinite number in row 2"):
        finite(polars.Series("a", [0.0, float("-inf")]), "rows")
