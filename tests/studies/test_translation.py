"""Translation end to end on a small language: learned, decoded, measured, aligned, saved, read again."""

from __future__ import annotations

import json

import pytest
import torch

import neurarium as nr
from neurarium.core.errors import DataError, OptionError, RefusalError
from neurarium.metrics import BLEU, ROUGEL
from neurarium.studies.prediction.alignment import diagonal_mass

NOUNS = {"Hund": "dog", "Katze": "cat", "Mann": "man", "Frau": "woman"}
VERBS = {"rennt": "runs", "schläft": "sleeps", "isst": "eats", "liest": "reads"}
PLACES = {"hier": "here", "dort": "there", "heute": "today"}
PAIRS = [
    (f"ein {n} {v} {p} gern", f"one {NOUNS[n]} {VERBS[v]} {PLACES[p]} gladly")
    for n in NOUNS
    for v in VERBS
    for p in PLACES
]


def data(task="translation"):
    rows = {"de": [de for de, _ in PAIRS] * 8, "en": [en for _, en in PAIRS] * 8}
    return nr.data.text_pairs(
        rows, text="de", target="en", tokenizer="words", task=task, validation=0.1, test_fraction=0.1
    )


def learn(network="encoder-decoder", task="translation", **more):
    options = {"width": 32, "dropout": 0.0, "learning_rate": 5e-3}
    return nr.studies.train(
        data(task),
        network,
        options=options,
        epochs=8,
        batch_size=32,
        precision="float32",
        progress=False,
        **more,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return learn(out=tmp_path_factory.mktemp("runs") / "run")


@pytest.mark.parametrize("network", ["encoder-decoder", "seq2seq-lstm"])
def test_it_learns_to_translate(network, run):
    run = run if network == "encoder-decoder" else learn(network)
    found = run.results["test"]
    assert found["bleu"] > 95 and found["perplexity"] < 1.3 and found["token_accuracy"] > 0.95
    assert run.reports["test"].headline == "bleu" and "bleu" in run.reports["test"].intervals
    assert nr.studies.translate(run, ["ein Frau liest dort gern", "ein Hund isst heute gern"])[
        "prediction"
    ].to_list() == ["one woman reads there gladly", "one dog eats today gladly"]  # fmt: skip


def test_the_metrics_are_those_of_decoded_texts(run):
    dataset = run.data
    said = nr.studies.translate(run, dataset.test.sources)["prediction"].to_list()
    metric = BLEU(tokenize="13a")
    metric.update(said, dataset.test.goals)
    assert run.results["test"]["bleu"] == pytest.approx(metric.compute())
    sacrebleu = pytest.importorskip("sacrebleu")
    assert run.results["test"]["bleu"] == pytest.approx(
        sacrebleu.corpus_bleu(said, [dataset.test.goals]).score
    )


def test_summaries_are_measured_by_rouge():
    run = learn("seq2seq-lstm", "summarization")
    found = run.results["test"]
    assert {"rouge_1", "rouge_2", "rouge_l"} <= set(found) and "bleu" not in found
    said = nr.studies.translate(run, run.data.test.sources)["prediction"].to_list()
    metric = ROUGEL()
    metric.update(said, run.data.test.goals)
    assert found["rouge_l"] == pytest.approx(metric.compute()) and found["rouge_l"] > 0.95


def test_the_folder_translates_and_measures_as_the_run_did(run):
    loaded = nr.load(run.folder)
    texts = ["ein Mann schläft hier gern", "", "ein Katze rennt heute gern"]
    assert nr.studies.translate(loaded, texts).equals(nr.studies.translate(run, texts))
    assert nr.studies.predict(loaded, texts).equals(nr.studies.translate(run, texts))
    held = json.loads((run.folder / "results.json").read_text())["metrics"]["test"]
    report = nr.studies.evaluate(loaded, run.data)
    assert report.metrics["bleu"] == pytest.approx(held["bleu"])
    kept = json.loads((run.folder / "evaluation" / "test.json").read_text())["texts"]
    assert {each["kind"] for each in kept} == {"typical", "worst"} and set(kept[0]) >= {
        "source",
        "wanted",
        "said",
    }


def test_raw_pairs_are_evaluated_and_texts_alone_are_not(run):
    report = nr.studies.evaluate(
        run, {"de": ["ein Hund rennt hier gern"] * 3, "en": ["one dog runs here gladly"] * 3}
    )
    assert report.metrics["bleu"] > 99
    assert report.examples == 3
    with pytest.raises(DataError, match="targets"):
        nr.studies.evaluate(run, ["Hund rennt hier"])


def test_an_empty_text_has_an_empty_translation_and_order_is_kept(run):
    texts = ["Hund rennt hier", "", "Katze", "Frau liest dort"]
    together = nr.studies.translate(run, texts, batch_size=2)
    alone = [nr.studies.translate(run, [text])["prediction"][0] for text in texts]
    assert together["prediction"].to_list() == alone and alone[1] == ""


def test_more_beams_find_likelier_texts(run):
    texts = ["Hund Hund liest", "Frau hier hier", "rennt Katze"]  # nothing that was learned
    scores = [nr.studies.translate(run, texts, beam=beam)["score"].sum() for beam in (1, 8)]
    assert scores[1] >= scores[0] - 1e-6


def test_the_alignment_finds_the_words(run):
    found = nr.studies.align(learn("seq2seq-lstm"), "ein Frau liest dort gern")
    assert (found.source, found.goal) == (
        ["ein", "Frau", "liest", "dort", "gern"],
        ["one", "woman", "reads", "there", "gladly"],
    )
    torch.testing.assert_close(found.weights.sum(1), torch.ones(5))
    assert nr.studies.align(run, "ein Frau liest dort gern").weights.shape == (5, 5)
    assert found.to_json()["weights"] == [
        [round(float(each), 4) for each in row] for row in found.weights.tolist()
    ]
    with pytest.raises(DataError, match="empty"):
        nr.studies.align(run, "  ")


def test_the_mass_about_the_diagonal():
    assert diagonal_mass(torch.eye(12)) == 1.0
    assert diagonal_mass(torch.eye(12).flip(0)) < 0.4
    uniform = diagonal_mass(torch.ones(40, 40))
    assert uniform == pytest.approx((40 * 7 - 12) / 1600)  # seven of forty in a row, fewer at the ends
    stretched = torch.zeros(5, 9)
    stretched[torch.arange(5), 2 * torch.arange(5)] = 1.0
    assert diagonal_mass(stretched, 0.0) == 1.0


def test_byte_pairs_are_joined_to_words():
    pytest.importorskip("tokenizers")
    from neurarium.data.preparation.text import BytePair
    from neurarium.studies.prediction.alignment import words_of

    tokenizer = BytePair.train(["aa bb", "aab bba"] * 9, 270)
    places, words = words_of(tokenizer, tokenizer.encode(["aab zebra!"])[0])
    assert words[0] == "aab" and words[1].startswith("zebra") and places == sorted(places) and len(places) > 2


def test_other_runs_write_no_texts():
    iris = nr.studies.train(nr.data.load("iris"), "mlp", epochs=1, progress=False)
    with pytest.raises(OptionError, match="writes no texts"):
        nr.studies.translate(iris, ["a"])


def test_networks_of_classes_refuse_texts():
    with pytest.raises(RefusalError, match="Text"):
        nr.studies.train(data(), "text-cnn", epochs=1, progress=False)


@pytest.mark.parametrize("score", ["dot", "cosine", "general", "additive"])
def test_every_score_trains_from_an_option(score):
    options = {"width": 16, "blocks": 1, "score": score, "heads": 2}
    run = nr.studies.train(
        data(), "encoder-decoder", options=options, epochs=2, progress=False, evaluate=False
    )
    rows = run.history
    assert rows[-1]["validation"]["loss"] < rows[0]["validation"]["loss"]
    assert type(run.network.decoder[0].cross.score).__name__.lower().startswith(score.replace("-", ""))
