"""Texts end to end: Tokens from a table, prediction of a literal, and which tokens were looked at."""

from __future__ import annotations

import re

import pytest
import torch

import neurarium as nr
from neurarium.core.errors import DataError, NeurariumError, OptionError, RefusalError
from neurarium.data.specs import Mixed, Tokens
from neurarium.report.attention_page import render_attention
from neurarium.studies.prediction.text_attention import text_row

GOOD, BAD = ("great", "lovely", "fine"), ("awful", "boring", "poor")
ROWS = [(f"the {noun} was {word} and we saw it", word in GOOD) for noun in ("film", "play", "book", "song", "show")
        for word in (*GOOD, *BAD)] * 6  # fmt: skip
TABLE = {"review": [said for said, _ in ROWS], "liked": ["yes" if good else "no" for _, good in ROWS]}


def trained(network, options=None, **more):
    data = nr.data.table(TABLE, "liked", text=("review",), tokenizer="words")
    return nr.studies.train(data, network, options=options or {}, progress=False, **more)


@pytest.fixture(scope="module")
def bag():
    return trained("text-bag", {"width": 16, "learning_rate": 0.02}, epochs=15)


def test_a_text_alone_becomes_tokens_and_beside_numbers_a_mixed_row():
    data = nr.data.table(TABLE, "liked", text=("review",), tokenizer="words")
    assert isinstance(data.inputs, Tokens) and data.inputs.length == 8
    taken = data.train[:3]["inputs"]
    assert (
        set(taken) == {"tokens", "mask"}
        and taken["tokens"].dtype == torch.int64
        and bool(taken["mask"].all())
    )
    more = nr.data.table({**TABLE, "stars": list(range(len(ROWS)))}, "liked", text=("review",), tokenizer="words",
                         types={"stars": "numeric"})  # fmt: skip
    assert isinstance(more.inputs, Mixed)


def test_a_run_on_texts_is_loaded_and_predicts_the_same(bag, tmp_path):
    run = trained("text-cnn", {"width": 8, "maps": 4}, epochs=2, out=tmp_path / "run")
    text = {"review": ["the film was great", "an awful play"]}
    before = nr.studies.predict(run, text)
    after = nr.studies.predict(nr.load(tmp_path / "run"), text)
    assert before.equals(after) and before.height == 2


def test_the_bag_looks_at_the_word_that_decides(bag):
    assert nr.studies.predict(bag, {"review": ["the film was great", "the film was awful"]})[
        "prediction"
    ].to_list() == ["yes", "no"]
    found = nr.studies.attend(bag, "the film was awful")
    assert found.tokens == ["the", "film", "was", "awful"] and sum(found.weights) == pytest.approx(
        1, abs=1e-5
    )
    assert found.weights[3] > 0.4 and found.matrices is None


def test_a_transformer_shows_its_blocks_on_a_page():
    run = trained("transformer", {"width": 16, "heads": 2, "blocks": 2}, epochs=1)
    found = nr.studies.attend(run, "the <b>film</b> was great and we saw it twice")
    assert found.cut == 16 - 8  # nine words and seven pieces of tags, of which eight are read
    assert found.gap == 4 and found.to_json()["gap"] == 4  # four from the beginning, four from the end
    marks = re.findall(r"<span[^>]*>([^<]*)</span>", render_attention(found, {"prediction": "yes"}))
    assert marks.index("…") == 4
    assert found.matrices.shape == (2, 2, 9, 9) and found.labels[0] == "[class]"
    torch.testing.assert_close(found.matrices.sum(-1), torch.ones(2, 2, 9))
    page = render_attention(found, {"prediction": "yes", "probability_yes": 0.75})
    assert page.count("<rect") >= 2 * 81 and "<b>film" not in page and "0.7500" in page


def test_a_mixture_shows_the_attention_of_those_that_have_it_and_says_so():
    run = trained("text-ensemble", {"width": 8, "maps": 4, "cnns": 1, "buckets": 64}, epochs=1)
    found = nr.studies.attend(run, "the film was great")
    fitted = run.preparation.texts[0][2]
    bag = run.network.networks[-1].token_weights(fitted.batch(fitted.encode(["the film was great"])))[0]
    assert found.weights == pytest.approx(bag[:4].tolist(), abs=1e-6)
    assert found.of == "TextBag, 1 of the 4 networks that are averaged"
    assert found.of in render_attention(found, {"prediction": "yes"}) and found.to_json()["of"] == found.of
    without = trained("text-ensemble", {"width": 8, "maps": 4, "bags": 0, "buckets": 64}, epochs=1)
    with pytest.raises(RefusalError, match=r"TextEnsemble has no attention"):
        nr.studies.attend(without, "the film was great")


def test_an_ensemble_gives_the_mean_of_its_members():
    run = trained("text-bag", {"width": 8}, epochs=1, ensemble=2)
    found = nr.studies.attend(run, "the film was great")
    inputs = run.preparation.texts[0][2].batch(run.preparation.texts[0][2].encode(["the film was great"]))
    each = torch.stack([network.token_weights(inputs)[0] for network in run.network.networks])
    assert found.weights == pytest.approx(each.mean(0)[:4].tolist(), abs=1e-6)


def test_a_network_without_attention_is_refused_by_name():
    run = trained("text-cnn", {"width": 8, "maps": 4}, epochs=1)
    with pytest.raises(RefusalError, match="'text-cnn' has no attention: it pools by 'max'"):
        nr.studies.attend(run, "the film was great")


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_text_is_an_error(bag, text):
    with pytest.raises(DataError, match="empty"):
        nr.studies.attend(bag, text)


def test_runs_that_are_not_of_texts_alone_are_refused():
    run = nr.studies.train(nr.data.load("iris"), "mlp", epochs=1, progress=False)
    with pytest.raises(OptionError, match="for runs that were trained on texts"):
        text_row(run, "a text")


def test_texts_that_are_all_equal_or_empty_are_errors_or_named():
    with pytest.raises(NeurariumError, match="empty"):
        nr.data.table({"review": [""] * 20, "liked": ["yes", "no"] * 10}, "liked", text=("review",))
    with pytest.raises(NeurariumError, match="revue"):
        nr.data.table(TABLE, "liked", text=("revue",))
    with pytest.raises(NeurariumError, match="equal"):
        nr.data.table({"review": ["so"] * 20, "liked": ["yes", "no"] * 10}, "liked", text=("review",))


def test_folders_of_texts(tmp_path):
    for part, count in (("train", 12), ("test", 4)):
        for label in ("neg", "pos"):
            (tmp_path / part / label).mkdir(parents=True)
            for number in range(count):
                word = BAD[number % 3] if label == "neg" else GOOD[number % 3]
                (tmp_path / part / label / f"{number:02}.txt").write_text(f"Füm {number} was {word}")
    data = nr.studies.read_data(tmp_path)
    assert {name: len(part) for name, part in data.splits.items()} == {
        "train": 20,
        "validation": 4,
        "test": 8,
    }
    assert data.targets.names == ("neg", "pos") and isinstance(data.inputs, Tokens)
    notes = data.preparation.apply(tmp_path / "test")[1]
    assert len(notes["files"]) == 8
    (tmp_path / "train" / "pos" / "00.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NeurariumError):
        nr.studies.read_data(tmp_path)
