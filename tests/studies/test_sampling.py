"""Laws of drawing the next token."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurarium.core.errors import OptionError
from neurarium.studies.decoding.sampling import Sampling, only_top_k, only_top_p, penalized, tempered

LOGITS = st.lists(st.floats(-20, 20), min_size=1, max_size=30).map(
    lambda each: torch.tensor(each, dtype=torch.float64)
)


@given(LOGITS, st.integers(1, 40))
def test_top_k_keeps_the_largest(logits, count):
    kept = only_top_k(logits, count)
    left = kept > -torch.inf
    assert left.sum() >= min(count, len(logits)) and torch.equal(kept[left], logits[left])
    if not left.all():
        assert logits[~left].max() < logits[left].min()


@given(LOGITS, st.floats(0.01, 1.0))
def test_the_nucleus_is_the_smallest_with_its_share(logits, share):
    masses = logits.softmax(dim=-1)
    left = only_top_p(logits, share) > -torch.inf
    assert left.any() and float(masses[left].sum()) >= share - 1e-9
    if left.sum() > 1:  # without its least likely token it would have less than the share
        assert float(masses[left].sum() - masses[left].min()) < share + 1e-9
    if not left.all():
        assert masses[~left].max() <= masses[left].min() + 1e-12


@given(LOGITS, st.floats(0.05, 0.99))
def test_a_low_temperature_sharpens(logits, temperature):
    before, after = logits.softmax(-1), tempered(logits, temperature).softmax(-1)
    assert after.max() >= before.max() - 1e-9 and int(after.argmax()) in (before == before.max()).nonzero()


def test_draws_follow_the_probabilities_and_the_seed():
    logits = torch.tensor([[0.5, 0.3, 0.2]]).log().repeat(20_000, 1)
    drawn = Sampling().choose(logits, torch.Generator().manual_seed(0))
    shares = torch.bincount(drawn, minlength=3) / len(drawn)
    assert torch.allclose(shares, torch.tensor([0.5, 0.3, 0.2]), atol=0.015)
    again = Sampling().choose(logits, torch.Generator().manual_seed(0))
    assert torch.equal(drawn, again)
    assert set(Sampling(top_k=2).choose(logits, torch.Generator()).tolist()) == {0, 1}
    assert set(Sampling(top_p=0.4).choose(logits, torch.Generator()).tolist()) == {0}
    assert Sampling(temperature=0).choose(logits[:1], torch.Generator()).tolist() == [0]


@pytest.mark.parametrize(
    "options",
    [{"temperature": -1.0}, {"temperature": float("nan")}, {"top_k": 0}, {"top_p": 0.0}, {"top_p": 1.5},
     {"repetition_penalty": 0.0}, {"repetition_penalty": float("nan")}],
)  # fmt: skip
def test_numbers_outside_of_their_range_are_refused(options):
    with pytest.raises(OptionError) as caught:
        Sampling(**options)
    assert caught.value.fix and "--" in caught.value.fix


@pytest.mark.parametrize("penalty", [0.7, 1.0, 1.3])
def test_the_penalty_of_repetition_is_that_of_transformers(penalty):
    processor = pytest.importorskip("transformers").RepetitionPenaltyLogitsProcessor(penalty)
    logits = torch.randn(1, 30, generator=torch.Generator().manual_seed(3)) * 4
    there = torch.tensor([[3, 3, 7, 29, 0]])
    used = torch.zeros(30, dtype=torch.bool)
    used[there[0]] = True
    assert torch.equal(penalized(logits, used, penalty), processor(there, logits.clone()))
    sampling = Sampling(temperature=0, repetition_penalty=1e6)
    best = int(logits.argmax())
    used = torch.zeros(30, dtype=torch.bool)
    used[best] = True
    assert int(sampling.choose(logits, torch.Generator(), used)) == int(logits.topk(2).indices[0, 1])
