"""Time shift: a recording that begins a little earlier or later."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from neurarium.data.augmentation.chance import Chance
from neurarium.data.augmentation.sound_augmentation import SoundAugmentation, require_share


class TimeShift(SoundAugmentation):
    """Move a recording within its own length: x'(n) = x(n - s), s ~ U(-share, share) of its length.

    What leaves at one end is lost, and silence comes in at the other; the length stays.

    Args:
        share: of the length, at most.

    Raises:
        OptionError: no share.

    >>> sound = {"inputs": {"waveform": torch.arange(1.0, 9)[None], "lengths": torch.tensor([6])}}
    >>> moved = TimeShift(0.5)(sound, Chance(2, 0, torch.tensor([0]), 0))["inputs"]["waveform"]
    >>> int((moved != 0).sum()) < 6
    True
    """

    name = "time-shift"

    def __init__(self, share: float = 0.1):
        require_share(self.name, "reach", share)
        self.share = share

    def vary(self, inputs: Mapping[str, Tensor], chance: Chance) -> dict[str, Tensor]:
        waveform, lengths = inputs["waveform"], inputs["lengths"]
        drawn = 2 * chance.uniform(self.name)[:, 0].to(waveform.device) - 1
        moved = (drawn * self.share * lengths).round().to(torch.int64)
        place = torch.arange(waveform.shape[1], device=waveform.device)
        source = place - moved[:, None]
        there = (source >= 0) & (source < lengths[:, None]) & (place < lengths[:, None])
        taken = waveform.gather(1, source.clamp(0, waveform.shape[1] - 1))
        return {**inputs, "waveform": taken * there.to(waveform.dtype)}
