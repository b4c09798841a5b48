import numpy
import polars
import pytest
import torch

from neurarium.core.errors import DataError
from neurarium.data.preparation.targets import Labels, Quantities, match, recognise_target, target_from_json


def target(values, task=None):
    return recognise_target(polars.DataFrame({"y": values}), ("y",), task)[0]


@pytest.mark.parametrize(
    ("label", "means"),
    [
        ("yes", "yes"),
        ("yes.", "yes"),
        (" yes ", "yes"),
        ("YES", "yes"),
        ("no.", "no"),
        ("maybe", None),
        ("", None),
    ],
)
def test_labels_are_matched_by_rule(label, means):
    assert match(label, ("no", "yes")) == means


def test_case_separates_classes_that_differ_by_it():
    assert match("a", ("A", "a")) == "a"
    assert match("A.", ("A", "a")) == "A"


def test_numbers_are_matched_with_and_without_a_fraction():
    assert match("1.0", ("0", "1")) == "1"


def test_a_file_that_mixes_full_stops_has_one_class():
    assert target(["yes", "yes.", "no", "no"] * 5).names == ("no", "yes")


def test_labels_are_encoded():
    codes, matched = Labels("y", ("a", "b")).encode(polars.DataFrame({"y": ["b", "a.", None, "z"]}))
    assert codes.tolist() == [1, 0, -1, -2]
    assert matched == {"a.": "a"}


def test_none_may_be_a_label():
    assert target(["none", "mild", "severe"] * 5).names == ("mild", "none", "severe")


def test_quantities_are_standardized_and_restored():
    plan = target([1.5, 2.0, 6.5], "regression").fitted(numpy.array([[1.5], [2.0], [6.5]]))
    values, _ = plan.encode(polars.DataFrame({"y": [1.5, None]}))
    assert numpy.isnan(values[1, 0])
    standardized = plan.tensor(values[:1])
    assert standardized.dtype == torch.float32
    assert float(plan.spec.original(standardized)) == pytest.approx(1.5, abs=1e-6)
    assert plan.mean == (numpy.mean([1.5, 2.0, 6.5]),)


def test_a_quantity_that_varies_only_in_rounding_is_constant():
    with pytest.raises(DataError, match="constant"):
        Quantities(("y",), ("plain",)).fitted(numpy.full((5, 1), 0.1))


@pytest.mark.parametrize(
    "plan", [Labels("y", ("a", "b")), Quantities(("y", "z"), ("plain", "percent"), (1.0, 2.0), (3.0, 4.0))]
)
def test_json_keeps_them(plan):
    assert target_from_json(plan.to_json()) == plan


def test_written_numbers_are_quantities():
    assert target(["1,5", "2,5", "3,75"]).styles == ("decimal comma",)
