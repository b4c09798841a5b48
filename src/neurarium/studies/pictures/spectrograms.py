"""Spectrograms: sound as pictures, time to the right and pitch upwards, for reports."""

from __future__ import annotations

from collections.abc import Mapping

import numpy
import torch
from torch import Tensor

from neurarium.layers.log_mel import LogMel

BANDS, RANGE = 64, 8.0  # the loudest nats that are told apart: 35 dB
HEIGHT, WIDTH = 96, 160  # pixels
COLORS = numpy.array(  # from dark to light, with a lightness that rises all the way
    [(8, 6, 29), (59, 15, 112), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191)],
    dtype=numpy.float64,
)


def spectrogram(sound: Tensor, rate: int) -> numpy.ndarray:
    """Return a recording as a picture of its log-mel bands: `(3, height, width)` bytes, low pitch at the bottom.

    Args:
        sound: `(length,)`.
        rate: samples per second.

    >>> spectrogram(torch.zeros(800), 8000).shape
    (3, 96, 160)
    """
    held = {"waveform": sound[None].float(), "lengths": torch.tensor([max(len(sound), 1)])}
    if not len(sound):
        held["waveform"] = torch.zeros(1, 1)
    logs = LogMel(rate, BANDS, normalization="none").logs(held)[0][0]
    shares = ((logs - logs.max() + RANGE) / RANGE).clamp(0, 1).T.flip(0)
    drawn = torch.nn.functional.interpolate(shares[None, None], (HEIGHT, WIDTH), mode="bilinear")[
        0, 0
    ].numpy()
    places = numpy.linspace(0, 1, len(COLORS))
    channels = [numpy.interp(drawn, places, COLORS[:, channel]) for channel in range(3)]
    return numpy.stack(channels).round().astype(numpy.uint8)


def spectrograms(inputs: Mapping[str, Tensor], rate: int) -> list[numpy.ndarray]:
    """Return the picture of each recording of a batch, without what stands behind its end."""
    pairs = zip(inputs["waveform"].cpu(), inputs["lengths"].tolist(), strict=True)
    return [spectrogram(waveform[:length], rate) for waveform, length in pairs]
