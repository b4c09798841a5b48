"""Sound augmentation: what varies recordings, by chance that depends on the example alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from neurarium.core.errors import OptionError, ShapeError
from neurarium.data.augmentation.chance import Chance


class SoundAugmentation:
    """One way to vary recordings: `batch["inputs"]` of a `Waveform` in, the same varied out.

    All chance is drawn from (seed, epoch, example): a recording is varied in the same way whatever batch it is in, and
    however far that batch is padded.
    """

    name = ""

    def vary(self, inputs: Mapping[str, Tensor], chance: Chance) -> dict[str, Tensor]:
        """Return the inputs varied: what a member defines."""
        raise OptionError(
            f"{type(self).__name__} varies nothing", fix="give it a method vary(inputs, chance)"
        )

    def __call__(self, batch: dict[str, Any], chance: Chance) -> dict[str, Any]:
        """Vary a batch.

        Raises:
            ShapeError: inputs that are no sound.
        """
        inputs = batch["inputs"]
        if not isinstance(inputs, dict) or "waveform" not in inputs:
            raise ShapeError(
                f"{self.name} varies sound",
                expected="inputs of a Waveform: waveform and lengths",
                received=", ".join(inputs) if isinstance(inputs, dict) else type(inputs).__name__,
                fix="leave it out of --augment",
            )
        return {**batch, "inputs": self.vary(inputs, chance)}


def require_share(name: str, what: str, share: float) -> None:
    """Raise an `OptionError` unless a number is a share, from 0 to 1."""
    if not 0 <= share <= 1:
        raise OptionError(
            f"the {what} of {name} is no share", expected="a number from 0 to 1", received=share
        )
