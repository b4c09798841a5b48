"""ConvNeXt: a convolutional network with the proportions of a transformer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Image, Spec
from neurarium.layers.stochastic_depth import StochasticDepth
from neurarium.layers.stochastic_depth import rates as depth_rates
from neurarium.networks.images.trunk import channels_last, is_small, lay_out
from neurarium.networks.sizing import Distribution, check, head_outputs
from neurarium.networks.variants import variant


class ChannelNorm(nn.LayerNorm):
    """Layer normalization over the channels of each place: `(batch, channels, height, width)` -> the same."""

    def forward(self, maps: Tensor) -> Tensor:
        return super().forward(maps.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(nn.Module):
    """y = x + s * W_2 gelu(W_1 norm(d(x))): d a 7x7 convolution of each channel by itself, W_1 four times as wide."""

    def __init__(self, width: int, kernel: int, scale: float, drop: float):
        super().__init__()
        self.mix = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.widen = nn.Linear(width, 4 * width)
        self.activate = nn.GELU()
        self.narrow = nn.Linear(4 * width, width)
        self.scale = nn.Parameter(torch.full((width,), scale))
        self.drop = StochasticDepth(drop)

    def forward(self, maps: Tensor) -> Tensor:
        added = self.norm(self.mix(maps).permute(0, 2, 3, 1))
        added = self.scale * self.narrow(self.activate(self.widen(added)))
        return maps + self.drop(added.permute(0, 3, 1, 2))


@recorded
class ConvNeXt(nn.Module):
    """Stages of blocks of large depthwise convolutions, with layer normalization and GELU.

    Args:
        channels: colours of an image.
        outputs: how many numbers are predicted.
        blocks: how many per stage; each stage but the first halves the size.
        widths: channels of each stage.
        patch: side of the patches that the stem makes one place of: 4 as published, 1 keeps small images whole.
        kernel: side of the depthwise convolutions, odd.
        scale: start of the factor of each branch (layer scale).
        stochastic_depth: probability that the last block's branch is left out in training; it grows linearly with depth.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `(batch, channels, height, width)` -> `(batch, outputs)`; computed channels last.

    Raises:
        OptionError: stages without a width or without a block, an even kernel.

    Liu et al. 2022, arXiv:2201.03545, figure 4 and section 2.

    >>> ConvNeXt(3, 10, blocks=(1, 1), widths=(8, 16))(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        blocks: tuple[int, ...] = (3, 3, 9, 3),
        widths: tuple[int, ...] = (96, 192, 384, 768),
        patch: int = 4,
        kernel: int = 7,
        scale: float = 1e-6,
        stochastic_depth: float = 0.1,
        distribution: Distribution = None,
    ):
        super().__init__()
        if len(blocks) != len(widths) or not blocks or min(blocks) < 1 or kernel % 2 == 0:
            raise OptionError(
                "the stages do not fit",
                expected="one width for each number of blocks, each 1 or more, and an odd kernel",
                received=f"blocks={tuple(blocks)}, widths={tuple(widths)}, kernel={kernel}",
            )
        self.distribution = distribution
        drops = iter(depth_rates(stochastic_depth, sum(blocks)))
        self.stem = nn.Sequential(
            nn.Conv2d(channels, widths[0], patch, patch), ChannelNorm(widths[0], eps=1e-6)
        )
        stages, before = [], widths[0]
        for number, (count, width) in enumerate(zip(blocks, widths, strict=True)):
            halve: list[nn.Module] = (
                [ChannelNorm(before, eps=1e-6), nn.Conv2d(before, width, 2, 2)] if number else []
            )
            stages.append(
                nn.Sequential(*halve, *(Block(width, kernel, scale, next(drops)) for _ in range(count)))
            )
            before = width
        self.blocks = nn.ModuleList(stages)
        self.norm = nn.LayerNorm(before, eps=1e-6)
        self.feature_dim, self.map_dims = before, tuple(widths)
        self.head = nn.Linear(before, head_outputs(outputs, distribution))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        lay_out(self)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> ConvNeXt:
        """Size the network to a dataset's specs (Image -> Classes or Quantity); small images get patches of one pixel."""
        check("convnext", inputs, targets, options, (Image,))
        if is_small(inputs):
            options = {"patch": 1 if max(inputs.height, inputs.width) <= 32 else 2} | options  # type: ignore[attr-defined]
        return cls(inputs.channels, targets.outputs, **options)  # type: ignore[attr-defined]

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the feature maps of each stage, `(batch, map_dims[i], height_i, width_i)`, largest first."""
        x = self.stem(channels_last(images))
        found: list[Tensor] = []
        for stage in self.blocks:
            if found and min(x.shape[-2:]) < 2:  # a side of one pixel is not halved further
                x = nn.functional.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2), mode="replicate")
            x = stage(x)
            found.append(x)
        return found

    def features(self, images: Tensor) -> Tensor:
        """Return the averaged, normalized feature maps of the last stage, `(batch, feature_dim)`."""
        return self.norm(self.maps(images)[-1].mean(dim=(2, 3)))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


ConvNeXtTiny = variant(
    ConvNeXt,
    "ConvNeXtTiny",
    "ConvNeXt-T: 28 million weights.",
    blocks=(3, 3, 9, 3),
    widths=(96, 192, 384, 768),
)
