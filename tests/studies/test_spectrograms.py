"""Spectrograms show pitch upwards and time to the right."""

from __future__ import annotations

import math

import torch

from neurarium.studies.pictures.spectrograms import HEIGHT, WIDTH, spectrogram, spectrograms


def test_a_high_tone_behind_a_low_one():
    time = torch.arange(4000) / 8000
    low, high = (torch.sin(2 * math.pi * f * time) for f in (200, 3000))
    drawn = spectrogram(torch.cat([low, high]), 8000).astype(float).sum(axis=0)
    left, right = drawn[:, : WIDTH // 2 - 10], drawn[:, WIDTH // 2 + 10 :]
    assert left[HEIGHT // 2 :].mean() > 1.5 * left[: HEIGHT // 2].mean()  # low pitch lies below
    assert right[: HEIGHT // 2].mean() > 1.5 * right[HEIGHT // 2 :].mean()


def test_what_stands_behind_the_end_is_not_drawn():
    sound = torch.randn(1, 900, generator=torch.Generator().manual_seed(0))
    one, other = (
        spectrograms({"waveform": torch.cat([sound, end], 1), "lengths": torch.tensor([900])}, 8000)[0]
        for end in (torch.zeros(1, 0), torch.ones(1, 500))
    )
    assert (one == other).all() and spectrogram(torch.zeros(0), 8000).shape == (3, HEIGHT, WIDTH)
