"""Inception v3: several convolutions side by side, and their feature maps put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import RefusalError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Image, Spec
from neurarium.layers.dropout import Dropout
from neurarium.networks.images.trunk import Published, channels_last, lay_out
from neurarium.networks.sizing import Distribution, check, head_outputs

SMALLEST = 75  # pixels a side: below, the last maps are empty
Kernel = int | tuple[int, int]


class Unit(nn.Module):
    """Convolution, normalization, activation."""

    def __init__(self, before: int, after: int, kernel: Kernel, stride: int = 1, padded: bool = True):
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (sides[0] // 2, sides[1] // 2) if padded else 0
        self.conv = nn.Conv2d(before, after, sides, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(after, eps=0.001)
        self.relu = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(maps)))


Step = tuple[str, int, Kernel]  # name, channels, kernel
Branch = Sequence[
    Step | tuple[Step, Step]
]  # two steps in one place stand side by side, at the end of a branch


class Mixed(nn.Module):
    """Branches of convolutions side by side; the last takes the mean, or where the size is halved the maximum, first.

    Args:
        before: channels of the input.
        branches: each a row of steps.
        pooled: channels of the branch that pools; None where it has no convolution.
        halve: the last convolution of each branch, and the pooling, have stride 2 and no padding.
    """

    def __init__(self, before: int, branches: Sequence[Branch], pooled: int | None, halve: bool = False):
        super().__init__()
        self.routes: list[list[tuple[str, ...]]] = []
        self.feature_dim = 0
        for branch in branches:
            inner, route = before, []
            for place, step in enumerate(branch):
                parallel: Sequence[Step] = [step] if isinstance(step[0], str) else step  # type: ignore[assignment, list-item]
                last = halve and place == len(branch) - 1
                for name, after, kernel in parallel:
                    self.add_module(name, Unit(inner, after, kernel, 2 if last else 1, not last))
                route.append(tuple(name for name, _, _ in parallel))
                inner = sum(after for _, after, _ in parallel)
            self.routes.append(route)
            self.feature_dim += inner
        self.branch_pool = Unit(before, pooled, 1) if pooled else nn.Identity()
        self.pool: nn.Module = nn.MaxPool2d(3, 2) if halve else nn.AvgPool2d(3, 1, 1)
        self.feature_dim += pooled or before

    def forward(self, maps: Tensor) -> Tensor:
        found = []
        for route in self.routes:
            x = maps
            for names in route:
                together = [self.get_submodule(name)(x) for name in names]
                x = together[0] if len(together) == 1 else torch.cat(together, 1)
            found.append(x)
        return torch.cat([*found, self.branch_pool(self.pool(maps))], 1)


def _a(before: int, pooled: int) -> Mixed:
    """Figure 5 of the paper."""
    double: Branch = [("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)]
    return Mixed(
        before, [[("branch1x1", 64, 1)], [("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)], double], pooled
    )


def _b(before: int) -> Mixed:
    """Figure 10: the size is halved."""
    double: Branch = [("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)]
    return Mixed(before, [[("branch3x3", 384, 3)], double], None, halve=True)


def _c(before: int, inner: int) -> Mixed:
    """Figure 6: a square convolution as a row and a column."""
    row, column = (1, 7), (7, 1)
    single: Branch = [("branch7x7_1", inner, 1), ("branch7x7_2", inner, row), ("branch7x7_3", 192, column)]
    double: Branch = [
        ("branch7x7dbl_1", inner, 1),
        ("branch7x7dbl_2", inner, column),
        ("branch7x7dbl_3", inner, row),
        ("branch7x7dbl_4", inner, column),
        ("branch7x7dbl_5", 192, row),
    ]
    return Mixed(before, [[("branch1x1", 192, 1)], single, double], 192)


def _d(before: int) -> Mixed:
    """The second halving."""
    single: Branch = [("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3)]
    double: Branch = [
        ("branch7x7x3_1", 192, 1),
        ("branch7x7x3_2", 192, (1, 7)),
        ("branch7x7x3_3", 192, (7, 1)),
        ("branch7x7x3_4", 192, 3),
    ]
    return Mixed(before, [single, double], None, halve=True)


def _e(before: int) -> Mixed:
    """Figure 7: row and column side by side."""
    sides: tuple[Step, Step] = (("branch3x3_2a", 384, (1, 3)), ("branch3x3_2b", 384, (3, 1)))
    double: tuple[Step, Step] = (("branch3x3dbl_3a", 384, (1, 3)), ("branch3x3dbl_3b", 384, (3, 1)))
    return Mixed(
        before,
        [
            [("branch1x1", 320, 1)],
            [("branch3x3_1", 384, 1), sides],
            [("branch3x3dbl_1", 448, 1), ("branch3x3dbl_2", 384, 3), double],
        ],
        192,
    )


class AuxiliaryHead(nn.Module):
    """A classifier on maps in the middle of the network: `(batch, channels, height, width)` -> `(batch, outputs)`."""

    def __init__(self, before: int, outputs: int):
        super().__init__()
        self.pool = nn.AvgPool2d(5, 3)
        self.conv0 = Unit(before, 128, 1)
        self.conv1 = Unit(128, 768, 5, padded=False)
        self.fc = nn.Linear(768, outputs)

    def forward(self, maps: Tensor) -> Tensor:
        return self.fc(self.conv1(self.conv0(self.pool(maps))).mean(dim=(2, 3)))


STEM = (
    "Conv2d_1a_3x3",
    "Conv2d_2a_3x3",
    "Conv2d_2b_3x3",
    "maxpool1",
    "Conv2d_3b_1x1",
    "Conv2d_4a_3x3",
    "maxpool2",
)
MIDDLE = ("Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e")
LAST = ("Mixed_7a", "Mixed_7b", "Mixed_7c")


@recorded
class InceptionV3(Published):
    """Eleven blocks of convolutions side by side.

    The names of all weights are torchvision's (`Mixed_5b.branch1x1.conv`, `fc`).

    Args:
        channels: colours of an image.
        outputs: how many numbers are predicted.
        auxiliary: build the classifier in the middle too, as published weights have it; `forward` does not use it,
            `auxiliary_outputs(images)` does.
        dropout: before the head.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `(batch, channels, height, width)` -> `(batch, outputs)`; sides of at least 75 pixels, 299 as published.

    Raises:
        ShapeError: smaller images.

    Szegedy et al. 2015, arXiv:1512.00567, table 1 and figures 5 to 7 and 10.

    >>> InceptionV3(3, 10).feature_dim
    2048
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        auxiliary: bool = False,
        dropout: float = 0.5,
        distribution: Distribution = None,
    ):
        super().__init__()
        self.distribution = distribution
        self.Conv2d_1a_3x3 = Unit(channels, 32, 3, 2, padded=False)
        self.Conv2d_2a_3x3 = Unit(32, 32, 3, padded=False)
        self.Conv2d_2b_3x3 = Unit(32, 64, 3)
        self.maxpool1 = nn.MaxPool2d(3, 2)
        self.Conv2d_3b_1x1 = Unit(64, 80, 1)
        self.Conv2d_4a_3x3 = Unit(80, 192, 3, padded=False)
        self.maxpool2 = nn.MaxPool2d(3, 2)
        blocks = [
            _a(192, 32),
            _a(256, 64),
            _a(288, 64),
            _b(288),
            _c(768, 128),
            _c(768, 160),
            _c(768, 160),
            _c(768, 192),
        ]
        for name, block in zip((*MIDDLE, *LAST), [*blocks, _d(768), _e(1280), _e(2048)], strict=True):
            self.add_module(name, block)
        self.feature_dim, self.map_dims = 2048, (288, 768, 2048)
        self.AuxLogits = AuxiliaryHead(768, head_outputs(outputs, distribution)) if auxiliary else None
        self.dropout = Dropout(dropout)
        self.fc = nn.Linear(self.feature_dim, head_outputs(outputs, distribution))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.1, a=-2.0, b=2.0)
        lay_out(self)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> InceptionV3:
        """Size the network to a dataset's specs (Image -> Classes or Quantity).

        Raises:
            RefusalError: images below 75 pixels a side.
        """
        check("inception-v3", inputs, targets, options, (Image,))
        if min(inputs.height, inputs.width) < SMALLEST:  # type: ignore[attr-defined]
            raise RefusalError(
                "Inception v3 halves images five times without padding: these are too small",
                expected=f"sides of at least {SMALLEST} pixels",
                received=f"{inputs.height} x {inputs.width}",  # type: ignore[attr-defined]
                fix="read the images larger, or take another network: --network resnet18",
            )
        return cls(inputs.channels, targets.outputs, **options)  # type: ignore[attr-defined]

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return feature maps at an eighth, a sixteenth and a thirty-second of the size."""
        if min(images.shape[-2:]) < SMALLEST:
            raise ShapeError(
                "the images are too small for Inception v3",
                expected=f"sides of at least {SMALLEST} pixels",
                received=tuple(images.shape),
            )
        x, found = channels_last(images), []
        for name in (*STEM, *MIDDLE, *LAST):
            x = self.get_submodule(name)(x)
            if name in ("Mixed_5d", "Mixed_6e", "Mixed_7c"):
                found.append(x)
        return found

    def features(self, images: Tensor) -> Tensor:
        """Return the averaged feature maps, `(batch, 2048)`."""
        return self.dropout(self.maps(images)[-1].mean(dim=(2, 3)))

    def auxiliary_outputs(self, images: Tensor) -> Tensor:
        """Return what the classifier in the middle says, `(batch, outputs)`.

        Raises:
            RefusalError: the network was built without it.
        """
        if self.AuxLogits is None:
            raise RefusalError(
                "this network has no classifier in the middle", fix="build it with auxiliary=True"
            )
        return self.AuxLogits(self.maps(images)[1])

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))
