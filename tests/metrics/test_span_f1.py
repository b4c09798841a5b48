"""Spans beside a reading of the tags token by token, as the script of CoNLL does it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.core.errors import OptionError, ShapeError
from neurarium.metrics import SentenceAccuracy, SpanF1, SpanPrecision, SpanRecall, TokenAccuracy
from neurarium.metrics.span_f1 import is_span_scheme, spans_by_type

NAMES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "E-LOC", "S-LOC")


def by_hand(names):
    """The set of (first, last, type): a plain state machine."""
    found, first, kind, last_mark = set(), None, None, "O"
    for place, name in enumerate([*names, "O"]):
        mark, _, own = name.partition("-")
        ends = first is not None and (mark in ("O", "B", "S") or own != kind or last_mark in ("E", "S"))
        if ends:
            found.add((first, place - 1, kind))
            first = None
        if mark != "O" and first is None:
            first, kind = place, own
        last_mark = mark
    return found


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_counts_are_those_of_the_state_machine(data):
    length = data.draw(st.integers(1, 9))
    rows = [[data.draw(st.integers(0, 6)) for _ in range(length)] for _ in range(2)]
    said, truth = (by_hand([NAMES[code] for code in row]) for row in rows)
    metric = SpanF1(NAMES)
    counts = metric.contribution(metric.check(torch.tensor(rows[:1]), torch.tensor(rows[1:])))
    assert {key: int(each) for key, each in counts.items()} == {
        "hits": len(said & truth), "said": len(said), "truth": len(truth),
    }  # fmt: skip


def test_known_values():
    said = torch.tensor([[1, 2, 0, 3, 4], [3, 0, 0, 0, 0]])
    truth = torch.tensor([[1, 2, 0, 3, 0], [3, 0, -1, -1, -1]])
    assert (
        SpanPrecision(NAMES).value(said, truth)
        == SpanRecall(NAMES).value(said, truth)
        == pytest.approx(2 / 3)
    )
    assert TokenAccuracy().value(said, truth) == pytest.approx(6 / 7)
    assert SentenceAccuracy().value(said, truth) == 0.5


def test_what_stands_in_the_padding_counts_for_nothing():
    truth = torch.tensor([[1, 2, -1, -1]])
    for other in (0, 1, 2, 4):
        said = torch.tensor([[1, 2, other, other]])
        assert SpanF1(NAMES).value(said, truth) == 1.0


def test_schemes():
    assert is_span_scheme(("O", "B-X", "I-X")) and is_span_scheme(("O", "S-X"))
    assert not is_span_scheme(("NOUN", "O")) and not is_span_scheme(("O",))


def test_what_cannot_be():
    with pytest.raises(OptionError, match="names"):
        SpanF1()
    with pytest.raises(ShapeError, match="index per token"):
        TokenAccuracy().value(torch.zeros(2, 3), torch.zeros(2, 3))


SCHEMES = {
    "IOB2": ("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
    "IOBES": ("O", "B-PER", "I-PER", "E-PER", "S-PER", "B-LOC", "I-LOC", "E-LOC", "S-LOC"),
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("seed", range(4))
def test_spans_are_those_of_seqeval(scheme, seed):
    """Any order of tags, such as a network without a grammar says them; of each type and of all together."""
    oracle = pytest.importorskip("seqeval.metrics")
    names = SCHEMES[scheme]
    chance = torch.Generator().manual_seed(seed)
    said, truth = (torch.randint(len(names), (40, 12), generator=chance) for _ in range(2))
    said = torch.where(torch.rand(said.shape, generator=chance) < 0.6, truth, said)
    for row, length in enumerate(torch.randint(1, 13, (40,), generator=chance).tolist()):
        truth[row, length:] = -1
    known = [row[row != -1] for row in truth]
    goals = [[names[code] for code in row.tolist()] for row in known]
    guesses = [
        [names[code] for code in row[: len(each)].tolist()] for row, each in zip(said, known, strict=True)
    ]
    for metric, score in (
        (SpanF1, oracle.f1_score), (SpanPrecision, oracle.precision_score), (SpanRecall, oracle.recall_score),
        (TokenAccuracy, oracle.accuracy_score),
    ):  # fmt: skip
        made = metric(names) if metric is not TokenAccuracy else metric()
        assert made.value(said, truth) == pytest.approx(score(goals, guesses), abs=1e-12)
    wanted = oracle.classification_report(goals, guesses, output_dict=True, zero_division=0)
    found = spans_by_type(said, truth, names)
    assert set(found) == {"PER", "LOC"}
    for name, row in found.items():
        for ours, theirs in (
            ("precision", "precision"),
            ("recall", "recall"),
            ("f1", "f1-score"),
            ("spans", "support"),
        ):
            assert row[ours] == pytest.approx(wanted[name][theirs], abs=1e-12)


def test_the_other_names_of_bioes_are_understood():
    names = ("O", "B-PER", "I-PER", "L-PER", "U-PER")
    assert is_span_scheme(names)
    truth, said = torch.tensor([[1, 2, 3, 4]]), torch.tensor([[1, 2, 3, 0]])
    assert SpanRecall(names).value(said, truth) == 0.5 and SpanPrecision(names).value(said, truth) == 1.0
