"""SpecAugment: stretches of time and bands of pitch that the network does not hear."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.data.augmentation.chance import Chance
from neurarium.data.augmentation.sound_augmentation import SoundAugmentation, require_share


class SpecAugment(SoundAugmentation):
    """Hide stretches of time and bands of pitch in the log-mel frames.

    Each of `times` stretches has a width t ~ U(0, time) and a start t_0 ~ U(0, 1 - t), as shares of the recording; each of
    `bands` bands f ~ U(0, band) and f_0 ~ U(0, 1 - f), as shares of the bands. They are written into the inputs as
    `hidden_frames` and `hidden_bands` `(batch, count, 2)`, and `layers.LogMel` sets what lies in them to zero, the mean: so it
    works for every network over such frames. Time is not warped: Park et al. found that it adds least.

    Args:
        times, bands: how many stretches and bands; 0 for none.
        time, band: how wide they are at most, as shares.

    Raises:
        OptionError: a negative count, or a share outside 0 to 1.

    Park et al., "SpecAugment", arXiv:1904.08779, section 2.

    >>> sound = {"inputs": {"waveform": torch.zeros(3, 800), "lengths": torch.tensor([800, 400, 10])}}
    >>> hidden = SpecAugment(times=1)(sound, Chance(0, 0, torch.arange(3), 0))["inputs"]["hidden_frames"]
    >>> hidden.shape, bool((hidden[..., 1] - hidden[..., 0] <= 0.15).all())
    (torch.Size([3, 1, 2]), True)
    """

    name = "spec-augment"

    def __init__(self, times: int = 2, bands: int = 2, time: float = 0.15, band: float = 0.15):
        if times < 0 or bands < 0:
            raise OptionError(
                "there are no such stretches", expected="0 or more", received=f"{times}, {bands}"
            )
        require_share(self.name, "time", time)
        require_share(self.name, "band", band)
        self.times, self.bands, self.time, self.band = times, bands, time, band

    def vary(self, inputs: Mapping[str, Tensor], chance: Chance) -> dict[str, Tensor]:
        found = dict(inputs)
        for key, count, widest in (("frames", self.times, self.time), ("bands", self.bands, self.band)):
            if count:
                drawn = chance.uniform(f"{self.name}.{key}", 2 * count).reshape(-1, count, 2)
                width = widest * drawn[..., 0]
                start = (1 - width) * drawn[..., 1]
                found[f"hidden_{key}"] = torch.stack([start, start + width], dim=2).to(
                    inputs["waveform"].device
                )
        return found
