"""MobileNet: a convolution of each channel by itself, then one over the channels: few products, small files."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from torch import Tensor, nn

from neurarium.core.recipe import recorded
from neurarium.data.specs import Image, Spec
from neurarium.layers.activations.sigmoid import HardSigmoid
from neurarium.layers.dropout import Dropout
from neurarium.networks.images.trunk import Pooled, Published, is_small, lay_out
from neurarium.networks.sizing import Distribution, check, head_outputs
from neurarium.networks.variants import variant

Norm = Callable[[int], nn.Module]


def divisible(width: float, by: int = 8) -> int:
    """Round a number of channels to a multiple of eight, never more than a tenth down.

    >>> divisible(16 * 0.75), divisible(33), divisible(20)
    (16, 32, 24)
    """
    rounded = max(by, int(width + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * width else rounded


def _unit(
    before: int,
    after: int,
    kernel: int,
    norm: Norm,
    activate: type[nn.Module] | None,
    stride: int = 1,
    groups: int = 1,
) -> nn.Sequential:
    """Convolution, normalization, activation."""
    layers: list[nn.Module] = [
        nn.Conv2d(before, after, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False),
        norm(after),
    ]
    return nn.Sequential(*layers, *([activate()] if activate else []))


class InvertedResidual(nn.Module):
    """Wider by 1x1, each channel by itself, narrower by 1x1 without activation; x + F(x) where the shape stays.

    Sandler et al. 2018, arXiv:1801.04381, table 1.
    """

    def __init__(self, before: int, after: int, stride: int, expansion: int):
        super().__init__()
        inner = before * expansion
        norm: Norm = nn.BatchNorm2d
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(_unit(before, inner, 1, norm, nn.ReLU6))
        layers += [
            _unit(inner, inner, 3, norm, nn.ReLU6, stride, inner),
            nn.Conv2d(inner, after, 1, bias=False),
            norm(after),
        ]
        self.conv = nn.Sequential(*layers)
        self.skip = stride == 1 and before == after

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.conv(maps) if self.skip else self.conv(maps)


@recorded
class MobileNetV2(Published):
    """Inverted residuals with linear bottlenecks.

    The names of all weights are torchvision's (`features.0.0`, `features.1.conv.0.0`, `classifier.1`).

    Args:
        channels: colours of an image.
        outputs: how many numbers are predicted.
        width: factor of all channels (rounded to multiples of eight).
        small: the first two halvings are left out, for small images.
        dropout: before the head.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `(batch, channels, height, width)` -> `(batch, outputs)`.

    Sandler et al. 2018, arXiv:1801.04381, table 2.

    >>> import torch
    >>> MobileNetV2(3, 10, width=0.25, small=True)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    head_name = "classifier"

    def __init__(
        self,
        channels: int,
        outputs: int,
        width: float = 1.0,
        small: bool = False,
        dropout: float = 0.2,
        distribution: Distribution = None,
    ):
        super().__init__()
        self.distribution = distribution
        stages = [
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        ]
        before = divisible(32 * width)
        layers: list[nn.Module] = [_unit(channels, before, 3, nn.BatchNorm2d, nn.ReLU6, 1 if small else 2)]
        ends: list[tuple[int, int]] = []
        for number, (expansion, wide, count, stride) in enumerate(stages):
            if stride == 2 and number > 1:
                ends.append((len(layers) - 1, before))
            after = divisible(wide * width)
            for position in range(count):
                step = stride if not position and not (small and number == 1) else 1
                layers.append(InvertedResidual(before, after, step, expansion))
                before = after
        self.feature_dim = divisible(1280 * max(1.0, width))
        self.ends, self.map_dims = zip(*ends, (len(layers), self.feature_dim), strict=True)
        layers.append(_unit(before, self.feature_dim, 1, nn.BatchNorm2d, nn.ReLU6))
        self.features = Pooled(*layers)
        self.classifier = nn.Sequential(
            Dropout(dropout), nn.Linear(self.feature_dim, head_outputs(outputs, distribution))
        )
        _start(self)
        lay_out(self)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> MobileNetV2:
        """Size the network to a dataset's specs (Image -> Classes or Quantity)."""
        check("mobilenet-v2", inputs, targets, options, (Image,))
        if is_small(inputs):
            options = {"small": True} | options
        return cls(inputs.channels, targets.outputs, **options)  # type: ignore[attr-defined]

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the last feature maps of each size from a quarter on, for small images from the whole on."""
        return self.features.stages(images, self.ends)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


class SqueezeExcitation(nn.Module):
    """Scale each channel by what the means of all channels say: y = x * h(W_2 relu(W_1 mean(x))).

    Hu et al. 2017, arXiv:1709.01507, equations 2 to 4, with the hard sigmoid of MobileNetV3.
    """

    def __init__(self, channels: int, squeezed: int):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.activation = nn.ReLU()
        self.scale_activation = HardSigmoid()

    def forward(self, maps: Tensor) -> Tensor:
        means = maps.mean(dim=(2, 3), keepdim=True)
        return maps * self.scale_activation(self.fc2(self.activation(self.fc1(means))))


class Row(NamedTuple):
    """A row of tables 1 and 2 of the paper."""

    kernel: int
    inner: int
    after: int
    squeeze: bool
    hard: bool
    stride: int


LARGE = (
    Row(3, 16, 16, False, False, 1),
    Row(3, 64, 24, False, False, 2),
    Row(3, 72, 24, False, False, 1),
    Row(5, 72, 40, True, False, 2),
    Row(5, 120, 40, True, False, 1),
    Row(5, 120, 40, True, False, 1),
    Row(3, 240, 80, False, True, 2),
    Row(3, 200, 80, False, True, 1),
    Row(3, 184, 80, False, True, 1),
    Row(3, 184, 80, False, True, 1),
    Row(3, 480, 112, True, True, 1),
    Row(3, 672, 112, True, True, 1),
    Row(5, 672, 160, True, True, 2),
    Row(5, 960, 160, True, True, 1),
    Row(5, 960, 160, True, True, 1),
)
SMALL = (
    Row(3, 16, 16, True, False, 2),
    Row(3, 72, 24, False, False, 2),
    Row(3, 88, 24, False, False, 1),
    Row(5, 96, 40, True, True, 2),
    Row(5, 240, 40, True, True, 1),
    Row(5, 240, 40, True, True, 1),
    Row(5, 120, 48, True, True, 1),
    Row(5, 144, 48, True, True, 1),
    Row(5, 288, 96, True, True, 2),
    Row(5, 576, 96, True, True, 1),
    Row(5, 576, 96, True, True, 1),
)
SIZES = {"large": (LARGE, 1280), "small": (SMALL, 1024)}


class Bneck(nn.Module):
    """MobileNetV3's inverted residual, with squeeze and excitation in between where the table says so."""

    def __init__(self, before: int, row: Row, width: float, stride: int, norm: Norm):
        super().__init__()
        inner, after = divisible(row.inner * width), divisible(row.after * width)
        activate = nn.Hardswish if row.hard else nn.ReLU
        layers: list[nn.Module] = [_unit(before, inner, 1, norm, activate)] if inner != before else []
        layers.append(_unit(inner, inner, row.kernel, norm, activate, stride, inner))
        layers += [SqueezeExcitation(inner, divisible(inner // 4))] if row.squeeze else []
        layers.append(_unit(inner, after, 1, norm, None))
        self.block = nn.Sequential(*layers)
        self.skip, self.feature_dim = stride == 1 and before == after, after

    def forward(self, maps: Tensor) -> Tensor:
        return maps + self.block(maps) if self.skip else self.block(maps)


@recorded
class MobileNetV3(Published):
    """Inverted residuals found by search, with squeeze and excitation and hard swish.

    The names of all weights are torchvision's (`features.1.block.0.0`, `classifier.3`). The head is the whole
    `classifier`: a hidden layer and the outputs.

    Args:
        channels: colours of an image.
        outputs: how many numbers are predicted.
        size: `large` or `small`.
        width: factor of all channels (rounded to multiples of eight).
        small: the first two halvings are left out, for small images.
        dropout: before the last layer.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `(batch, channels, height, width)` -> `(batch, outputs)`.

    Howard et al. 2019, arXiv:1905.02244, tables 1 and 2.

    >>> import torch
    >>> MobileNetV3(3, 10, "small", small=True)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    head_name = "classifier"

    def __init__(
        self,
        channels: int,
        outputs: int,
        size: Literal["large", "small"] = "large",
        width: float = 1.0,
        small: bool = False,
        dropout: float = 0.2,
        distribution: Distribution = None,
    ):
        super().__init__()
        self.distribution = distribution
        rows, hidden = SIZES[size]
        norm = functools.partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
        before = divisible(16 * width)
        layers: list[nn.Module] = [_unit(channels, before, 3, norm, nn.Hardswish, 1 if small else 2)]
        halved, ends = 0, []
        for row in rows:
            if row.stride == 2 and halved:
                ends.append((len(layers) - 1, before))
            halved += row.stride == 2
            stride = 1 if small and halved == 1 else row.stride
            layers.append(block := Bneck(before, row, width, stride, norm))
            before = block.feature_dim
        self.feature_dim = 6 * before
        self.ends, self.map_dims = zip(*ends, (len(layers), self.feature_dim), strict=True)
        layers.append(_unit(before, self.feature_dim, 1, norm, nn.Hardswish))
        self.features = Pooled(*layers)
        hidden = divisible(hidden * width)
        self.classifier = nn.Sequential(
            nn.Linear(self.feature_dim, hidden),
            nn.Hardswish(),
            Dropout(dropout),
            nn.Linear(hidden, head_outputs(outputs, distribution)),
        )
        _start(self)
        lay_out(self)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> MobileNetV3:
        """Size the network to a dataset's specs (Image -> Classes or Quantity)."""
        check("mobilenet-v3", inputs, targets, options, (Image,))
        if is_small(inputs):
            options = {"small": True} | options
        return cls(inputs.channels, targets.outputs, **options)  # type: ignore[attr-defined]

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the last feature maps of each size from a quarter on, for small images from the whole on."""
        return self.features.stages(images, self.ends)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def _start(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.01)
            nn.init.zeros_(module.bias)


MobileNetV3Small = variant(MobileNetV3, "MobileNetV3Small", "MobileNetV3 of the small table.", size="small")
