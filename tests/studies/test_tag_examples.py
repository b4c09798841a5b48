"""Tag examples: the usual tag of each word beside a loop in Python, the sentences that are shown, and the page with both."""

from __future__ import annotations

import collections

import pytest
import torch

import neurarium as nr
from neurarium.core.errors import DataError
from neurarium.data.preparation.tagged import Sentences
from neurarium.metrics import SpanF1
from neurarium.report.page import render
from neurarium.report.sentences import sentences
from neurarium.studies.examination.tag_examples import usual_tags, worst_sentences
from neurarium.studies.prediction.seen import Seen, predictions_of


@pytest.fixture(scope="module")
def run(tagged_corpus):
    held = tagged_corpus.corpus(120)
    rows = {
        "tokens": [[w for w, _ in each] for each in held],
        "tags": [[t for _, t in each] for each in held],
    }
    return nr.studies.train(nr.data.tagged(rows), epochs=2, options={"width": 16}, progress=False)


def test_the_usual_tag_is_that_of_counting(run):
    data = run.data
    counts = collections.defaultdict(collections.Counter)
    whole = collections.Counter()
    for codes, tags in zip(*(data.train.batch[key].tolist() for key in ("inputs", "targets")), strict=True):
        for code, tag in zip(codes, tags, strict=True):
            if tag >= 0:
                counts[code][tag] += 1
                whole[tag] += 1
    best = lambda held: min(held, key=lambda tag: (-held[tag], tag))  # noqa: E731
    said = [
        [best(counts[code]) if counts[code] else best(whole) for code in row]
        for row in data.test.batch["inputs"].tolist()
    ]
    (found,) = usual_tags(data, "test", predictions_of(run.method, data.test), resamples=50)
    names = data.targets.names
    wanted = SpanF1(names).value(torch.tensor(said), data.test.batch["targets"].long())
    assert found["metrics"]["span_f1"] == pytest.approx(wanted, abs=1e-12) and wanted > 0.3
    gap = run.results["test"]["span_f1"] - wanted
    assert found["difference"][0] == pytest.approx(gap, abs=1e-9)
    assert found["intervals"]["span_f1"][0] < wanted < found["intervals"]["span_f1"][1]


def test_the_sentences_with_the_most_wrong_tags_come_first():
    words = [["a"], ["b", "c"], ["d", "e", "f"]]
    batch = {"inputs": torch.tensor([[1, 0, 0], [1, 1, 0], [1, 1, 1]]),
             "targets": torch.tensor([[0, -1, -1], [0, 1, -1], [1, 1, 0]])}  # fmt: skip
    examples = Sentences(batch, words)
    said = torch.tensor([[0, 1, 1], [1, 0, 0], [1, 0, 0]])
    targets = nr.data.specs.Tags(("O", "B-X"), 3)
    found = worst_sentences(examples, Seen(said, batch["targets"], None, None), targets, [7, 8, 9])
    assert [(each["words"], each["wrong"]) for each in found] == [(["b", "c"], 2), (["d", "e", "f"], 1)]
    assert found[0] == {"words": ["b", "c"], "truth": ["O", "B-X"], "said": ["B-X", "O"], "wrong": 2,
                        "note": "sentence 9 of the source"}  # fmt: skip
    assert examples.subset([2]).words == [["d", "e", "f"]]
    html = sentences({"sentences": found, "split": "test"})
    assert "<span class='word wrong'><small>B-X</small><b>b</b>" in html and html.count("word wrong") == 3
    assert "<span class=word><small>B-X</small><b>d</b></span>" in html
    evil = [{**found[0], "words": ["<script>", "x"]}]
    assert "<script>" not in sentences({"sentences": evil, "split": "test"})


def test_the_page_has_spans_the_baseline_and_sentences_and_leaves_nothing_out(run):
    found = nr.studies.examine(run)
    assert found["left_out"] == {} and found["baselines"][0]["kind"] == "naive"
    page = render(run)
    for words in ("the usual tag of each word", "Worst sentences", "metrics of each type of span"):
        assert words in page
    report = nr.studies.evaluate(run)
    assert set(report.spans) == {"PER", "LOC"} and "spans of" in str(report)
    again = type(report).from_json(report.to_json())
    assert again.spans == report.spans


def test_a_tag_that_training_has_not_is_named_where_it_is_measured(run):
    with pytest.raises(DataError, match="sentence 2 has the tag B-GOD, which no training sentence has"):
        nr.studies.evaluate(run, {"tokens": [["a"], ["Zeus"]], "tags": [["O"], ["B-GOD"]]})
    with pytest.raises(DataError, match="the words have no tags"):
        nr.studies.evaluate(run, [["a", "b"]])
