"""UNet: a class for every pixel, from what is around it and from what it is."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Image, Mask, Spec
from neurarium.networks.images.stages import Stages, check_dense
from neurarium.networks.images.trunk import channels_last, lay_out


class Twice(nn.Sequential):
    """Two 3x3 convolutions, each with a normalization and a rectifier; the size is kept."""

    def __init__(self, before: int, width: int):
        super().__init__(
            nn.Conv2d(before, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )


class Contracting(nn.Module):
    """The left side of the U: `depth` times halved, each time with twice the channels; a list of maps, largest first."""

    def __init__(self, channels: int, width: int, depth: int):
        super().__init__()
        self.dims = tuple(width * 2**level for level in range(depth + 1))
        before = (channels, *self.dims[:-1])
        self.levels = nn.ModuleList(Twice(a, b) for a, b in zip(before, self.dims, strict=True))
        self.pool = nn.MaxPool2d(2)

    def forward(self, images: Tensor) -> list[Tensor]:
        found = [self.levels[0](images)]
        for level in list(self.levels)[1:]:
            found.append(level(self.pool(found[-1])))
        return found


class Expanding(nn.Module):
    """A step of the right side: the coarser map is enlarged, put beside the finer one, and both are convolved.

    `(batch, before, h, w)` and `(batch, skip, H, W)` -> `(batch, skip, H, W)`. Where the paper has an up-convolution of
    2x2, here a 1x1 convolution comes before the enlargement to the nearest pixel: a quarter of its weights, the four
    pixels of a cell begin equal, and maps of odd sides fit.
    """

    def __init__(self, before: int, skip: int):
        super().__init__()
        self.narrow = nn.Conv2d(before, skip, 1)
        self.twice = Twice(2 * skip, skip)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        enlarged = functional.interpolate(self.narrow(coarse), size=fine.shape[2:], mode="nearest")
        return self.twice(torch.cat([fine, enlarged], dim=1))


@recorded
class UNet(nn.Module):
    """The U-Net: a contracting path that sees far, an expanding one that says where, and bridges between the two.

    Images of any size are taken: a side that 2^depth does not divide is padded with its last pixels, and the maps are cut
    again.

    Args:
        channels: colours of an image.
        outputs: how many classes a pixel may have.
        width: channels of the first level (64 in the paper).
        depth: how often the size is halved.
        trunk: a network whose feature maps take the place of the contracting path (`resnet18`); None for the paper's.
        trunk_options: of that network, as `blocks=1,1;widths=8,16`.
        image_height: of the images, where a trunk asks whether they are small.

    `forward`: `(batch, channels, height, width)` -> `(batch, outputs, height, width)`; `features` are the maps before the
    head, a 1x1 convolution.

    Raises:
        OptionError: no width, a trunk without maps.

    Ronneberger, Fischer and Brox, arXiv:1505.04597, figure 1; here with padding, so that nothing is lost at the border,
    and with normalization. Its dropout at the end of the contracting path and its weights of pixels between touching cells
    (equation 2) are not here.

    >>> UNet(1, 2, width=4, depth=2)(torch.zeros(1, 1, 13, 10)).shape
    torch.Size([1, 2, 13, 10])
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        width: int = 32,
        depth: int = 4,
        trunk: str | None = None,
        trunk_options: str = "",
        image_height: int = 128,
    ):
        super().__init__()
        if width < 1 or not 0 <= depth <= 8:
            raise OptionError(
                "a U-Net has no such shape",
                expected="width 1 or more, depth 0 to 8",
                received=f"width {width}, depth {depth}",
            )
        self.contracting: Any
        if trunk:
            self.contracting = Stages(trunk, trunk_options, Image(channels, image_height, image_height))
            self.multiple = 2 ** (len(self.contracting.dims) + 1)  # a stem may halve the image twice
        else:
            self.contracting = Contracting(channels, width, depth)
            self.multiple = 2**depth
        dims = self.contracting.dims
        self.expanding = nn.ModuleList(Expanding(dims[n], dims[n - 1]) for n in range(len(dims) - 1, 0, -1))
        self.feature_dim = dims[0]
        self.head = nn.Conv2d(dims[0], outputs, 1)
        for module in self.modules():  # He et al. 2015, as the paper's section 3
            if isinstance(module, nn.Conv2d) and module is not self.head:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        lay_out(self)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> UNet:
        """Size the network to a dataset's specs (Image -> Mask)."""
        check_dense("unet", inputs, targets, options, Mask, "give the masks: --masks FOLDER")
        height = max(inputs.height, inputs.width)  # type: ignore[attr-defined]
        return cls(inputs.channels, targets.outputs, image_height=height, **options)  # type: ignore[attr-defined]

    def features(self, images: Tensor) -> Tensor:
        """Return the maps before the head, `(batch, feature_dim, height', width')`; a trunk may begin at half the size."""
        down, across = (-side % self.multiple for side in images.shape[2:])
        if down or across:
            images = functional.pad(images, (0, across, 0, down), mode="replicate")
        maps = self.contracting(channels_last(images))
        found = maps[-1]
        for step, fine in zip(self.expanding, reversed(maps[:-1]), strict=True):
            found = step(found, fine)
        return found

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[2:]
        maps = self.head(self.features(images))
        whole = [side + -side % self.multiple for side in (height, width)]
        if list(maps.shape[2:]) != whole:
            maps = functional.interpolate(maps, size=whole, mode="bilinear", align_corners=False)
        return maps[:, :, :height, :width]
