"""LeNet-5: the first convolutional network that read the digits of letters."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Image, Spec
from neurarium.networks.images.trunk import channels_last, lay_out
from neurarium.networks.sizing import Distribution, check, elementwise, head_outputs

SIDE = 32
# Table I of the paper: which of the 6 maps below each of the 16 maps of the second convolution sees.
SEEN = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5), (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5),
    (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5), (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5),
)  # fmt: skip


class ScaledTanh(nn.Module):
    """y = 1.7159 tanh(2/3 x): +-1 at +-1 (LeCun et al. 1998, appendix A)."""

    def forward(self, inputs: Tensor) -> Tensor:
        return 1.7159 * torch.tanh(2 / 3 * inputs)


class Subsampling(nn.Module):
    """Four neighbours added, times one learned number per map, plus another: `(batch, maps, h, w)` -> half the sides."""

    def __init__(self, maps: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(maps, 1, 1))
        self.shift = nn.Parameter(torch.zeros(maps, 1, 1))
        self.mean = nn.AvgPool2d(2)

    def forward(self, maps: Tensor) -> Tensor:
        return self.scale * self.mean(maps) + self.shift


class PartialConvolution(nn.Conv2d):
    """A convolution whose maps each see some of the maps below, by table I; the other weights are held at zero."""

    seen: Tensor

    def __init__(self) -> None:
        super().__init__(6, 16, 5)
        seen = torch.zeros(16, 6, 1, 1)
        for number, below in enumerate(SEEN):
            seen[number, list(below)] = 1
        self.register_buffer("seen", seen)

    def forward(self, maps: Tensor) -> Tensor:
        return self._conv_forward(maps, self.weight * self.seen, self.bias)


@recorded
class LeNet5(nn.Module):
    """Convolution, subsampling, convolution, subsampling, convolution, a layer of 84, the outputs.

    A valid convolution of an H x W image with a K x K kernel has (H - K + 1) x (W - K + 1) places. It is written as in
    all such libraries, (w * x)_ij = sum_ab w_ab x_(i+a)(j+b), which mathematicians call cross-correlation.

    Args:
        channels: colours of an image.
        outputs: how many numbers are predicted.
        style: `1998`: 1.7159 tanh(2/3 x), learned subsampling, maps that see some of the maps below (table I); `modern`:
            the same sizes with another activation and the maximum of 2x2 places.
        activation: of the modern style.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `(batch, channels, height, width)`, up to 32x32; smaller images are framed with their border's mean zero ->
    `(batch, outputs)`. The paper's radial basis outputs are one linear layer, as everywhere since.

    Raises:
        OptionError: an unknown style.
        ShapeError: images above 32 pixels a side.

    LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document recognition", section II.B.

    >>> LeNet5(1, 10)(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        style: Literal["modern", "1998"] = "modern",
        activation: str = "relu",
        distribution: Distribution = None,
    ):
        super().__init__()
        if style not in ("modern", "1998"):
            raise OptionError("there is no such style", expected="modern or 1998", received=style)
        self.distribution = distribution
        old = style == "1998"

        def activate() -> nn.Module:
            return ScaledTanh() if old else elementwise(activation)

        def halve(maps: int) -> list[nn.Module]:
            return [Subsampling(maps), activate()] if old else [nn.MaxPool2d(2)]

        self.body = nn.Sequential(
            nn.Conv2d(channels, 6, 5),
            activate(),
            *halve(6),
            PartialConvolution() if old else nn.Conv2d(6, 16, 5),
            activate(),
            *halve(16),
            nn.Conv2d(16, 120, 5),
            activate(),
            nn.Flatten(),
            nn.Linear(120, 84),
            activate(),
        )
        self.feature_dim = 84
        self.head = nn.Linear(84, head_outputs(outputs, distribution))
        lay_out(self)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> LeNet5:
        """Size the network to a dataset's specs (Image -> Classes or Quantity)."""
        check("lenet-5", inputs, targets, options, (Image,))
        _fits((inputs.height, inputs.width))  # type: ignore[attr-defined]
        return cls(inputs.channels, targets.outputs, **options)  # type: ignore[attr-defined]

    def features(self, images: Tensor) -> Tensor:
        """Return the layer of 84, `(batch, 84)`."""
        high, wide = _fits(images.shape[-2:])
        frame = (wide // 2, math.ceil(wide / 2), high // 2, math.ceil(high / 2))
        return self.body(channels_last(nn.functional.pad(images, frame)))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


def _fits(size: Any) -> tuple[int, int]:
    """Return how many pixels are missing to 32, high and wide."""
    high, wide = (SIDE - int(each) for each in size)
    if min(high, wide) < 0:
        raise ShapeError(
            "LeNet-5 reads small images",
            expected=f"up to {SIDE} x {SIDE}",
            received=" x ".join(str(int(each)) for each in size),
            fix="read them smaller, or take another network: --network cnn",
        )
    return high, wide
