"""SmallCNN: blocks of convolutions for small images."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Image, Spec
from neurarium.layers import activations
from neurarium.layers.dropout import Dropout
from neurarium.networks.sizing import Distribution, check, head_outputs


@recorded
class SmallCNN(nn.Module):
    """Blocks of convolution, normalization and activation, halved in size between blocks, then averaged over places.

    A_l = g(BN(W_l * A_(l-1))); a 2x2 maximum after each block but the last; Z = W mean over places of A_L + b

    Images of any size are taken, down to one pixel: a side of odd length is rounded up when it is halved.

    Args:
        channels: colours of an image.
        outputs: how many numbers are predicted.
        widths: feature maps of each block.
        depth: convolutions per block.
        kernel: side of the convolutions, odd.
        activation: its name.
        dropout: the probability that a number before the head is set to zero in training.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `(batch, channels, height, width)` -> `(batch, outputs)`. It computes channels last whatever the memory
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
        distribution: Distribution = None,
    ):
        super().__init__()
        if not widths or depth < 1 or kernel % 2 == 0:
            raise OptionError(
                "the convolutions have no such shape",
                expected="at least one width, depth >= 1, an odd kernel",
                received=f"widths={tuple(widths)}, depth={depth}, kernel={kernel}",
            )
        self.distribution = distribution
        blocks: list[nn.Module] = []
        for position, (before, width) in enumerate(zip((channels, *widths[:-1]), widths, strict=True)):
            blocks.extend([nn.MaxPool2d(2, ceil_mode=True)] if position else [])
            for layer in range(depth):
                blocks.extend(_convolution(width if layer else before, width, kernel, activation))
        self.channels = channels
        self.body = nn.Sequential(*blocks)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.feature_dim = widths[-1]
        self.head = nn.Linear(self.feature_dim, head_outputs(outputs, distribution))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> SmallCNN:
        """Size the network to a dataset's specs (Image -> Classes or Quantity)."""
        check("cnn", inputs, targets, options, (Image,))
        return cls(inputs.channels, targets.outputs, **options)  # type: ignore[attr-defined]

    def features(self, inputs: Tensor) -> Tensor:
        """Return the averaged feature maps, `(batch, feature_dim)`."""
        if inputs.ndim != 4 or inputs.shape[1] != self.channels:
            raise ShapeError(
                "the images have another shape than the network takes",
                expected=f"(batch, {self.channels}, height, width)",
                received=tuple(inputs.shape),
            )
        # Channels last by two permutations: vmap (gradients per example) knows no memory formats.
        maps = self.body(inputs.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2))
        return self.dropout(maps.mean(dim=(2, 3)))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.features(inputs))


def _convolution(before: int, width: int, kernel: int, name: str) -> list[nn.Module]:
    activate = activations.activation(name)
    if (
        activate.widening > 1
    ):  # Such an activation joins neighbours on the axis that it is told: here, the channels.
        activate = activations.activation(name, dim=1)
    wide = width * activate.widening
    # The normalization's shift stands for the convolution's bias.
    return [nn.Conv2d(before, wide, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(wide), activate]
