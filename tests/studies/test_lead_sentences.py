"""Lead sentences: where they end, what they are worth by ROUGE, the network's difference under the same resamples, the page."""

from __future__ import annotations

import pytest

import neurarium as nr
from neurarium.metrics import ROUGE1, ROUGEL
from neurarium.report.page import render
from neurarium.studies.evaluation.lead_sentences import lead, lead_baselines

TEXT = 'One is here. Two is "there!" Three (is) gone?\nFour stays. Five'


@pytest.mark.parametrize(
    ("text", "count", "said"),
    [
        (TEXT, 1, "One is here."),
        (TEXT, 2, 'One is here. Two is "there!"'),
        (TEXT, 3, 'One is here. Two is "there!" Three (is) gone?'),
        (TEXT, 9, TEXT),
        ("no stop at all", 1, "no stop at all"),
        ("3.5 degrees. Cold.", 1, "3.5 degrees."),
        ("a title\nA sentence.", 1, "a title"),
        ("", 1, ""),
    ],
)
def test_where_sentences_end(text, count, said):
    assert lead(text, count) == said


def test_they_are_measured_as_the_network_is():
    sources = ["The cat sat. It slept. It woke. It ate.", "Dogs bark. Cats do not."] * 20
    wanted = ["the cat sat", "dogs and cats bark"] * 20
    said = ["the cat ate", "dogs bark"] * 20
    one, three = lead_baselines(
        sources, wanted, said, {"rouge_1": ROUGE1(), "rouge_l": ROUGEL()}, resamples=200
    )
    assert (one["kind"], three["name"]) == ("lead-1", "the first 3 sentences")
    assert one["metrics"]["rouge_l"] == pytest.approx(
        ROUGEL().value(["The cat sat.", "Dogs bark."] * 20, wanted)
    )
    assert one["metrics"]["rouge_l"] == pytest.approx((1 + 2 / 3) / 2)
    gap, low, high = one["difference"]
    assert (
        gap == pytest.approx(ROUGEL().value(said, wanted) - one["metrics"]["rouge_l"]) and low <= gap <= high
    )
    low, high = one["intervals"]["rouge_l"]
    assert low < one["metrics"]["rouge_l"] < high
    assert lead_baselines(sources, wanted, said, {"rouge_l": ROUGEL()}, resamples=0)[0]["intervals"] == {}


def test_a_run_has_them_in_its_report(tmp_path):
    texts = [f"Number {each} is called. Nobody knows why. It rains." for each in range(120)]
    rows = {"text": texts, "summary": [f"number {each} is called" for each in range(120)]}
    data = nr.data.text_pairs(rows, text="text", target="summary", task="summarization", tokenizer="words")
    run = nr.studies.train(
        data,
        "seq2seq-lstm",
        options={"width": 8, "embedding": 8},
        epochs=1,
        progress=False,
        out=tmp_path / "run",
    )
    found = nr.studies.examine(run)
    one, three = found["baselines"]
    assert one["metrics"]["rouge_l"] == 1.0 and three["metrics"]["rouge_l"] < 0.7
    assert found["split"] == "test" and one["difference"][0] == pytest.approx(
        run.results["test"]["rouge_l"] - 1
    )
    page = render(nr.load(tmp_path / "run"))
    assert "the first sentence" in page and "Worse than the first sentence" in page
    held = nr.studies.evaluate(nr.load(tmp_path / "run"), data)
    assert held.beside[0]["metrics"] == one["metrics"]
