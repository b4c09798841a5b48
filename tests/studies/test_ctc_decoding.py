"""Prefix beam search finds what the exhaustive sum over alignments finds, where the best path does not."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.core.errors import OptionError, ShapeError
from neurarium.data.specs import Transcript
from neurarium.data.transcripts import certain_of_blank
from neurarium.losses import CTC
from neurarium.studies.decoding.ctc import prefix_beam, transcribed


def exhaustive(logits):
    """Return the probability of each transcript: the sum over all paths that collapse to it."""
    chances, found = logits.double().softmax(-1), defaultdict(float)
    for path in itertools.product(range(logits.shape[-1]), repeat=len(logits)):
        said = tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)
        found[said] += float(torch.stack([chances[t, symbol] for t, symbol in enumerate(path)]).prod())
    return found


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(2, 3))
@settings(max_examples=25)
def test_a_wide_beam_sums_over_all_alignments(seed, frames, classes):
    logits = 2 * torch.randn(frames, classes, generator=torch.Generator().manual_seed(seed))
    expected, found = exhaustive(logits), prefix_beam(logits[None], width=10_000)[0]
    assert {each.symbols for each in found} == set(expected)
    for each in found:
        assert math.exp(each.log_probability) == pytest.approx(expected[each.symbols], rel=1e-9)
    assert expected[found[0].symbols] == pytest.approx(max(expected.values()), rel=1e-12)


def test_the_beam_finds_what_the_best_path_misses():
    logits = torch.tensor(
        [[[0.6, 0.4], [0.6, 0.4]]]
    ).log()  # blank, blank is the likeliest path, "a" the likeliest text
    spec = Transcript(("a",), 2)
    greedy, chance = transcribed(logits, spec)
    beam, better = transcribed(logits, spec, beam=4)
    assert (greedy, beam) == ([""], ["a"])
    assert chance == pytest.approx([0.36]) and better == pytest.approx([0.64])


def test_padding_changes_neither_text_nor_probability():
    logits = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(3))
    mask = torch.arange(6) < torch.tensor([[6], [3]])
    spec = Transcript(("a", "b"), 6)
    for beam in (1, 5):
        said, chances = transcribed(certain_of_blank(logits, mask), spec, beam=beam)
        alone, chance = transcribed(logits[1:, :3], spec, beam=beam)
        assert said[1] == alone[0] and chances[1] == pytest.approx(chance[0], rel=1e-9)


def test_probabilities_are_those_of_the_loss():
    logits, spec = torch.randn(1, 5, 3, generator=torch.Generator().manual_seed(4)), Transcript(("a", "b"), 5)
    said, chance = transcribed(logits, spec, beam=8)
    codes = torch.tensor([[1 + spec.symbols.index(each) for each in said[0]]])
    assert chance[0] == pytest.approx(math.exp(-float(CTC().elementwise(logits.double(), codes))))


def test_refusals():
    with pytest.raises(OptionError, match="too narrow"):
        prefix_beam(torch.zeros(1, 2, 2), width=0)
    with pytest.raises(ShapeError, match="frames"):
        prefix_beam(torch.zeros(2, 2))
