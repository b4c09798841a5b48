"""SmallCNN: blocks of convolutions for small images, series and volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Array, Image, Series, Spec
from neurarium.layers import activations
from neurarium.layers.dropout import Dropout
from neurarium.networks.images.trunk import channels_last
from neurarium.networks.sizing import Distribution, check, head_outputs

CONVOLUTION: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
NORM: dict[int, Any] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
POOL: dict[int, Any] = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}


class Squeeze(nn.Module):
    """Scale each channel by what the means of all channels say: y = x sigmoid(W_2 relu(W_1 mean(x))).

    `(batch, channels, ...)` -> the same. Hu et al. 2017, arXiv:1709.01507, equations 2 to 4.
    """

    def __init__(self, channels: int, ratio: int = 4):
        super().__init__()
        self.down = nn.Linear(channels, max(1, channels // ratio))
        self.relu = nn.ReLU()
        self.up = nn.Linear(max(1, channels // ratio), channels)
        self.sigmoid = nn.Sigmoid()

    def scale(self, means: Tensor) -> Tensor:
        """Return the factors, `(batch, channels)` -> the same."""
        return self.sigmoid(self.up(self.relu(self.down(means))))

    def forward(self, maps: Tensor) -> Tensor:
        scale = self.scale(maps.flatten(2).mean(2))
        return maps * scale.reshape(*scale.shape, *[1] * (maps.ndim - 2))


@recorded
class SmallCNN(nn.Module):
    """Blocks of convolution, normalization and activation, halved in size between blocks, then averaged over places.

    A_l = g(BN(W_l * A_(l-1))); a 2x2 maximum after each block but the last; Z = W mean over places of A_L + b

    Images of any size are taken, down to one pixel: a side of odd length is rounded up when it is halved. Series are taken with
    their lengths: padding changes nothing in prediction. Volumes are arrays `(channels, depth, height, width)`.

    Args:
        channels: colours of an image.
        outputs: how many numbers are predicted.
        widths: feature maps of each block.
        depth: convolutions per block.
        kernel: side of the convolutions, odd.
        activation: its name.
        dropout: the probability that a number before the head is set to zero in training.
        dimensions: 1 for series, 2 for images, 3 for volumes.
        separable: each convolution is one of each channel by itself, then one over the channels (arXiv:1610.02357).
        squeeze: scale each channel by what all channels' means say, after each block (arXiv:1709.01507).
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `(batch, channels, height, width)`, with one or three dimensions accordingly; or a dict of `series` `(batch,
    length, channels)` and `lengths` -> `(batch, outputs)`. It computes channels last whatever the memory
    format of its input: maximum pooling is some 8 times faster so on CPUs.

    Raises:
        OptionError: no block, or an even kernel.

    >>> SmallCNN(1, 10)(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 10])
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        widths: tuple[int, ...] = (32, 64, 128),
        depth: int = 1,
        kernel: int = 3,
        activation: str = "relu",
        dropout: float = 0.0,
        dimensions: Literal[1, 2, 3] = 2,
        separable: bool = False,
        squeeze: bool = False,
        distribution: Distribution = None,
    ):
        super().__init__()
        if not widths or depth < 1 or kernel % 2 == 0 or dimensions not in CONVOLUTION:
            raise OptionError(
                "the convolutions have no such shape",
                expected="at least one width, depth >= 1, an odd kernel, 1 to 3 dimensions",
                received=f"widths={tuple(widths)}, depth={depth}, kernel={kernel}, dimensions={dimensions}",
            )
        self.distribution = distribution
        blocks: list[nn.Module] = []
        for position, (before, width) in enumerate(zip((channels, *widths[:-1]), widths, strict=True)):
            blocks.extend([POOL[dimensions](2, ceil_mode=True)] if position else [])
            for layer in range(depth):
                inner = width if layer else before
                blocks.extend(_convolution(inner, width, kernel, activation, dimensions, separable))
            blocks.extend([Squeeze(width)] if squeeze else [])
        self.channels, self.dimensions, self.map_dims = channels, dimensions, tuple(widths)
        self.body = nn.Sequential(*blocks)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.feature_dim = widths[-1]
        self.head = nn.Linear(self.feature_dim, head_outputs(outputs, distribution))
        if dimensions == 2:
            self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> SmallCNN:
        """Size the network to a dataset's specs (Image, Series, Array of two or four axes -> Classes or Quantity)."""
        arrays = isinstance(inputs, Array) and len(inputs.shape) in (2, 4)
        check("cnn", inputs, targets, options, (Image, Series, Array) if arrays else (Image, Series))
        if isinstance(inputs, Array):
            options = {"dimensions": len(inputs.shape) - 1} | options
            return cls(inputs.shape[0], targets.outputs, **options)  # type: ignore[attr-defined]
        options = {"dimensions": 1 if isinstance(inputs, Series) else 2} | options
        return cls(inputs.channels, targets.outputs, **options)  # type: ignore[attr-defined]

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the maps of every block, `(batch, width, height, width)`, the largest first: the images' size, then halves."""
        found, maps = [], channels_last(images)
        for module in self.body:
            if isinstance(module, nn.MaxPool2d):
                found.append(maps)
            maps = module(maps)
        return [*found, maps]

    def features(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        """Return the averaged feature maps, `(batch, feature_dim)`."""
        if isinstance(inputs, Mapping):
            return self.dropout(self._of_series(inputs["series"].transpose(1, 2), inputs["lengths"]))
        if inputs.ndim != self.dimensions + 2 or inputs.shape[1] != self.channels:
            names = {1: "length", 2: "height, width", 3: "depth, height, width"}[self.dimensions]
            raise ShapeError(
                "the inputs have another shape than the network takes",
                expected=f"(batch, {self.channels}, {names})",
                received=tuple(inputs.shape),
            )
        maps = self.body(channels_last(inputs) if self.dimensions == 2 else inputs)
        return self.dropout(maps.flatten(2).mean(2))

    def _of_series(self, maps: Tensor, lengths: Tensor) -> Tensor:
        """Average over real places alone; what lies beyond a series' end is zero to convolutions, nothing to maxima."""
        real = torch.arange(maps.shape[2], device=maps.device) < lengths[:, None]
        maps = maps.masked_fill(~real[:, None], 0.0)
        for module in self.body:
            if isinstance(module, nn.MaxPool1d):
                maps = maps.masked_fill(~real[:, None], -torch.inf)
                maps, lengths = module(maps), (lengths + 1) // 2
                real = torch.arange(maps.shape[2], device=maps.device) < lengths[:, None]
            elif isinstance(module, Squeeze):
                raise_to = maps.shape[2] / lengths.clamp(min=1).to(maps.dtype)
                maps = maps * module.scale(maps.mean(2) * raise_to[:, None])[:, :, None]
            else:
                maps = module(maps)
            maps = maps.masked_fill(~real[:, None], 0.0)
        return maps.sum(2) / lengths.clamp(min=1)[:, None].to(maps.dtype)

    def forward(self, inputs: Tensor | Mapping[str, Tensor]) -> Tensor:
        return self.head(self.features(inputs))


def _convolution(
    before: int, width: int, kernel: int, name: str, dimensions: int, separable: bool
) -> list[nn.Module]:
    activate = activations.activation(name)
    if (
        activate.widening > 1
    ):  # Such an activation joins neighbours on the axis that it is told: here, the channels.
        activate = activations.activation(name, dim=1)
    wide = width * activate.widening
    convolve = CONVOLUTION[dimensions]
    # The normalization's shift stands for the convolution's bias.
    layers = [convolve(before, wide, kernel, padding=kernel // 2, bias=False)]
    if separable:
        alone = convolve(before, before, kernel, padding=kernel // 2, groups=before, bias=False)
        layers = [alone, convolve(before, wide, 1, bias=False)]
    return [*layers, NORM[dimensions](wide), activate]
