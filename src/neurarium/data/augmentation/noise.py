"""Noise: white noise beneath a recording, as loud as a ratio to it says."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.seeds import generator
from neurarium.data.augmentation.chance import Chance
from neurarium.data.augmentation.sound_augmentation import SoundAugmentation, require_share

POOL = 1 << 18  # samples of noise, of which each recording takes a piece


class Noise(SoundAugmentation):
    r"""Add white noise with a ratio of powers drawn in decibels.

    x' = x + a e, e ~ N(0, 1), a = rms(x) 10^(-r/20), r ~ U(ratio), with a probability. The noise of a recording is a piece of
    262,144 samples drawn from the seed, from a random place on: it is the same however far the batch is padded.

    Args:
        probability: of each recording.
        ratio: the least and the greatest signal-to-noise ratio in decibels.

    Raises:
        OptionError: no probability, or no range.

    >>> sound = {"inputs": {"waveform": torch.ones(1, 4000), "lengths": torch.tensor([4000])}}
    >>> noisy = Noise(1.0, (20.0, 20.0))(sound, Chance(0, 0, torch.arange(1), 0))["inputs"]["waveform"]
    >>> round(float(noisy.std()), 2)
    0.1
    """

    name = "noise"

    def __init__(self, probability: float = 0.5, ratio: tuple[float, float] = (10.0, 40.0)):
        require_share(self.name, "probability", probability)
        if ratio[0] > ratio[1]:
            raise OptionError(
                "the ratio of noise is no range", expected="low, high in decibels", received=ratio
            )
        self.probability, self.ratio = probability, ratio

    def vary(self, inputs: Mapping[str, Tensor], chance: Chance) -> dict[str, Tensor]:
        waveform, lengths = inputs["waveform"], inputs["lengths"]
        drawn = chance.uniform(self.name, 3).to(waveform.device)
        low, high = self.ratio
        power = waveform.square().sum(dim=1) / lengths.clamp(min=1)
        loud = power.sqrt() * 10 ** (-(low + (high - low) * drawn[:, 0]) / 20)
        loud = torch.where(drawn[:, 1] < self.probability, loud, 0.0)
        place = torch.arange(waveform.shape[1], device=waveform.device)
        start = (drawn[:, 2] * POOL).to(torch.int64)
        pieces = _pool(chance.seed).to(waveform.device, waveform.dtype)[(start[:, None] + place) % POOL]
        real = (place < lengths[:, None]).to(waveform.dtype)
        return {**inputs, "waveform": waveform + loud[:, None].to(waveform.dtype) * pieces * real}


@functools.lru_cache(maxsize=4)
def _pool(seed: int) -> Tensor:
    return torch.randn(POOL, generator=generator(seed, "noise"))
