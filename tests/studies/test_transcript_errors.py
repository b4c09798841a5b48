"""Transcript errors: the worst of a split first, and of equally wrong ones the surest."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import torch

from neurarium.data.dataset import Examples
from neurarium.data.specs import Transcript
from neurarium.report.findings import errors
from neurarium.studies.examination import transcript_errors as room


def test_the_worst_come_first_and_of_equal_ones_the_surest(monkeypatch):
    spec = Transcript(("a", "b"), 2)
    targets = torch.tensor([[1, 2], [1, 1], [2, 2], [2, 1]])  # ab, aa, bb, ba
    said, sure = ["ab", "", "", "bb"], [0.9, 0.2, 0.6, 0.99]
    monkeypatch.setattr(room, "evaluating", lambda method: nullcontext())
    monkeypatch.setattr(room, "outputs_of", lambda method, inputs: inputs)
    monkeypatch.setattr(room, "transcribed", lambda outputs, targets: (said, sure))
    monkeypatch.setattr(room, "shown_inputs", lambda inputs, preparation, count: [({}, "")] * count)
    found = room.transcript_errors(
        SimpleNamespace(targets=spec),
        Examples({"inputs": torch.zeros(4, 1), "targets": targets}),
        None,
        told=lambda place: f"{place}.wav",
    )
    assert [each.note for each in found] == ["2.wav", "1.wav", "3.wav"]
    assert "most characters to change" in errors({"errors": [each.to_json() for each in found]})
    assert [(each.place, each.truth, each.said, each.size) for each in found] == [
        (2, "bb", "(nothing)", 1.0),
        (1, "aa", "(nothing)", 1.0),
        (3, "ba", "bb", 0.5),
    ]
