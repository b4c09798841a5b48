"""Resampling: sound at another number of samples per second, by a windowed sinc in polyphase form."""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor
from torch.nn import functional

from neurarium.core.errors import OptionError

ZEROS = 10  # zero crossings of the sinc on each side
BETA = 5.0  # of the Kaiser window: side lobes below -50 dB
LARGEST = 2_000  # phases: unusual pairs of rates are rounded to fewer


def resample(sound: Tensor, rate: int, wanted: int) -> Tensor:
    r"""Resample sound from `rate` to `wanted` samples per second.

    With the ratio up/down in lowest terms, y[m] = sum_n x[n] h(m down - n up), where h(t) = g sinc(t / q) w(t) is a sinc that
    passes what both rates can hold, q = max(up, down), w the Kaiser window over `ZEROS` zero crossings each way, and g such
    that the gain is `up`. Each of the `up` phases of h is one short filter, and all are applied as one convolution: only
    results that are kept are computed. Before the first and behind the last sample there is silence.

    Args:
        sound: `(..., length)` float.
        rate, wanted: samples per second, 1 or more.

    Returns:
        `(..., ceil(length * wanted / rate))`.

    Raises:
        OptionError: a rate below 1.

    Crochiere and Rabiner, "Interpolation and decimation of digital signals" (1981); Kaiser's window.

    >>> tone = torch.sin(2 * math.pi * 440 * torch.arange(16000) / 16000)
    >>> half = resample(tone, 16000, 8000)
    >>> bool((half[50:-50] - tone[::2][50:-50]).abs().max() < 2e-3)
    True
    """
    if rate < 1 or wanted < 1:
        raise OptionError(
            "sound has a rate of 1 or more", expected="1 or more", received=f"{rate} to {wanted}"
        )
    up, down = _ratio(rate, wanted)
    if up == down or not sound.shape[-1]:
        return sound
    filters, reach = _phases(up, down)
    filters = filters.to(dtype=sound.dtype, device=sound.device)
    length = math.ceil(sound.shape[-1] * up / down)
    rounds = math.ceil(length / up)  # each gives one result per phase, and moves on by `down` samples
    needed = (rounds - 1) * down + filters.shape[-1]
    rows = sound.reshape(-1, 1, sound.shape[-1])
    padded = functional.pad(rows, (reach, max(0, needed - reach - sound.shape[-1])))
    found = functional.conv1d(padded, filters, stride=down)[..., :rounds]
    return found.transpose(1, 2).reshape(*sound.shape[:-1], -1)[..., :length]


def _ratio(rate: int, wanted: int) -> tuple[int, int]:
    shared = math.gcd(rate, wanted)
    up, down = wanted // shared, rate // shared
    if max(up, down) > LARGEST:  # 44,101 Hz: within a ten-thousandth of a semitone is near enough
        scale = LARGEST / max(up, down)
        up, down = max(1, round(up * scale)), max(1, round(down * scale))
    return up, down


@functools.lru_cache(maxsize=8)
def _phases(up: int, down: int) -> tuple[Tensor, int]:
    """Return the filters `(up, 1, taps)` of the phases, float64, and how far they reach before the first sample."""
    widest = max(up, down)
    reach = math.ceil(ZEROS * widest / up)
    places = torch.arange(-reach, reach + down + 1, dtype=torch.float64)
    phase = torch.arange(up, dtype=torch.float64)
    times = phase[:, None] * down - places[None, :] * up  # in steps of the rate `up * rate`
    share = times / (ZEROS * widest)
    inside = share.abs() <= 1
    window = torch.special.i0(BETA * (1 - share.square()).clamp(min=0).sqrt()) / torch.special.i0(
        torch.tensor(BETA, dtype=torch.float64)
    )
    filters = torch.where(inside, torch.sinc(times / widest) * window, 0.0)
    whole = _gain(widest)
    return (filters * up / whole)[:, None], reach


def _gain(widest: int) -> float:
    """Return the sum of the windowed sinc over all of its steps."""
    times = torch.arange(-ZEROS * widest, ZEROS * widest + 1, dtype=torch.float64)
    share = times / (ZEROS * widest)
    window = torch.special.i0(BETA * (1 - share.square()).clamp(min=0).sqrt())
    window = window / torch.special.i0(torch.tensor(BETA, dtype=torch.float64))
    return float((torch.sinc(times / widest) * window).sum())
