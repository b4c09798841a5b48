"""Tags of new sentences: any script, any length, words that nobody saw, nothing at all."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import neurarium as nr
from neurarium.core.errors import DataError, OptionError
from neurarium.data.dataset import Decision
from neurarium.studies.planning.reading import read_again
from neurarium.studies.prediction.tagging import words_of

ROWS = {"tokens": [["Anna", "sings"], ["a", "dog", "barks"]] * 12, "tags": [["N", "V"], ["D", "N", "V"]] * 12}


@pytest.fixture(scope="module")
def run():
    return nr.studies.train(nr.data.tagged(ROWS), epochs=6, options={"width": 8}, progress=False)


@pytest.mark.parametrize(
    "words", [["🎵", "🎶🎶"], ["كلب", "ينبح"], ["naïve", "Ångström"], ["x" * 5000], ["a", "dog"] * 400]
)
def test_every_word_gets_a_tag(run, words):
    frame = nr.studies.predict_tags(run, [words, ["a"]])[0]
    assert frame["word"].to_list() == [*words, "a"] and set(frame["prediction"]) <= {"D", "N", "V"}
    assert frame["probability"].is_between(0, 1).all()


def test_a_long_sentence_and_others_beside_it_change_no_tag(run):
    alone = nr.studies.predict_tags(run, [["a", "dog", "barks"]])[0]
    beside = nr.studies.predict_tags(run, [["a", "dog", "barks"], ["a"] * 300])[0].filter(sentence=1)
    assert alone["prediction"].equals(beside["prediction"])
    assert (alone["probability"] - beside["probability"]).abs().max() < 1e-5


def test_nothing_is_said_to_be_nothing(run, tmp_path):
    with pytest.raises(DataError, match="the text is empty"):
        words_of(" \n")
    (tmp_path / "empty.txt").write_text("\n\n")
    with pytest.raises(DataError, match="no sentence"):
        nr.studies.predict_tags(run, tmp_path / "empty.txt")
    (tmp_path / "one.txt").write_text("a dog barks\nAnna sings\n")
    assert nr.studies.predict_tags(run, tmp_path / "one.txt")[0]["sentence"].to_list() == [1, 1, 1, 2, 2]


def test_other_runs_give_no_tags():
    iris = nr.studies.train(nr.data.load("iris"), "mlp", options={"widths": "4"}, epochs=1, progress=False)
    with pytest.raises(OptionError, match="no tags"):
        nr.studies.predict_tags(iris, [["a"]])


@pytest.mark.parametrize(("network", "inputs"), [("lstm", "Tokens"), ("bilstm-crf", "Words")])
def test_the_data_of_a_run_is_read_again_for_the_network_that_was_planned(tmp_path, network, inputs):
    """Runs of before letters were read had an LSTM by default, and say so in their plan alone."""
    path = tmp_path / "a.conll"
    path.write_text("Anna B-x\nsings O\n\n" * 20)
    plan = [Decision("network", network, "", "--network")]
    run = SimpleNamespace(config={"data": str(path)}, decisions=plan, summary={}, folder=None)
    assert type(read_again(run).inputs).__name__ == inputs
