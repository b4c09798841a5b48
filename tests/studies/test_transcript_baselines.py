"""Transcript baselines: nothing has an error of 1, the same for all the least that one text can have, by a loop over all."""

from __future__ import annotations

import pytest
import torch

from neurarium.data.dataset import Dataset, Examples
from neurarium.data.specs import Transcript, Waveform
from neurarium.data.transcripts import edits
from neurarium.metrics.error_rate import counted
from neurarium.report.verdict import sentences
from neurarium.studies.evaluation.study import report_of
from neurarium.studies.examination.transcript_baselines import nearest_to_all, transcript_baselines
from neurarium.studies.prediction.seen import Seen

SPEC = Transcript(("a", "b", "c"), 4)
TRAIN = ["ab", "ab", "abc", "ac", "cc", "abca"]
TEST = ["ab", "cc", "abc"]


def examples(texts):
    rows = torch.full((len(texts), 4), -1)
    for row, text in zip(rows, texts, strict=True):
        row[: len(text)] = torch.tensor([1 + "abc".index(each) for each in text])
    return Examples({"inputs": torch.zeros(len(texts), 1), "targets": rows})


def data():
    return Dataset("made", Waveform(1, 1, 8000), SPEC, examples(TRAIN), test=examples(TEST))


def test_what_hears_nothing():
    heard = ["ab", "c", "abc"]
    seen = Seen(counted(heard, TEST), torch.zeros(3, dtype=torch.int64), None, None)
    naive, empty = transcript_baselines(data(), "test", seen, resamples=100)
    assert empty["metrics"]["character_error_rate"] == 1.0
    least = min(TRAIN, key=lambda each: sum(edits(each, other) for other in TRAIN))
    assert least == "ab" and naive["name"] == "always “ab”"
    wanted = sum(edits("ab", each) for each in TEST) / sum(map(len, TEST))
    assert naive["metrics"]["character_error_rate"] == pytest.approx(wanted)
    own = sum(edits(a, b) for a, b in zip(heard, TEST, strict=True)) / sum(map(len, TEST))
    assert naive["difference"][0] == pytest.approx(own - wanted) and own < wanted < 1
    assert sentences([naive, empty], report_of(seen, SPEC, name="made", split="test", resamples=0))


def test_the_nearest_is_not_always_the_most_frequent():
    texts = ["abcd"] * 3 + ["x", "xa", "xb", "xc", "x", "xd", "xe"]
    cost = {each: sum(edits(each, other) for other in texts) for each in texts}
    assert cost[nearest_to_all(texts)] == min(cost.values()) < cost["abcd"]
