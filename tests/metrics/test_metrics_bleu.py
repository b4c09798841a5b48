"""BLEU against sacrebleu."""

from __future__ import annotations

import math

import pytest
import sacrebleu
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.core.errors import DataError, OptionError, ShapeError
from neurarium.metrics import BLEU
from neurarium.metrics.bleu import references, split_13a

SENTENCE = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=9).map(" ".join)


@pytest.mark.parametrize(("ours", "theirs"), [("exponential", "exp"), ("none", "none")])
@given(st.lists(st.tuples(SENTENCE, SENTENCE, SENTENCE), min_size=1, max_size=6))
@settings(max_examples=36, deadline=None, derandomize=True)
def test_it_is_sacrebleus(ours, theirs, corpus):
    translations, *both = (list(column) for column in zip(*corpus, strict=True))
    for used in (both[:1], both):
        expected = sacrebleu.corpus_bleu(
            translations, used, tokenize="none", smooth_method=theirs, force=True
        ).score
        targets = [list(each) for each in zip(*used, strict=True)]
        found = BLEU(smoothing=ours).value(translations, targets)
        assert found == pytest.approx(expected, abs=1e-8)
        tokens = [each.split() for each in translations]
        assert BLEU(smoothing=ours).value(tokens, [[r.split() for r in t] for t in targets]) == pytest.approx(
            found
        )


TEXTS = (
    "It's 3.5% of the U.S. market, isn't it? (Yes - no...)",
    'He said: "one, two" &amp; left the well-known place at 10-11 o\'clock!',
    "Prices rose by 1,000.50 $ -- <b>really</b>",
)


@pytest.mark.parametrize("text", TEXTS)
def test_its_tokens_are_sacrebleus(text):
    assert split_13a(text) == sacrebleu.BLEU(tokenize="13a").tokenizer(text).split()


@pytest.mark.parametrize("lowercase", [False, True])
def test_plain_text_is_scored_as_sacrebleu_does_by_default(lowercase):
    other = ["It's 3.5% of the us market, isn't it? (Yes.)", *TEXTS[1:]]
    expected = sacrebleu.corpus_bleu(other, [list(TEXTS)], lowercase=lowercase).score
    assert BLEU(tokenize="13a", lowercase=lowercase).value(other, list(TEXTS)) == pytest.approx(
        expected, abs=1e-8
    )


def test_it_is_no_mean_over_sentences():
    metric = BLEU()
    metric.update(["a b c d e"], ["a b c d e"])
    metric.update(["x y"], ["p q"])
    assert metric.compute() == pytest.approx(BLEU().value(["a b c d e", "x y"], ["a b c d e", "p q"]))
    assert metric.compute() != pytest.approx(50.0, abs=1)


def test_token_indices_without_padding():
    predictions = torch.tensor([[1, 2, 3, 4, 0, 0], [5, 6, 7, 8, 9, 0]])
    targets = torch.tensor([[1, 2, 3, 4, 0], [5, 6, 7, 8, 1]])
    found = BLEU(padding=0).value(predictions, targets)
    assert found == pytest.approx(BLEU().value(["1 2 3 4", "5 6 7 8 9"], ["1 2 3 4", "5 6 7 8 1"]))


def test_references_take_the_form_of_their_translation():
    assert references(["a", "cat"], like="a cat") == ["a", "cat"]
    assert references(["a", "cat"], like=["a", "cat"]) == [["a", "cat"]]
    assert references([[1, 2], [3]], like=[1, 2]) == [[1, 2], [3]]


def test_nothing_and_nonsense():
    assert BLEU().value(["", ""], ["a b", "c"]) == 0.0
    assert math.isnan(BLEU().compute())
    with pytest.raises(DataError, match="no reference"):
        BLEU().value(["a"], [[]])
    with pytest.raises(ShapeError, match="as many targets"):
        BLEU().value(["a"], ["a", "b"])
    with pytest.raises(ShapeError, match="sequence of texts"):
        BLEU().value("a cat", "a cat")
    with pytest.raises(OptionError):
        BLEU(order=0)
    with pytest.raises(OptionError, match="no weights"):
        BLEU().value(["a"], ["a"], torch.ones(1))
