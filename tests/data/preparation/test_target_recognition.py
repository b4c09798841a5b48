import polars
import pytest

from neurarium.core.errors import DataError
from neurarium.data.preparation.several_targets import SeveralTargets
from neurarium.data.preparation.target_recognition import recognise_target
from neurarium.data.preparation.targets import Labels, Quantities


def target(values, task=None):
    return recognise_target(polars.DataFrame({"y": values}), ("y",), task)[0]


def test_a_file_that_mixes_full_stops_has_one_class():
    assert target(["yes", "yes.", "no", "no"] * 5).names == ("no", "yes")


def test_none_may_be_a_label():
    assert target(["none", "mild", "severe"] * 5).names == ("mild", "none", "severe")


def test_written_numbers_are_quantities():
    assert target(["1,5", "2,5", "3,75"]).styles == ("decimal comma",)


@pytest.mark.parametrize(
    ("values", "kind", "reason"),
    [
        ([True, False] * 5, Labels, "2 different labels"),
        ([0, 1, 2] * 5, Labels, "3 different whole numbers"),
        ([0, 1, 2, 3] * 4, Quantities, "4 different whole numbers in 16 rows"),
        ([0.5, 1.0] * 9, Quantities, "a fraction"),
    ],
)
def test_what_a_target_is_follows_from_its_values(values, kind, reason):
    found, decision = recognise_target(polars.DataFrame({"y": values}), ("y",), None)
    assert isinstance(found, kind) and reason in decision.reason and decision.override == "--task"


def test_columns_of_numbers_are_one_target_and_mixed_ones_several():
    frame = polars.DataFrame({"a": [0.5, 1.5, 2.5] * 4, "b": [1.25, 2.5, 3.5] * 4, "c": ["x", "y", "z"] * 4})
    assert recognise_target(frame, ("a", "b"), None)[0] == Quantities(("a", "b"), ("plain", "plain"))
    parts, decision = recognise_target(frame, ("a", "c"), None)
    assert isinstance(parts, SeveralTargets) and decision.choice == "a: regression, c: classification"


def test_numbers_with_typing_errors_are_no_labels():
    with pytest.raises(DataError, match=r"1 values that are none, the first in row 31"):
        target([*map(str, range(30)), "l7"])
