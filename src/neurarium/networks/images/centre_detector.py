"""CentreDetector: things and their boxes, read off maps at the places of their centres."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.recipe import recorded
from neurarium.data.specs import Boxes, Image, Spec
from neurarium.networks.images.stages import Stages, check_dense
from neurarium.networks.images.trunk import channels_last, lay_out


class Neck(nn.Module):
    """All maps of a trunk as one: each coarser one is enlarged and added to the next finer one, from the top down.

    Lin et al., arXiv:1612.03144, figure 3; here the finest map alone is used.
    """

    def __init__(self, dims: tuple[int, ...], width: int):
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(each, width, 1) for each in dims)
        self.smooth = Block(width, width)

    def forward(self, maps: list[Tensor]) -> Tensor:
        sides = [layer(each) for layer, each in zip(self.lateral, maps, strict=True)]
        found = sides[-1]
        for finer in reversed(sides[:-1]):
            found = finer + functional.interpolate(found, size=finer.shape[2:], mode="nearest")
        return self.smooth(found)


class Block(nn.Sequential):
    """A 3x3 convolution, a normalization, a rectifier."""

    def __init__(self, before: int, width: int):
        super().__init__(nn.Conv2d(before, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())


class Towers(nn.Module):
    """The head: a map per class, and four distances; each of the two by a block and a 1x1 convolution."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.centres = nn.Sequential(Block(width, width), nn.Conv2d(width, classes, 1))
        self.sides = nn.Sequential(Block(width, width), nn.Conv2d(width, 4, 1))
        last: Any = self.centres[-1]
        # Nearly every cell is no centre: a score of 0.1 at the start keeps their sum from drowning the rest.
        nn.init.constant_(last.bias, -math.log(9))

    def forward(self, maps: Tensor) -> Tensor:
        return torch.cat([self.centres(maps), self.sides(maps)], dim=1)


@recorded
class CentreDetector(nn.Module):
    """A detector without anchors: a trunk, a neck that joins its maps, and two towers that say what is where.

    Args:
        channels: colours of an image.
        outputs: classes + 4.
        trunk: a network with feature maps: `resnet`, `resnet18`, ...
        trunk_options: of that network, as `blocks=1,1;widths=8,16`; by default of a small one where the trunk is
            `resnet`.
        width: channels of the neck and the towers.
        height: of the images, where a trunk asks whether they are small.

    `forward`: `(batch, channels, height, width)` -> maps `(batch, outputs, height / s, width / s)`, which `data.geometry` reads,
    s being the stride of the trunk's first stage. A side that the trunk's last stride does not divide is padded with its
    last pixels, and the maps are cut again.

    Zhou et al., "Objects as points", arXiv:1904.07850; the distances as Tian et al., "FCOS", arXiv:1904.01355, equation 1.

    >>> CentreDetector(1, 14, width=8)(torch.zeros(1, 1, 64, 96)).shape
    torch.Size([1, 14, 16, 24])
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        trunk: str = "resnet",
        trunk_options: str = "",
        width: int = 48,
        height: int = 128,
    ):
        super().__init__()
        if trunk == "resnet" and not trunk_options:
            trunk_options = "blocks=1,1,1,1;widths=24,48,96,128;stem=large"
        self.trunk = Stages(trunk, trunk_options, Image(channels, height, height))
        self.multiple = 2 ** (len(self.trunk.dims) + 1)
        self.neck = Neck(self.trunk.dims, width)
        self.feature_dim = width
        self.head = Towers(width, outputs - 4)
        lay_out(self)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> CentreDetector:
        """Size the network to a dataset's specs (Image -> Boxes)."""
        check_dense("centre-detector", inputs, targets, options, Boxes, "give the boxes: --boxes FILE")
        height = max(inputs.height, inputs.width)  # type: ignore[attr-defined]
        return cls(inputs.channels, targets.outputs, height=height, **options)  # type: ignore[attr-defined]

    def features(self, images: Tensor) -> Tensor:
        """Return the neck's map, `(batch, feature_dim, height / s, width / s)`."""
        height, width = images.shape[2:]
        down, across = -height % self.multiple, -width % self.multiple
        if down or across:
            images = functional.pad(images, (0, across, 0, down), mode="replicate")
        found = self.neck(self.trunk(channels_last(images)))
        stride = images.shape[2] // found.shape[2]
        return found[:, :, : -(-height // stride), : -(-width // stride)]

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))
