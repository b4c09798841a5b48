"""TextNgrams: naive Bayes beside a count in NumPy, then learned; each n-gram once; what is padding counts for nothing."""

from __future__ import annotations

import math

import numpy
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.specs import Classes, Quantity, Tokens
from neurarium.networks import TextNgrams

TEXTS = [[2, 3, 4], [2, 5, 0], [6, 6, 6], [6, 3, 0]]
LABELS = [1, 1, 0, 0]


def batch(rows):
    tokens = torch.tensor(rows)
    return {"tokens": tokens, "mask": tokens != 0}


def held(targets, labels=LABELS):
    examples = Examples({"inputs": batch(TEXTS), "targets": torch.tensor(labels)})
    return Dataset("texts", Tokens(8, 3), targets, examples)


def test_words_alone_are_naive_bayes():
    network = TextNgrams(8, 1, ngrams=1, smoothing=0.5, strength=1.0)
    assert "4 training texts" in network.start_from(held(Classes(("no", "yes"))))
    inside, outside = numpy.full(8, 0.5), numpy.full(8, 0.5)
    for text, label in zip(TEXTS, LABELS, strict=True):
        for word in set(text) - {0}:
            (inside if label else outside)[word] += 1
    ratio = numpy.log(inside / inside.sum()) - numpy.log(outside / outside.sum())
    said = network(batch([[2, 6, 0], [3, 3, 3]]))[:, 0].tolist()
    assert said == pytest.approx([(ratio[2] + ratio[6]) / 2**0.5, ratio[3]], abs=1e-5)


def test_a_class_of_several_is_one_against_the_rest():
    network = TextNgrams(8, 3, ngrams=1, strength=1.0)
    network.start_from(held(Classes(("a", "b", "c")), [0, 0, 1, 2]))
    alone = TextNgrams(8, 1, ngrams=1, strength=1.0)
    alone.start_from(held(Classes(("no", "yes")), [1, 1, 0, 0]))
    inputs = batch([[2, 6, 0]])
    torch.testing.assert_close(network(inputs)[:, 0], alone(inputs)[:, 0])


def test_pairs_know_the_order_and_padding_counts_for_nothing():
    network = TextNgrams(8, 1, ngrams=2, buckets=1 << 12)
    network.start_from(held(Classes(("no", "yes"))))
    assert (network(batch([[2, 3]])) - network(batch([[3, 2]]))).abs() > 0.05
    torch.testing.assert_close(network(batch([[2, 3]])), network(batch([[2, 3, 0, 0]])))
    assert float(network(batch([[0, 0]]))) == 0 and math.isfinite(float(network(batch([[7, 7]]))))


def test_without_classes_it_starts_as_a_linear_bag():
    network = TextNgrams(8, 1)
    assert network.start_from(held(Quantity(("y",)))) is None
    assert (network.weight == 0).all() and (network.ratio == 1).all()


def test_a_run_starts_from_its_counts_and_says_so(tmp_path):
    words = {"yes": ("great", "fine", "lovely"), "no": ("poor", "awful", "dull")}
    rows = [(f"the {noun} was {word}", label) for noun in ("film", "play", "song", "book", "show", "act")
            for label, said in words.items() for word in said] * 3  # fmt: skip
    data = nr.data.table(
        {"said": [a for a, _ in rows], "target": [b for _, b in rows]},
        "target",
        text=("said",),
        tokenizer="words",
    )
    options = {"strength": 0.3, "learning_rate": 1e-4}
    run = nr.studies.train(
        data, "text-ngrams", options=options, epochs=1, progress=False, out=tmp_path / "run"
    )
    assert run.results["test"]["accuracy"] == 1.0  # one epoch at this rate moves nothing: the counts do it
    assert any(each.subject == "start" and "log-count ratios" in each.choice for each in run.decisions)
    again = nr.Run.load(tmp_path / "run")
    assert nr.studies.predict(again, {"said": ["a lovely song"]})["prediction"].to_list() == ["yes"]
    mixed = nr.studies.train(data, "text-ensemble", options={"width": 8, "maps": 4}, epochs=2, progress=False)
    assert mixed.results["test"]["accuracy"] > 0.9 and len(mixed.network.networks) == 4


@pytest.mark.parametrize("options", [{"ngrams": 4}, {"buckets": 0}, {"smoothing": 0.0}, {"vocabulary": 0}])
def test_what_cannot_be(options):
    with pytest.raises(OptionError, match="counted so"):
        TextNgrams(**{"vocabulary": 5, "outputs": 1, **options})
