"""Spoken digits: the published split, and strings of recordings that no other split has."""

from __future__ import annotations

import numpy
import pytest

from neurarium.core.errors import OptionError
from neurarium.data.catalogue import load
from neurarium.data.catalogue.spoken import GAP, RATE, Spoken, spoken, strings

DRAW = numpy.random.default_rng(0)
HELD = [
    Spoken(digit, speaker, 0, numpy.full(100 + digit, 0.1 + digit + (speaker == "b") * 20, numpy.float32))
    for digit in range(10)
    for speaker in "ab"
]


def test_a_string_is_recordings_of_one_speaker_with_silence_between():
    made = strings(HELD, 40, 5, seed=3)
    assert {len(said) for _, said in made} == {1, 2, 3, 4, 5}
    for sound, said in made:
        inner = [digit for digit in sound[numpy.append(True, numpy.diff(sound) != 0)].tolist() if digit]
        assert [str(int(each) % 20) for each in inner] == list(said)
        assert len({each > 20 for each in inner}) == 1  # one speaker
        silence = len(sound) - sum(100 + int(each) % 20 for each in inner)
        assert (len(said) - 1) * GAP[0] * RATE - 1 <= silence <= (len(said) - 1) * GAP[1] * RATE + 1
    again = strings(HELD, 10, 5, seed=3)
    assert all(numpy.array_equal(a[0], b[0]) and a[1] == b[1] for a, b in zip(made, again, strict=False))
    assert [said for _, said in strings(HELD, 10, 5, seed=4)] != [said for _, said in again]


def test_the_published_split_and_what_is_refused(shared_data):
    folder = shared_data("free_spoken_digits")
    found = spoken(folder)
    assert len(found) == 3000 and len({each.speaker for each in found}) == 6
    dataset = load("free-spoken-digits")
    assert {key: len(part) for key, part in dataset.splits.items()} == {
        "train": 2430,
        "validation": 270,
        "test": 300,
    }
    assert {found[row].index for row in dataset.rows["test"]} == set(range(5))
    counts = numpy.bincount([found[row].digit for row in dataset.rows["validation"]])
    assert (
        counts.sum() == 270 and counts.min() >= 24 and counts.max() <= 30
    )  # 4 or 5 of each digit and speaker
    assert dataset.test.targets.bincount().tolist() == [30] * 10
    with pytest.raises(OptionError, match="strings"):
        load("spoken-digit-strings", longest=0)


def test_strings_of_the_data_set_share_no_recording(shared_data):
    shared_data("free_spoken_digits")
    dataset = load("spoken-digit-strings", count=60, test_count=20)
    assert {key: len(part) for key, part in dataset.splits.items()} == {
        "train": 54,
        "validation": 6,
        "test": 20,
    }
    assert dataset.targets.symbols == tuple("0123456789") and dataset.targets.longest == 5
    inputs = dataset.test.inputs
    digits = (dataset.test.targets > 0).sum(dim=1)
    assert (inputs["lengths"] > 1000 * digits).all() and (dataset.test.targets[:, 0] > 0).all()
