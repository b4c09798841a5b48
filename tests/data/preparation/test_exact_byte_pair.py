"""Exact byte pairs: every text comes back as it was, whatever it was trained on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("tokenizers")
from neurarium.core.errors import ArtifactError
from neurarium.data.preparation.exact_byte_pair import ExactBytePair

PAIRS = ExactBytePair.train(["The quick brown fox. שלום עולם! Ünïcode 😀"] * 3, 320)


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_the_original_text_comes_back(text):
    codes, places = PAIRS.places(text)
    assert PAIRS.decode(codes) == text
    assert len(places) == len(codes) and places == sorted(places)


def test_names_of_special_tokens_are_text():
    codes = PAIRS.encode(["[padding] [unknown]"])[0]
    assert 0 not in codes and 1 not in codes and PAIRS.decode(codes) == "[padding] [unknown]"


def test_it_learns_merges_and_survives_saving():
    assert len(PAIRS.encode(["The quick brown"])[0]) < 12
    again = ExactBytePair.from_text(PAIRS.to_text())
    assert again.places("[padding] The fox") == PAIRS.places("[padding] The fox")
    assert 258 < again.size == PAIRS.size <= 320
    with pytest.raises(ArtifactError, match="damaged"):
        ExactBytePair("{}")
