"""Frames: nats per frame over all pieces, and the accuracy of notes, beside loops over notes."""

from __future__ import annotations

import math

import pytest
import torch

from neurarium.core.errors import ShapeError
from neurarium.data.specs import Frames
from neurarium.metrics import FrameAccuracy, FrameNLL


def test_both_are_those_of_a_loop_over_notes():
    chance = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 5, 4, generator=chance)
    truth = torch.randint(0, 2, (3, 5, 4), generator=chance).float()
    lengths = (5, 2, 3)
    nats = frames = hits = wrong = 0.0
    for piece, length in enumerate(lengths):
        truth[piece, length:] = -1
        for step in range(length):
            frames += 1
            for note in range(4):
                share = 1 / (1 + math.exp(-float(logits[piece, step, note])))
                there = float(truth[piece, step, note])
                nats -= math.log(share if there else 1 - share)
                hits += share > 0.5 and there == 1
                wrong += (share > 0.5) != (there == 1)
    counts = Frames(tuple("abcd"), 5).tables(logits, truth)
    assert FrameNLL().value(counts, None) == pytest.approx(nats / frames)
    assert FrameAccuracy().value(counts, None) == pytest.approx(hits / (hits + wrong))


def test_other_shapes_are_refused():
    with pytest.raises(ShapeError, match="five counts"):
        FrameNLL().value(torch.zeros(3, 4), None)
