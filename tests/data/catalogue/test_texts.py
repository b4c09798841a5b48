"""The sets of texts in the catalogue: sizes of the published splits, classes, folds."""

from __future__ import annotations

import os

import pytest

import neurarium as nr
from neurarium.core.errors import OptionError

pytestmark = pytest.mark.skipif(not os.environ.get("NEURARIUM_DATA"), reason="NEURARIUM_DATA is not set")


def sizes(data):
    return {name: len(part) for name, part in data.splits.items()}


def test_sst2_has_its_published_splits():
    data = nr.data.load("sst2", tokenizer="words")
    assert sizes(data) == {"train": 6920, "validation": 872, "test": 1821}
    assert data.targets.names == ("negative", "positive")
    assert int(data.test.targets.sum()) == 909 and int(data.validation.targets.sum()) == 444


def test_trec_has_six_kinds_or_fifty():
    data = nr.data.load("trec", tokenizer="words")
    assert sizes(data) == {"train": 4907, "validation": 545, "test": 500} and len(data.targets.names) == 6
    assert len(nr.data.load("trec", tokenizer="words", fine=True, validation=0.0).targets.names) == 50


def test_tiny_shakespeare_is_cut_as_nanogpt_cuts_it():
    data = nr.data.load("tiny-shakespeare", context=64)
    assert data.summary["tokens"] == {"train": 1_003_854, "validation": 111_540}
    assert (
        data.targets.vocabulary == 67 and not data.summary["unknown tokens"]
    )  # 65 characters, padding, unknown
    assert (
        len(data.train) == 15_686
        and data.preparation.decode(data.train.tokens[:14].tolist()) == "First Citizen:"
    )


def test_movie_reviews_come_in_ten_folds():
    data = nr.data.load("movie-review-polarity", tokenizer="words", fold=9)
    assert sizes(data) == {"train": 1600, "validation": 200, "test": 200}
    assert int(data.test.targets.sum()) == 100
    with pytest.raises(OptionError, match="fold"):
        nr.data.load("movie-review-polarity", fold=10)


def test_emerging_names_have_their_published_files(shared_data):
    shared_data("wnut17")
    data = nr.data.load("wnut17")
    assert sizes(data) == {"train": 3394, "validation": 1009, "test": 1287} and len(data.targets.names) == 13
    told = {each.subject: each.choice for each in data.decisions}
    assert told["spans"] == "1,975 in the source"


def test_parts_of_speech_have_their_published_files(shared_data):
    shared_data("english_ewt")
    data = nr.data.load("english-ewt")
    assert sizes(data) == {"train": 12544, "validation": 2001, "test": 2077} and len(data.targets.names) == 17
    words = {name: int((part.targets >= 0).sum()) for name, part in data.splits.items()}
    assert words == {"train": 204577, "validation": 25147, "test": 25094}  # the treebank's own stats.xml
    assert len(nr.data.load("english-ewt", tags="treebank").targets.names) > 45
