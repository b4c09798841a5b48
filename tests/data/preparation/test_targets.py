import numpy
import polars
import pytest
import torch

from neurarium.core.errors import DataError
from neurarium.data.preparation.targets import Labels, Quantities, match


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


def test_labels_are_encoded():
    codes, matched = Labels("y", ("a", "b")).encode(polars.DataFrame({"y": ["b", "a.", None, "z"]}))
    assert codes.tolist() == [1, 0, -1, -2]
    assert matched == {"a.": "a"}


def test_quantities_are_standardized_and_restored():
    plan = Quantities(("y",), ("plain",)).fitted(numpy.array([[1.5], [2.0], [6.5]]))
    values, _ = plan.encode(polars.DataFrame({"y": [1.5, None]}))
    assert numpy.isnan(values[1, 0])
    standardized = plan.tensor(values[:1])
    assert standardized.dtype == torch.float32
    assert float(plan.spec.original(standardized)) == pytest.approx(1.5, abs=1e-6)
    assert plan.mean == (numpy.mean([1.5, 2.0, 6.5]),)


def test_a_quantity_that_varies_only_in_rounding_is_constant():
    with pytest.raises(DataError, match="constant"):
        Quantities(("y",), ("plain",)).fitted(numpy.full((5, 1), 0.1))
