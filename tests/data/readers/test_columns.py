import numpy
import polars
import pytest

from neurarium.core.errors import DataError, OptionError
from neurarium.data.readers.columns import recognise
from neurarium.data.readers.values import MISSING

MANY = [f"word {n}" for n in range(100)]
CASES = {
    "numbers": (polars.Series("x", ["1.5", "?", "2"]), "numeric", "plain"),
    "decimal commas": (polars.Series("x", ["1,5", "2,25"]), "numeric", "decimal comma"),
    "typed numbers": (polars.Series("x", [1.5, None]), "numeric", "plain"),
    "truth words": (polars.Series("x", ["yes", "No", "?", "yes"]), "boolean", "truth"),
    "truth values": (polars.Series("x", [True, None]), "boolean", "truth"),
    "zeros and ones": (polars.Series("x", ["0", "1", "1"]), "numeric", "plain"),
    "two words": (polars.Series("x", ["male", "female"]), "categorical", "plain"),
    "one word of truth": (polars.Series("x", ["yes", "yes"]), "categorical", "plain"),
    "categories": (polars.Series("x", ["a", "b", "c"] * 50), "categorical", "plain"),
    "many categories that repeat": (polars.Series("x", MANY * 3), "categorical", "plain"),
    "names of few rows": (polars.Series("x", MANY[:40]), "drop", "plain"),
    "US months": (polars.Series("x", ["12/01/2023", "01/01/2024", "02/01/2024"]), "date", "%m/%d/%Y"),
    "texts": (polars.Series("x", MANY), "drop", "plain"),
    "dates": (polars.Series("x", ["2024-01-31", "?", "2024-02-01"]), "date", "%Y-%m-%d"),
    "nothing": (polars.Series("x", ["?", "NA", None]), "drop", "plain"),
    "typed nothing": (polars.Series("x", [None, None], dtype=polars.Float64), "drop", "plain"),
    "row numbers": (polars.Series("x", [str(n) for n in range(5, 60)]), "drop", "plain"),
    "keys in any order": (polars.Series("customer_id", numpy.random.default_rng(0).permutation(50)), "drop", "plain"),
    "quantities in any order": (polars.Series("size", numpy.random.default_rng(0).permutation(50)), "numeric", "plain"),
    "few rows that count": (polars.Series("x", [1, 2, 3]), "numeric", "plain"),
    "a word among numbers": (polars.Series("x", [str(n) for n in range(0, 80, 2)] + ["unknown"]), "numeric", "plain"),
    "house numbers": (polars.Series("x", [str(n % 9) for n in range(40)] + [f"{n}a" for n in range(20)]), "categorical", "plain"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_kinds_are_recognised(case):
    column, kind, style = CASES[case]
    found = recognise(column, MISSING)
    assert (found.kind, found.style) == (kind, style)
    assert found.reason


def test_doubtful_choices_are_reported():
    assert recognise(polars.Series("x", [1, 2, 3, 4] * 10), MISSING).doubtful
    assert not recognise(polars.Series("x", [1.5, 2.5] * 10), MISSING).doubtful
    assert "'unknown'" in recognise(CASES["a word among numbers"][0], MISSING).reason


def test_a_given_kind_is_taken():
    assert recognise(polars.Series("x", [1, 2, 3]), MISSING, "categorical").kind == "categorical"
    assert recognise(polars.Series("x", ["01/02/2024"]), MISSING, "date:%m/%d/%Y").style == "%m/%d/%Y"
    assert recognise(polars.Series("x", ["1,5", "?"]), MISSING, "numeric").style == "decimal comma"
    assert recognise(polars.Series("x", MANY), MISSING, "drop").kind == "drop"


def test_a_wrong_kind_is_refused():
    with pytest.raises(DataError, match="no value of the kind 'date'"):
        recognise(polars.Series("x", ["a", "b"]), MISSING, "date")
    with pytest.raises(OptionError, match="numeric"):
        recognise(polars.Series("x", ["a", "b"]), MISSING, "numerical")
