"""Assignment: each option reaches the part that has it, by a rule that is said."""

from __future__ import annotations

import pytest

from neurarium.core.errors import OptionError
from neurarium.data.assembly.tables import table
from neurarium.studies.planning.assignment import assign, owners_of, parse, reader_options, values
from neurarium.training.descent import Descent

OWNERS = owners_of("mlp", "supervised")


def test_options_reach_their_parts():
    said = {
        "widths": "8,8", "loss": "focal", "learning_rate": "0.1", "initializer": "he-normal", "loss.gamma": "3",
        "optimizer.betas": "0.8,0.9", "schedule.floor": "0.1", "descent.average": "0.9",
    }  # fmt: skip
    found = assign(said, OWNERS)
    assert found["network"] == {"widths": "8,8"}
    assert found["method"] == {"loss": "focal", "loss_options": {"gamma": 3}}
    assert found["initialization"] == {"initializer": "he-normal"}
    assert found["descent"] == {
        "learning_rate": "0.1", "optimizer_options": {"betas": (0.8, 0.9)}, "schedule_options": {"floor": 0.1}, "average": "0.9",
    }  # fmt: skip
    assert found.decisions == []


def test_a_name_of_two_parts_goes_to_the_first_and_that_is_said():
    def network(warmup: float = 0.0): ...

    found = assign(
        {"warmup": "0.1"}, {"network": network, **{k: v for k, v in OWNERS.items() if k != "network"}}
    )
    assert found["network"] == {"warmup": "0.1"} and found["descent"] == {}
    assert "of the network and of the descent" in found.decisions[0].reason
    assert found.decisions[0].override == "--set descent.warmup="


@pytest.mark.parametrize(
    ("key", "fix"),
    [
        ("widht", "--set widths="),
        ("lerning_rate", "--set learning_rate="),
        ("clas_weights", "--set class_weights="),
        ("network.dropuot", "--set dropout="),
        ("optimzer.betas", "'optimizer.betas'"),
    ],
)
def test_the_nearest_of_all_parts_is_suggested(key, fix):
    with pytest.raises(OptionError) as caught:
        assign({key: "1"}, OWNERS)
    assert fix in str(caught.value.fix)


def test_what_the_data_decides_is_no_option():
    for key in ("features", "outputs", "cardinalities", "targets", "networks"):
        with pytest.raises(OptionError):
            assign({key: "1"}, OWNERS)


def test_the_reader_takes_what_no_other_part_has():
    said = {"encoding": "latin-1", "widths": "8", "reader.weights": "w", "drop": "a"}
    assert reader_options(said, table, "mlp", None) == {"encoding": "latin-1", "weights": "w", "drop": "a"}


def test_values_are_typed_by_the_part():
    found = values(
        {"clip_norm": "1", "warmup": "0.1", "guard": "no", "optimizer": "sgd"}, Descent, "the training"
    )
    assert found == {"clip_norm": 1.0, "warmup": 0.1, "guard": False, "optimizer": "sgd"}
    assert parse("1,2.5,none,yes") == (1, 2.5, None, "yes")


def test_the_reader_scales_as_the_network_likes_it_where_nothing_is_said():
    assert reader_options({}, table, "realmlp", None) == {"scaling": "robust"}
    assert reader_options({"scaling": "standard"}, table, "realmlp", None) == {"scaling": "standard"}
    assert reader_options({}, table, "mlp", None) == {}
    assert reader_options({}, lambda source, length=3: None, "realmlp", None) == {}  # it scales nothing
