"""Trunk: what image networks share. Channels last, a head under its published name, the sizes of images they take."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

SMALL = 64  # images of up to so many pixels a side keep their resolution in the first layers


def channels_last(images: Tensor) -> Tensor:
    """Lay images `(batch, channels, height, width)` out channels last, whatever their memory format.

    By two permutations: `vmap` knows no memory formats. On CPUs maximum pooling is some eight times faster so, and
    convolutions a fifth (measured).
    """
    return images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


def lay_out(network: nn.Module) -> None:
    """Lay the weights of convolutions out channels last."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def is_small(inputs: Any) -> bool:
    """Return whether the images of a spec are so small that the first layers should not halve them."""
    return max(inputs.height, inputs.width) <= SMALL


class Published(nn.Module):
    """A network whose head has the name that published weights give it (`fc`, `classifier`).

    `network.head` reads and replaces that module, so that the names of all weights stay those of the publication.
    """

    head_name: ClassVar[str] = "fc"

    @property
    def head(self) -> nn.Module:
        return self._modules[self.head_name]  # type: ignore[return-value]

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(self.head_name if name == "head" else name, value)


class Staged(nn.Sequential):
    """Layers over images whose maps can be read in between."""

    def maps(self, images: Tensor) -> Tensor:
        """Return the last feature maps, `(batch, feature_dim, height, width)`."""
        return super().forward(channels_last(images))

    def stages(self, images: Tensor, ends: tuple[int, ...]) -> list[Tensor]:
        """Return the maps after the layers of these places, in their order."""
        found, maps = [], channels_last(images)
        for place, layer in enumerate(self):
            maps = layer(maps)
            if place in ends:
                found.append(maps)
        return found


class Pooled(Staged):
    """Layers over images, then the mean over places: `(batch, channels, height, width)` -> `(batch, feature_dim)`."""

    def forward(self, images: Tensor) -> Tensor:
        return self.maps(images).mean(dim=(2, 3))
