"""Error rates of transcripts equal torchmetrics', over texts and over their counts."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.core.errors import ShapeError
from neurarium.data.specs import Transcript
from neurarium.metrics import CharacterErrorRate, TranscriptErrorRate, WordErrorRate, metrics_for
from neurarium.metrics.error_rate import counted

WORDS = st.lists(st.sampled_from(["the", "cat", "cap", "sat", "a"]), min_size=1, max_size=5).map(" ".join)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4))
@settings(max_examples=20)
def test_they_equal_torchmetrics(pairs):
    text = pytest.importorskip("torchmetrics.functional.text")
    said, truth = [each[0] for each in pairs], [each[1] for each in pairs]
    assert CharacterErrorRate().value(said, truth) == pytest.approx(
        float(text.char_error_rate(said, truth)), abs=1e-6
    )
    assert WordErrorRate().value(said, truth) == pytest.approx(
        float(text.word_error_rate(said, truth)), abs=1e-6
    )
    wrong = sum(one != other for one, other in pairs) / len(pairs)
    assert TranscriptErrorRate().value(said, truth) == pytest.approx(wrong)


def test_counts_are_as_good_as_texts_and_rates_may_be_above_one():
    said, truth = ["a cat", "", "xyz xyz"], ["the cat", "dog", "q"]
    found = metrics_for(Transcript(("a",), 3))
    found.update(counted(said, truth), torch.zeros(3))
    values = found.compute()
    assert values["character_error_rate"] == CharacterErrorRate().value(said, truth) == pytest.approx(13 / 11)
    assert (
        values["word_error_rate"] == pytest.approx((1 + 1 + 2) / 4) and values["transcript_error_rate"] == 1
    )


def test_refusals():
    with pytest.raises(ShapeError, match="sequences of texts"):
        WordErrorRate().value("a", "b")
    with pytest.raises(ShapeError, match="as many targets"):
        WordErrorRate().value(["a"], ["b", "c"])
    with pytest.raises(ShapeError, match="counts"):
        WordErrorRate().value(torch.zeros(3, 2), torch.zeros(3))
    with pytest.raises(ShapeError, match="one weight"):
        WordErrorRate().value(["a"], ["b"], torch.ones(2))
