"""Listener: any network of series or of images over the log-mel frames of sound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch  # for the example
from torch import Tensor, nn

from neurarium.core.errors import RefusalError
from neurarium.core.members import find
from neurarium.core.recipe import recorded
from neurarium.data.specs import Image, Series, Spec, Waveform
from neurarium.layers.log_mel import LogMel, Normalization
from neurarium.networks.sizing import check


@recorded
class Listener(nn.Module):
    """Another network over the log-mel frames of sound: f(LogMel(x)).

    A network of series gets the frames as they are, `{"series": (batch, frames, mels), "lengths"}`; one of images the picture
    `(batch, 1, mels, frames)`, cut or filled up with silence to as many frames as the longest recording has. Either way padding
    changes nothing.

    Args:
        network: what the frames go to.
        rate: samples per second.
        picture: whether it takes a picture, and of how many frames; None for a series.
        mels, window, hop, normalization: of `layers.LogMel`.

    `forward`: `{"waveform": (batch, length), "lengths": (batch,)}` -> what the network gives.

    >>> from neurarium.data.specs import Classes
    >>> made = Listener.for_data(Waveform(1, 4000, 8000), Classes(("a", "b", "c")), network="gru", width=8)
    >>> made({"waveform": torch.randn(2, 4000), "lengths": torch.tensor([4000, 900])}).shape
    torch.Size([2, 3])
    """

    at_once = 128

    def __init__(
        self,
        network: nn.Module,
        rate: int,
        picture: int | None = None,
        mels: int = 64,
        window: float = 0.025,
        hop: float = 0.01,
        normalization: Normalization = "utterance",
    ):
        super().__init__()
        self.log_mel = LogMel(rate, mels, window, hop, normalization=normalization)
        self.network, self.picture = network, picture
        self.feature_dim = getattr(network, "feature_dim", 0)
        self.distribution = getattr(network, "distribution", None)
        self.any_length = picture is not None or getattr(network, "any_length", False)

    @classmethod
    def for_data(
        cls,
        inputs: Spec,
        targets: Spec,
        *,
        network: str = "gru",
        mels: int = 64,
        window: float = 0.025,
        hop: float = 0.01,
        normalization: Normalization = "utterance",
        **options: Any,
    ) -> Listener:
        """Size the network by its name to a dataset's specs (Waveform -> what that network predicts).

        Raises:
            RefusalError: other inputs, or a network that takes neither series nor images.
        """
        check("listener", inputs, targets, {}, (Waveform,))
        features = {"mels": mels, "window": window, "hop": hop, "normalization": normalization}
        rate, length = inputs.rate, inputs.length  # type: ignore[attr-defined]
        count = int(LogMel(rate, **features).frames(length))  # type: ignore[arg-type]
        inside, picture = _inside(network, targets, options, mels, count)
        return cls(inside, rate, picture, **features)  # type: ignore[arg-type]

    @property
    def head(self) -> nn.Module:
        """The head of the network inside; another one replaces it."""
        return self.network.head  # type: ignore[return-value]

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "head":  # a module is registered before a property could set it
            self.network.head = value
        else:
            super().__setattr__(name, value)

    def heard(self, inputs: Mapping[str, Tensor]) -> Any:
        """Return what the network gets of sound."""
        frames, mask = self.log_mel(inputs)
        if self.picture is None:
            return {"series": frames, "lengths": mask.sum(dim=1)}
        frames = frames[:, : self.picture]
        room = self.picture - frames.shape[1]
        return torch.nn.functional.pad(frames, (0, 0, 0, room)).transpose(1, 2).unsqueeze(1)

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the features of the network, `(batch, feature_dim)`."""
        return self.network.features(self.heard(inputs))  # type: ignore[operator]

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.network(self.heard(inputs))


def _inside(
    name: str, targets: Spec, options: Mapping[str, Any], mels: int, count: int
) -> tuple[nn.Module, int | None]:
    builder = find("network", name)
    try:
        return builder.for_data(Series(mels, count), targets, **options), None
    except RefusalError as error:
        if "inputs" not in error.problem:
            raise
    try:
        return builder.for_data(Image(1, mels, count), targets, **options), count
    except RefusalError as error:
        raise RefusalError(
            f"the network '{name}' cannot listen: it takes neither series nor images",
            expected="a network of sound, of series or of images",
            received=name,
            fix="leave out --network, or name gru, transformer, resnet18, ...",
        ) from error
