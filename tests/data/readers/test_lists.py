import polars
import pytest
import torch

import neurarium as nr
from neurarium.data.readers.columns import recognise
from neurarium.data.readers.lists import list_part, list_parts
from neurarium.data.readers.values import MISSING


def test_names_become_a_count_and_the_most_frequent():
    column = polars.Series("t", ['["a", "b"]', '["a"]', "[]", None])
    assert recognise(column, MISSING).kind == "list"
    assert list_parts(column, "json") == ("count", "has a", "has b")
    assert list_part(column, "json", "count").to_list() == [2, 1, 0, None]
    assert list_part(column, "json", "has b").to_list() == [1, 0, 0, None]


def test_numbers_of_one_count_are_items_and_of_many_are_summed_up():
    assert list_parts(polars.Series([[1, 2], [3, 4]]), "numbers") == ("item 1", "item 2")
    uneven = polars.Series([[1.0, 5.0], [3.0]])
    assert list_parts(uneven, "numbers") == ("count", "mean", "minimum", "maximum")
    assert list_part(uneven, "numbers", "maximum").to_list() == [5.0, 3.0]


def test_lists_separated_by_a_mark_when_said_and_kept_in_the_preparation(tmp_path):
    rows = {
        "tags": ["red; big", "red", "big", ""] * 20,
        "pair": [[n / 3, 1.0] for n in range(80)],
        "y": ["a", "b"] * 40,
    }
    data = nr.data.table(rows, "y", types={"tags": "list:;"})
    assert {"tags has red", "tags has big", "pair item 1"} <= set(data.inputs.numeric)
    data.preparation.save(tmp_path)
    batch, _ = nr.data.load_preparation(tmp_path).apply(rows)
    assert torch.equal(batch["inputs"]["numeric"][data.rows["test"]], data.test[:]["inputs"]["numeric"])
    tagged = batch["inputs"]["numeric"][:, data.inputs.numeric.index("tags has red")]
    assert tagged[:3].tolist() == [1.0, 1.0, 0.0]


def test_many_names_are_hashed_by_rule_or_by_wish():
    names = [f"n{n % 10_500}" for n in range(21_500)]
    found = recognise(polars.Series("c", names), MISSING)
    assert (found.kind, found.style) == ("hashed", "4096")
    few = {"c": ["x", "y", "z"] * 30, "y": ["a", "b"] * 45}
    data = nr.data.table(few, "y", types={"c": "hashed:16"})
    assert data.inputs.cardinalities == (17,)
    batch, notes = data.preparation.apply({"c": ["never seen", "x"]})
    assert "unseen" not in notes
    assert 1 <= int(batch["inputs"]["categorical"].min()) <= int(batch["inputs"]["categorical"].max()) <= 16


@pytest.mark.parametrize("wanted", ["embedded", "categorical"])
def test_names_keep_codes_of_their_own_when_said(wanted):
    assert recognise(polars.Series("c", ["x", "y"]), MISSING, wanted).kind == "categorical"
