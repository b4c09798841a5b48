"""Defaults: what is not said is decided, and said; what is said stays."""

from __future__ import annotations

import pytest
import torch

import neurarium as nr
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.specs import Frames, Series
from neurarium.studies.planning import defaults
from neurarium.studies.planning.defaults import settle
from neurarium.studies.planning.machine import multiplies_bfloat16
from neurarium.studies.planning.recipes import FRAMES, IMAGE, RECURRENT_FRAMES, TABLE, TABM, recipe_for

NOTHING = {"epochs": None, "steps": None, "batch_size": None, "device": "cpu"}


@pytest.fixture(scope="module")
def table():
    return nr.data.table({"a": range(40_000), "b": [0, 1] * 20_000}, "b")


def test_each_kind_of_data_has_its_recipe(table):
    digits = nr.data.load("digits")
    assert [recipe_for(table, "tabm"), recipe_for(table, "mlp"), recipe_for(digits, "cnn")] == [
        TABM,
        TABLE,
        IMAGE,
    ]


def test_epochs_go_by_the_examples_seen_within_bounds(table):
    chosen, options, decisions = settle(table, "tabm", NOTHING, {})
    assert chosen["epochs"] == round(TABM.seen["classification"] / len(table.train)) == 14
    assert chosen["batch_size"] == 256 and options["schedule"] == "cosine"
    assert {each.subject for each in decisions} >= {"epochs", "batch size", "recipe"}
    small = nr.data.load("iris")
    chosen, _, _ = settle(small, "tabm", NOTHING, {})
    assert chosen["epochs"] == TABM.epochs[1] and chosen["batch_size"] is None


def test_long_texts_are_passed_over_less_often_within_bounds():
    def passes(words, count=200):
        texts = [f"{'good' if n % 2 else 'bad'} " * words for n in range(count)]
        data = nr.data.table(
            {"said": texts, "y": [n % 2 for n in range(count)]}, "y", text=("said",), tokenizer="words"
        )
        chosen, _, decisions = settle(data, "text-cnn", NOTHING, {})
        return (
            chosen["epochs"],
            next(each.reason for each in decisions if each.subject == "epochs"),
            len(data.train),
        )

    epochs, reason, _ = passes(4)
    assert epochs == 20 and "long texts" not in reason
    epochs, reason, train = passes(2000, 1400)
    assert epochs == round(14_000_000 / (2000 * train)) == 7 and "14 million tokens" in reason


def test_what_is_given_stays(table):
    chosen, options, decisions = settle(
        table, "tabm", {**NOTHING, "steps": 5, "batch_size": 32}, {"learning_rate": 0.5}
    )
    assert (chosen["epochs"], chosen["steps"], chosen["batch_size"]) == (None, 5, 32)
    assert options["learning_rate"] == 0.5 and options["weight_decay"] == TABM.descent["weight_decay"]
    assert not {"epochs", "batch size"} & {each.subject for each in decisions}


def test_another_optimizer_keeps_how_the_rate_moves_and_has_a_rate_of_its_own(table):
    def settled(network="mlp", **descent):
        _, options, decisions = settle(table, network, NOTHING, descent)
        return options, {each.subject: each for each in decisions}

    options, rows = settled(optimizer="sgd")  # AdamW's rate and decay would be wrong for it
    assert options == {"optimizer": "sgd", "schedule": "cosine", "warmup": 0.05}
    assert rows["recipe"].choice == "schedule cosine, warmup 0.05"
    assert rows["learning rate"].choice == 0.1 and rows["learning rate"].override == "--set learning_rate="
    options, rows = settled(optimizer="sgd", learning_rate=0.5, schedule="constant")
    assert options == {"optimizer": "sgd", "learning_rate": 0.5, "schedule": "constant"}
    assert not {"recipe", "learning rate"} & set(rows)
    assert settled("tabm", optimizer="muon")[0].keys() >= {"schedule", "clip_norm"}
    options, rows = settled(optimizer="lbfgs")  # it finds the length of its steps
    assert options == {"optimizer": "lbfgs"} and rows["learning rate"].choice == 1.0
    assert settled(optimizer="adamw")[0] == {**TABLE.descent}  # its own name changes nothing


def test_options_of_a_schedule_go_with_it():
    data = nr.data.language(["to be or not to be " * 40], context=16)
    tiny = {"width": "16", "blocks": "1", "heads": "2"}
    for schedule, warmup in (("constant", 0.0), ("linear", 0.05), ("plateau", 0.05)):
        given = {**tiny, "schedule": schedule}
        descent = nr.studies.untrained(data, "decoder", options=given, epochs=1)[0].descent
        assert descent.schedule_name == schedule and descent.factor(1.0) == (
            0.0 if schedule == "linear" else 1.0
        )
        assert descent.factor(0.0) == (1.0 if not warmup else pytest.approx(0.0, abs=0.2))


def test_bfloat16_only_where_the_machine_has_it(table, monkeypatch):
    for has in (True, False):
        monkeypatch.setattr(defaults, "multiplies_bfloat16", lambda device, has=has: has)
        _, options, decisions = settle(table, "tabm", NOTHING, {})
        assert (options.get("precision") == "bfloat16") is has
        assert ("precision" in {each.subject for each in decisions}) is has
    assert "precision" not in settle(table, "mlp", NOTHING, {})[1]


def test_a_device_that_is_none_multiplies_nothing():
    assert multiplies_bfloat16("no such device") is False


def test_rolls_of_notes_are_read_by_recurrent_networks_with_a_recipe_of_their_own():
    piece = (torch.rand(3, 24, 8) > 0.6).float()
    data = Dataset("rolls", Series(8, 24), Frames(tuple("abcdefgh"), 24),
                   Examples({"inputs": {"series": piece, "lengths": torch.full((3,), 24)}, "targets": piece}))  # fmt: skip
    assert recipe_for(data, "tcn") is FRAMES and recipe_for(data, "gru") is RECURRENT_FRAMES
    assert RECURRENT_FRAMES.descent["learning_rate"] == 4 * FRAMES.descent["learning_rate"]
    assert nr.studies.untrained(data, "tcn")[0].network.feature_dim == 150
    method, given, _ = nr.studies.untrained(data, "lstm")
    assert method.network.feature_dim == 256 and given["epochs"] == 200
    assert nr.studies.untrained(data, "lstm", options={"width": "32"})[0].network.feature_dim == 32


def test_the_plan_names_options_as_the_command_line_does():
    data = nr.data.language(["to be or not to be " * 40], context=16)
    tiny = {"width": "16", "blocks": "1", "heads": "2"}
    method, _, decisions = nr.studies.untrained(data, "decoder", options=tiny, epochs=1)
    recipe = next(each for each in decisions if each.subject == "recipe")
    assert "schedule.floor 0.1" in recipe.choice and "--set optimizer.betas=" in recipe.override
    given = {**tiny, "optimizer.betas": "0.8,0.9", "schedule.floor": "0.2"}
    changed, _, _ = nr.studies.untrained(data, "decoder", options=given, epochs=1)
    assert method.descent.optimizer_options == {"betas": (0.9, 0.99)}
    assert changed.descent.optimizer_options == {"betas": (0.8, 0.9)}
    assert data.summary["splits"] == {name: len(each) for name, each in data.splits.items()}


def test_another_schedule_takes_none_of_the_options_of_the_recipes():
    table = nr.data.load("diabetes")
    options = settle(table, "realmlp", NOTHING, {"dropout_schedule": "constant"})[1]
    assert "dropout_schedule_options" not in options and options["weight_decay_schedule_options"] == {
        "flat": 0.5
    }
