"""CentreDetector: things and their boxes, read off maps at the places of their centres."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.geometry import LEVELS
from neurarium.data.specs import Boxes, Image, Spec
from neurarium.networks.images.stages import Stages, check_dense
from neurarium.networks.images.trunk import channels_last, lay_out


class Pyramid(nn.Module):
    """A pyramid of features: maps of a trunk, finest first, as maps of one width that all know what is seen from afar.

    P_k = S_k(M_k), M_k = L_k(C_k) + enlarged(M_(k+1)): L_k a 1x1 convolution, S_k a 3x3 one, and each cell of a coarser map
    stands for two by two of the next finer. Levels beyond the trunk's maps are each half of the one before, by a 3x3
    convolution with stride 2; where fewer levels are asked for than there are maps, the coarser ones still are added from above.

    Args:
        dims: channels of the trunk's maps.
        width: channels of every level.
        levels: how many.

    `forward`: a list of maps `(batch, dims[k], h_k, w_k)` -> a list of `levels` maps `(batch, width, h_k, w_k)`.

    Lin et al., arXiv:1612.03144, section 3 and figure 3; levels beyond as arXiv:1904.01355, section 3.2.

    >>> pyramid = Pyramid((8, 16), 4, 3)
    >>> [tuple(each.shape[2:]) for each in pyramid([torch.zeros(1, 8, 12, 12), torch.zeros(1, 16, 6, 6)])]
    [(12, 12), (6, 6), (3, 3)]
    """

    def __init__(self, dims: tuple[int, ...], width: int, levels: int):
        super().__init__()
        self.levels = levels
        self.lateral = nn.ModuleList(nn.Conv2d(each, width, 1) for each in dims)
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, 1, 1) for _ in dims[:levels])
        self.beyond = nn.ModuleList(nn.Conv2d(width, width, 3, 2, 1) for _ in range(levels - len(dims)))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        merged = [layer(each) for layer, each in zip(self.lateral, maps, strict=True)]
        for place in range(len(merged) - 2, -1, -1):
            finer = merged[place]
            merged[place] = finer + functional.interpolate(
                merged[place + 1], size=finer.shape[2:], mode="nearest"
            )
        found = [layer(each) for layer, each in zip(self.smooth, merged, strict=False)]
        for layer in self.beyond:
            found.append(layer(found[-1]))
        return found


class Block(nn.Module):
    """A 3x3 convolution that all levels share, a normalization of each level's own, a rectifier.

    What is found on one scale is found on all; the statistics of maps differ by level. As arXiv:1911.09070's heads.
    """

    def __init__(self, before: int, width: int, levels: int):
        super().__init__()
        self.convolution = nn.Conv2d(before, width, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(levels))
        self.relu = nn.ReLU()

    def forward(self, maps: Tensor, level: int) -> Tensor:
        return self.relu(self.norms[level](self.convolution(maps)))


class Towers(nn.Module):
    """The head: a map per class, and four distances; each of the two by a block and a 1x1 convolution, for every level.

    A list of maps `(batch, width, h_k, w_k)` -> `(batch, classes + 4, cells)`. Each level scales its distances by a number of
    its own (arXiv:1904.01355, section 3.2).
    """

    def __init__(self, width: int, classes: int, levels: int):
        super().__init__()
        self.centre_block, self.side_block = Block(width, width, levels), Block(width, width, levels)
        self.centres, self.sides = nn.Conv2d(width, classes, 1), nn.Conv2d(width, 4, 1)
        self.scales = nn.Parameter(torch.ones(levels))
        # Nearly every cell is no centre: a score of 0.1 at the start keeps their sum from drowning the rest.
        nn.init.constant_(self.centres.bias, -math.log(9))  # type: ignore[arg-type]

    def forward(self, levels: list[Tensor]) -> Tensor:
        rows = []
        for number, maps in enumerate(levels):
            centres = self.centres(self.centre_block(maps, number))
            sides = self.sides(self.side_block(maps, number)) * self.scales[number]
            rows.append(torch.cat([centres, sides], dim=1).flatten(2))
        return torch.cat(rows, dim=2)


@recorded
class CentreDetector(nn.Module):
    """A detector without anchors: a trunk, a pyramid of its maps, and two towers that say what is where on each level.

    Large things are found on coarse levels, small ones on fine levels, by the same towers; things of different size may have
    their centres at one place.

    Args:
        channels: colours of an image.
        outputs: classes + 4.
        trunk: a network with feature maps: `resnet`, `resnet18`, ...
        trunk_options: of that network, as `blocks=1,1;widths=8,16`; by default of a small one where the trunk is
            `resnet`.
        width: channels of the pyramid and the towers.
        pyramid_levels: maps that are read; None for as many as the trunk has. 1: the finest alone, with the coarser ones added to it.
        image_height: of the images, where a trunk asks whether they are small.

    `forward`: `(batch, channels, height, width)` -> `(batch, outputs, cells)`, the maps of all levels in a row, as `data.geometry`
    reads them; the stride of the first level is that of the trunk's first stage, each further one's twice that before. A side
    that the trunk's last stride does not divide is padded with its last pixels, and the maps are cut again. `features` is the
    list of the pyramid's maps.

    Raises:
        OptionError: no level, or more than 5; a trunk without maps.

    Zhou et al., "Objects as points", arXiv:1904.07850; the distances and the levels as Tian et al., "FCOS", arXiv:1904.01355,
    equation 1 and section 3.2; the pyramid as Lin et al., arXiv:1612.03144.

    >>> CentreDetector(1, 14, width=8, pyramid_levels=2)(torch.zeros(1, 1, 64, 96)).shape[2] == 16 * 24 + 8 * 12
    True
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        trunk: str = "resnet",
        trunk_options: str = "",
        width: int = 48,
        pyramid_levels: int | None = None,
        image_height: int = 128,
    ):
        super().__init__()
        if trunk == "resnet" and not trunk_options:
            trunk_options = "blocks=1,1,1,1;widths=24,48,96,128;stem=large"
        self.trunk = Stages(trunk, trunk_options, Image(channels, image_height, image_height))
        levels = len(self.trunk.dims) if pyramid_levels is None else pyramid_levels
        if not 1 <= levels <= LEVELS:
            raise OptionError(
                "a detector has no so many levels",
                expected=f"1 to {LEVELS}",
                received=levels,
                fix="--set pyramid_levels=3",
            )
        self.multiple = 2 ** (len(self.trunk.dims) + 1)
        self.pyramid = Pyramid(self.trunk.dims, width, levels)
        self.feature_dim = width
        self.head = Towers(width, outputs - 4, levels)
        lay_out(self)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> CentreDetector:
        """Size the network to a dataset's specs (Image -> Boxes)."""
        check_dense("centre-detector", inputs, targets, options, Boxes, "give the boxes: --boxes FILE")
        height = max(inputs.height, inputs.width)  # type: ignore[attr-defined]
        return cls(inputs.channels, targets.outputs, image_height=height, **options)  # type: ignore[attr-defined]

    def features(self, images: Tensor) -> list[Tensor]:
        """Return the pyramid's maps, `(batch, feature_dim, ceil(height / s_k), ceil(width / s_k))` for each level."""
        height, width = images.shape[2:]
        down, across = -height % self.multiple, -width % self.multiple
        if down or across:
            images = functional.pad(images, (0, across, 0, down), mode="replicate")
        maps = self.trunk(channels_last(images))
        stride = 2 ** round(math.log2(images.shape[2] / maps[0].shape[2]))
        found = self.pyramid([_fitted(each, images, stride * 2**k) for k, each in enumerate(maps)])
        sides = [
            (-(-height // each), -(-width // each)) for each in (stride * 2**k for k in range(len(found)))
        ]
        return [each[:, :, :rows, :columns] for each, (rows, columns) in zip(found, sides, strict=True)]

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


def _fitted(maps: Tensor, images: Tensor, stride: int) -> Tensor:
    """Return maps with a cell for every so many pixels: those of trunks that convolve without padding are stretched."""
    size = [-(-side // stride) for side in images.shape[2:]]
    if list(maps.shape[2:]) == size:
        return maps
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)
