"""Frames are read as symbols; padding is certain of the blank; edits are Levenshtein's."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurarium.core.errors import ShapeError
from neurarium.data.transcripts import best_path, certain_of_blank, edits, real_frames


@given(st.lists(st.integers(0, 3), max_size=12))
def test_the_best_path_leaves_out_repeats_and_blanks(path):
    logits = torch.nn.functional.one_hot(torch.tensor(path, dtype=torch.int64), 4).float()[None]
    expected = [symbol for symbol, _ in itertools.groupby(path) if symbol]
    assert [each for each in best_path(logits)[0].tolist() if each >= 0] == expected


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_padded_frames_are_known_in_every_precision_and_say_nothing(dtype):
    logits = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0)).to(dtype)
    mask = torch.arange(5) < torch.tensor([[5], [2]])
    padded = certain_of_blank(logits, mask)
    assert torch.equal(real_frames(padded), mask)
    assert torch.equal(best_path(padded)[1, :2], best_path(logits[1:, :2])[0])
    assert (padded.double().softmax(-1)[1, 2:, 0] == 1).all()


def _slow_edits(said, truth):
    if not said or not truth:
        return len(said) + len(truth)
    return min(
        _slow_edits(said[1:], truth) + 1,
        _slow_edits(said, truth[1:]) + 1,
        _slow_edits(said[1:], truth[1:]) + (said[0] != truth[0]),
    )


@given(st.text("ab", max_size=5), st.text("abc", max_size=5))
def test_edits_are_the_fewest_changes(said, truth):
    assert edits(said, truth) == _slow_edits(said, truth) == edits(truth, said)


def test_other_logits_are_refused():
    with pytest.raises(ShapeError, match="frames"):
        best_path(torch.zeros(3, 2))
