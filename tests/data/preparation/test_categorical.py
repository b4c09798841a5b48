import polars
import pytest

from neurarium.data.preparation.categorical import CategoricalColumn, fit_categorical


def test_codes_for_unseen_known_and_missing():
    column = fit_categorical(polars.Series("c", ["b", "a", "?", "b"]), ("?",))
    assert column.cardinality == 4
    codes, unseen = column.apply(polars.Series("c", ["a", "b", "z", None, "?", "z"]), ("?",))
    assert codes.tolist() == [1, 2, 0, 3, 3, 0]
    assert unseen == {"z": 2}


def test_a_gap_that_training_never_saw_counts_as_unseen():
    column = fit_categorical(polars.Series("c", ["a", "b"]), ("?",))
    assert column.cardinality == 3
    assert column.apply(polars.Series("c", [None]), ("?",))[0].tolist() == [0]


def test_rare_ones_of_many_train_the_code_of_the_unseen():
    values = [f"c{n % 60}" for n in range(240)] + ["once", "only"]
    column = fit_categorical(polars.Series("c", values), ())
    assert column.cardinality == 61
    assert column.apply(polars.Series("c", ["once", "c0"]), ())[0].tolist()[0] == 0


def test_numbers_as_categories_are_the_same_in_text_and_in_frames():
    column = fit_categorical(polars.Series("c", ["1", "2", "3"]), ())
    assert column.apply(polars.Series("c", [1.0, None, 3.0]), ())[0].tolist() == [1, 0, 3]
    assert column.apply(polars.Series("c", [1, 2, 3]), ())[0].tolist() == [1, 2, 3]


@pytest.mark.parametrize("values", [["a", "a"], [None, None]])
def test_one_value_is_no_category(values):
    assert fit_categorical(polars.Series("c", values, dtype=polars.String), ()) is None


def test_json_keeps_it():
    column = fit_categorical(polars.Series("count", ["x", "y", None]), ())
    assert CategoricalColumn.from_json(column.to_json()) == column
