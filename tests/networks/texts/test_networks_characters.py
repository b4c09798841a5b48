"""TextCharacters: naive Bayes over runs beside scikit-learn's count of them; what tokens spell; padding says nothing."""

from __future__ import annotations

import numpy
import pytest
import torch
from sklearn.feature_extraction.text import CountVectorizer

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.data.preparation.spelling import spelling
from neurarium.data.preparation.text import KINDS, Words
from neurarium.networks import TextCharacters

SAID = ["so good", "a good old film", "so bad", "bad old bore", "good"]
LABELS = [1, 1, 0, 0, 1]


def inputs(words, texts):
    rows = words.encode(texts)
    longest = max(map(len, rows))
    tokens = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    return {"tokens": tokens, "mask": tokens != 0}


def counted(shortest=2, longest=4):
    words = Words.train(SAID, 100)
    network = TextCharacters(words.size, 1, shortest, longest, buckets=1 << 20, strength=1.0)
    network.spell(spelling(words))
    network.count(inputs(words, SAID), torch.tensor(LABELS).float()[:, None])
    return words, network


def test_it_is_naive_bayes_over_the_runs_that_scikit_learn_counts():
    words, network = counted()
    vectors = CountVectorizer(analyzer="char", ngram_range=(2, 4), binary=True)
    table = vectors.fit_transform([f" {text} " for text in SAID]).toarray()
    empty = (1 << 20) - table.shape[1]  # places that no run has, each with the smoothing alone
    inside, outside = (table[numpy.array(LABELS) == label].sum(axis=0) + 0.5 for label in (1, 0))
    ratio = numpy.log(inside / (inside.sum() + 0.5 * empty)) - numpy.log(
        outside / (outside.sum() + 0.5 * empty)
    )
    new = ["a bad film", "so so"]
    held = vectors.transform([f" {text} " for text in new]).toarray()
    spelled = [f" {text} " for text in new]
    many = [
        len({each[at : at + size] for size in (2, 3, 4) for at in range(len(each) + 1 - size)})
        for each in spelled
    ]
    expected = held @ ratio / numpy.sqrt(many)
    assert network(inputs(words, new))[:, 0].tolist() == pytest.approx(expected.tolist(), abs=1e-3)


def test_texts_are_spelled_as_they_stand_and_padding_says_nothing():
    words, network = counted()
    found = network.characters(inputs(words, ["so good", "a"]))
    assert ["".join(map(chr, row)).rstrip("\0") for row in found.tolist()] == [" so good ", " a "]
    held = inputs(words, ["so good"])
    more = {name: torch.nn.functional.pad(each, (0, 3)) for name, each in held.items()}
    more["tokens"][:, -3:] = 3  # padding of any content
    torch.testing.assert_close(network(held), network(more))
    assert network(inputs(words, ["so good", "so good old"]))[0].tolist() == pytest.approx(
        network(held)[0].tolist()
    )


def test_a_text_of_nothing_has_the_bias_alone():
    _, network = counted()
    nothing = {"tokens": torch.zeros(2, 3, dtype=torch.int64), "mask": torch.zeros(2, 3, dtype=torch.bool)}
    assert network(nothing).tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("kind", ["words", "characters", "byte-pair", "word-piece"])
def test_every_tokenizer_spells_what_it_read(kind):
    tokenizer = KINDS[kind].train(["so good, so far", "good old film"] * 20, 300)
    pieces = spelling(tokenizer)
    told = "".join(pieces[code] for code in tokenizer.encode(["so good old film"])[0])
    assert len(pieces) == tokenizer.size and told.strip() == "so good old film"


def test_a_run_learns_endings_that_it_never_saw_as_words():
    stems = ("wal", "tal", "sin", "jum", "kic", "loo", "pla", "ru")
    rows = [
        (f"{stem}{ending}", label) for stem in stems for ending, label in (("king", "now"), ("ked", "then"))
    ]
    data = nr.data.table({"said": [a for a, _ in rows] * 6, "target": [b for _, b in rows] * 6}, "target",
                         text=("said",), tokenizer="byte-pair", vocabulary=280, length=12)  # fmt: skip
    run = nr.studies.train(data, "text-characters", epochs=2, progress=False)
    assert nr.studies.predict(run, {"said": ["barking", "barked"]})["prediction"].to_list() == ["now", "then"]
    assert any("runs of characters" in each.choice for each in run.decisions if each.subject == "start")


@pytest.mark.parametrize(
    "options", [{"shortest": 4, "longest": 3}, {"buckets": 0}, {"vocabulary": 0}, {"letters": 0}]
)
def test_what_cannot_be(options):
    with pytest.raises(OptionError, match="counted so"):
        TextCharacters(**{"vocabulary": 5, "outputs": 1, **options})
