import numpy
import polars
import pytest

import neurarium as nr
from neurarium.core.errors import DataError
from neurarium.data.preparation.label_sets import LabelSets, separator_of, sets_of_columns
from neurarium.data.preparation.stored_targets import target_from_json
from neurarium.data.preparation.target_recognition import recognise_target
from neurarium.data.specs import Classes

CELLS = ["red;large", "red", "blue;large", "blue", "large", "blue;red"] * 5


@pytest.mark.parametrize("mark", [";", "|", ", "])
def test_what_separates_labels_is_found_out(mark):
    column = polars.Series("t", [each.replace(";", mark) for each in CELLS])
    assert separator_of(column) == mark.strip()
    target, decision = recognise_target(polars.DataFrame([column]), ["t"], None)
    assert target.names == ("blue", "large", "red")
    assert target.spec == Classes(("blue", "large", "red"), several=True, column="t")
    assert decision.choice == "several labels"
    assert target.encode(polars.DataFrame([column]))[0][:2].tolist() == [[0, 1, 1], [0, 0, 1]]


@pytest.mark.parametrize(
    "cells",
    [["Smith, John", "Doe, Jane", "Roe, Ann"] * 5, ["a", "b"] * 9, ["x|y", "z"] * 9, ["a;a", "b"] * 9],
)
def test_labels_that_merely_hold_a_mark_are_classes(cells):
    assert separator_of(polars.Series(cells)) is None
    assert recognise_target(polars.DataFrame({"t": cells}), ["t"], None)[1].choice == "classification"


def test_lists_of_labels_in_any_notation():
    text = polars.Series("t", ['["a", "b"]', "[]", '["b"]', None])
    typed = polars.Series("t", [["a", "b"], [], ["b"], None])
    for column in (text, typed):
        target, _ = recognise_target(polars.DataFrame([column]), ["t"], None)
        encoded = target.encode(polars.DataFrame([column]))[0]
        assert encoded[:3].tolist() == [[1, 1], [0, 0], [0, 1]]
    assert not target.known(encoded)[3]  # null is no list, and so no target


def test_a_column_of_zeros_and_ones_for_each_label():
    frame = polars.DataFrame({"a": [0, 1, None], "b": ["yes", "no", "yes"]})
    target = sets_of_columns(frame, ["a", "b"])
    assert target.encode(frame)[0].tolist() == [[0, 1], [1, 0], [-1, 1]]
    assert target.known(target.encode(frame)[0]).tolist() == [True, True, False]
    with pytest.raises(DataError, match="neither 0 nor 1, the first in row 2"):
        sets_of_columns(polars.DataFrame({"a": [0, 7], "b": [0, 1]}), ["a", "b"])
    with pytest.raises(DataError, match="is the same in all rows"):
        sets_of_columns(polars.DataFrame({"a": [1, 1], "b": [0, 1]}), ["a", "b"])


def test_label_sets_are_saved_and_know_what_they_do_not_know():
    target = LabelSets(("t",), ("a", "b"), ";")
    again = target_from_json(target.to_json())
    assert again == target
    encoded = again.encode(polars.DataFrame({"t": ["a;b", "c", ""]}))[0]
    assert encoded.tolist() == [[1, 1], [-2, -2], [0, 0]]
    rows = {"x": list(range(30)), "t": CELLS}
    with pytest.raises(DataError, match=r"labels that the training rows do not have, the first in row 1"):
        nr.data.table(rows, "t", test={"x": [1.5, 2], "t": ["green;red", "red"]}, types={"x": "numeric"})


def test_a_separator_can_be_said_and_one_that_is_nowhere_is_asked_for():
    rows = {"x": numpy.arange(40) / 7, "t": ["a/b", "a", "b", "b/c"] * 10}
    assert nr.data.table(rows, "t").targets.several is False
    data = nr.data.table(rows, "t", labels_separator="/")
    assert data.targets.names == ("a", "b", "c")
    assert data.summary["classes"] == {"a": 20, "b": 30, "c": 10}
    with pytest.raises(DataError, match="does not show what separates"):
        nr.data.table(rows, "t", task="labels")


def test_a_decimal_comma_separates_no_labels():
    frame = polars.DataFrame({"t": [f"{n % 40},{n % 10}" for n in range(300)]})
    target, decision = recognise_target(frame, ["t"], None)
    assert decision.choice == "regression"
    assert target.encode(frame)[0].ravel()[11] == 11.1
