"""ResNet: layers that learn what is to be added to their input."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Image, Spec
from neurarium.layers.dropout import Dropout
from neurarium.networks.images.trunk import Published, channels_last, is_small, lay_out
from neurarium.networks.sizing import Distribution, check, head_outputs
from neurarium.networks.variants import variant


class Shortcut(nn.Module):
    """The identity where a block changes the shape, without weights: every other place, zeros for new channels.

    `(batch, before, height, width)` -> `(batch, after, height / stride, width / stride)` (He et al., option A).
    """

    def __init__(self, before: int, after: int, stride: int):
        super().__init__()
        self.added, self.stride = after - before, stride

    def forward(self, maps: Tensor) -> Tensor:
        maps = maps[:, :, :: self.stride, :: self.stride]
        low = self.added // 2
        return nn.functional.pad(maps, (0, 0, 0, 0, low, self.added - low))


class EveryOther(nn.Conv2d):
    """A 1x1 convolution with a stride, as one without on every other place: the same numbers."""

    def forward(self, maps: Tensor) -> Tensor:
        high, wide = self.stride
        return nn.functional.conv2d(maps[:, :, ::high, ::wide].contiguous(), self.weight, self.bias)


class Basic(nn.Module):
    """Two 3x3 convolutions: y = g(x + F(x)); before an activation each (preactivation): y = x + F(g(x))."""

    expansion = 1

    def __init__(
        self,
        before: int,
        width: int,
        stride: int,
        shortcut: nn.Module | None,
        preactivation: bool,
        skip: bool,
        **_: Any,
    ):
        super().__init__()
        self.preactivation, self.skip = preactivation, skip
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(before if preactivation else width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU()
        self.downsample = shortcut

    def forward(self, maps: Tensor) -> Tensor:
        if self.preactivation:
            opened = self.relu1(self.bn1(maps))
            # He et al. 2016: a shortcut that changes the shape stands behind the first activation.
            kept = maps if self.downsample is None else self.downsample(opened)
            added = self.conv2(self.relu2(self.bn2(self.conv1(opened))))
            return kept + added if self.skip else added
        kept = maps if self.downsample is None else self.downsample(maps)
        added = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(maps)))))
        return self.relu2(kept + added if self.skip else added)


class Bottleneck(nn.Module):
    """1x1 to fewer channels, 3x3, 1x1 to four times as many: y = g(x + F(x)). The stride is that of the 3x3."""

    expansion = 4

    def __init__(
        self,
        before: int,
        width: int,
        stride: int,
        shortcut: nn.Module | None,
        preactivation: bool,
        skip: bool,
        groups: int = 1,
        group_width: int = 64,
    ):
        super().__init__()
        inner, after = int(width * (group_width / 64)) * groups, width * self.expansion
        self.preactivation, self.skip = preactivation, skip
        self.conv1 = nn.Conv2d(before, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(before if preactivation else inner)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(inner, after, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(inner if preactivation else after)
        self.relu3 = nn.ReLU()
        self.downsample = shortcut

    def forward(self, maps: Tensor) -> Tensor:
        if self.preactivation:
            opened = self.relu1(self.bn1(maps))
            kept = maps if self.downsample is None else self.downsample(opened)
            added = self.conv2(self.relu2(self.bn2(self.conv1(opened))))
            added = self.conv3(self.relu3(self.bn3(added)))
            return kept + added if self.skip else added
        kept = maps if self.downsample is None else self.downsample(maps)
        added = self.relu2(self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(maps))))))
        added = self.bn3(self.conv3(added))
        return self.relu3(kept + added if self.skip else added)


KINDS: dict[str, type[Basic] | type[Bottleneck]] = {"basic": Basic, "bottleneck": Bottleneck}


@recorded
class ResNet(Published):
    """A residual network: stages of blocks y = g(x + F(x)), F of two or three convolutions, then the mean over places.

    The names of all weights are torchvision's (`conv1`, `layer1.0.bn1`, `fc`, ...), so that its published weights load
    (`networks.published`); the head is `fc`, and `head` too.

    Args:
        channels: colours of an image.
        outputs: how many numbers are predicted.
        blocks: how many per stage; each stage but the first halves the size.
        widths: channels of each stage, before a bottleneck's fourfold.
        block: `basic` (two 3x3 convolutions) or `bottleneck` (1x1, 3x3, 1x1).
        stem: `large`: a 7x7 convolution and a maximum that quarter the size; `small`: a 3x3 convolution that keeps it.
        stem_width: channels of the stem; those of the first stage where None.
        preactivation: normalization and activation stand before the convolutions (arXiv:1603.05027).
        shortcut: where the shape changes: `convolution` (1x1, learned) or `padding` (zeros for new channels).
        groups, group_width: of the bottlenecks' 3x3 convolutions (ResNeXt; wide ResNets have group_width 128).
        skip: whether blocks add their input at all; without it deep networks learn badly, which chapter 14 shows.
        dropout: the probability that a number before the head is set to zero in training.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `(batch, channels, height, width)` -> `(batch, outputs)`; computed channels last.

    Raises:
        OptionError: stages without a width or without a block.

    He et al. 2015, arXiv:1512.03385, equations 1 and 2 and table 1.

    >>> import torch
    >>> ResNet(3, 10, blocks=(1, 1), widths=(8, 16))(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        blocks: tuple[int, ...] = (2, 2, 2, 2),
        widths: tuple[int, ...] = (64, 128, 256, 512),
        block: Literal["basic", "bottleneck"] = "basic",
        stem: Literal["large", "small"] = "large",
        stem_width: int | None = None,
        preactivation: bool = False,
        shortcut: Literal["convolution", "padding"] = "convolution",
        groups: int = 1,
        group_width: int = 64,
        skip: bool = True,
        dropout: float = 0.0,
        distribution: Distribution = None,
    ):
        super().__init__()
        if len(blocks) != len(widths) or not blocks or min(blocks) < 1:
            raise OptionError(
                "the stages do not fit",
                expected="one width for each number of blocks, each 1 or more",
                received=f"blocks={tuple(blocks)}, widths={tuple(widths)}",
            )
        self.distribution, self.preactivation = distribution, preactivation
        kind = KINDS[block]
        before = stem_width or widths[0]
        large = stem == "large"
        self.conv1 = nn.Conv2d(
            channels, before, 7 if large else 3, 2 if large else 1, 3 if large else 1, bias=False
        )
        # With preactivation the first block normalizes, and so nothing does before it.
        self.bn1 = nn.Identity() if preactivation else nn.BatchNorm2d(before)
        self.relu = nn.Identity() if preactivation else nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1) if large else nn.Identity()
        self.stages = [f"layer{number + 1}" for number in range(len(blocks))]
        of = {"preactivation": preactivation, "skip": skip, "groups": groups, "group_width": group_width}
        for number, (count, width) in enumerate(zip(blocks, widths, strict=True)):
            made = _stage(kind, before, width, count, 2 if number else 1, shortcut, of)
            self.add_module(self.stages[number], made)
            before = width * kind.expansion
        self.last = nn.Sequential(nn.BatchNorm2d(before), nn.ReLU()) if preactivation else nn.Identity()
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.feature_dim = before
        self.map_dims = tuple(width * kind.expansion for width in widths)
        self.fc = nn.Linear(before, head_outputs(outputs, distribution))
        _start(self)
        lay_out(self)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> ResNet:
        """Size the network to a dataset's specs (Image -> Classes or Quantity); small images get the small stem."""
        check("resnet", inputs, targets, options, (Image,))
        if "stem" not in getattr(cls, "fixed", ()) and is_small(inputs):
            options = {"stem": "small"} | options
        return cls(inputs.channels, targets.outputs, **options)  # type: ignore[attr-defined]

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the feature maps of each stage, `(batch, map_dims[i], height_i, width_i)`, largest first."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(channels_last(images)))))
        found = []
        for name in self.stages:
            x = self.get_submodule(name)(x)
            found.append(x)
        found[-1] = self.last(x)
        return found

    def features(self, images: Tensor) -> Tensor:
        """Return the averaged feature maps of the last stage, `(batch, feature_dim)`."""
        return self.dropout(self.maps(images)[-1].mean(dim=(2, 3)))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


def _stage(
    kind: type[Basic] | type[Bottleneck],
    before: int,
    width: int,
    count: int,
    stride: int,
    shortcut: str,
    of: dict[str, Any],
) -> nn.Sequential:
    after = width * kind.expansion
    change = _change(before, after, stride, shortcut, of["preactivation"])
    blocks = [kind(before, width, stride, change, **of)]
    blocks += [kind(after, width, 1, None, **of) for _ in range(count - 1)]
    return nn.Sequential(*blocks)


def _change(before: int, after: int, stride: int, kind: str, preactivation: bool) -> nn.Module | None:
    if stride == 1 and before == after:
        return None
    if kind == "padding":
        return Shortcut(before, after, stride)
    # oneDNN's 1x1 kernel with a stride, channels last, writes beyond its memory below 8 channels (torch 2.13, measured).
    convolution = EveryOther if before < 8 else nn.Conv2d
    layers: list[nn.Module] = [convolution(before, after, 1, stride, bias=False)]
    return nn.Sequential(*layers, *([] if preactivation else [nn.BatchNorm2d(after)]))


def _start(network: nn.Module) -> None:
    """He et al. 2015, arXiv:1502.01852, by the outgoing connections, as the published weights began."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


_BASIC = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
_DEEP = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}

ResNet18 = variant(ResNet, "ResNet18", "The residual network of 18 layers.", blocks=_BASIC[18])
ResNet34 = variant(ResNet, "ResNet34", "The residual network of 34 layers.", blocks=_BASIC[34])
ResNet50 = variant(
    ResNet, "ResNet50", "The residual network of 50 layers.", blocks=_DEEP[50], block="bottleneck"
)
ResNet101 = variant(
    ResNet, "ResNet101", "The residual network of 101 layers.", blocks=_DEEP[101], block="bottleneck"
)
ResNet152 = variant(
    ResNet, "ResNet152", "The residual network of 152 layers.", blocks=_DEEP[152], block="bottleneck"
)
WideResNet50 = variant(
    ResNet,
    "WideResNet50",
    "ResNet-50 with twice the channels inside its bottlenecks (torchvision's wide_resnet50_2).",
    blocks=_DEEP[50],
    block="bottleneck",
    group_width=128,
)
WideResNet101 = variant(
    ResNet,
    "WideResNet101",
    "ResNet-101 with twice the channels inside its bottlenecks (torchvision's wide_resnet101_2).",
    blocks=_DEEP[101],
    block="bottleneck",
    group_width=128,
)
ResNeXt50 = variant(
    ResNet,
    "ResNeXt50",
    "ResNet-50 with 32 groups of 4 channels (torchvision's resnext50_32x4d; arXiv:1611.05431).",
    blocks=_DEEP[50],
    block="bottleneck",
    groups=32,
    group_width=4,
)
ResNet20 = variant(
    ResNet,
    "ResNet20",
    "The residual network of 20 layers for images of 32x32 (arXiv:1512.03385, section 4.2): 0.27 million weights.",
    blocks=(3, 3, 3),
    widths=(16, 32, 64),
    stem="small",
    shortcut="padding",
)
PreActResNet18 = variant(
    ResNet,
    "PreActResNet18",
    "ResNet-18 with normalization and activation before the convolutions (arXiv:1603.05027).",
    blocks=_BASIC[18],
    preactivation=True,
)
WideResNet28 = variant(
    ResNet,
    "WideResNet28",
    "WRN-28-10: 28 layers, ten times the channels, preactivation, for images of 32x32 (arXiv:1605.07146).",
    blocks=(4, 4, 4),
    widths=(160, 320, 640),
    stem="small",
    stem_width=16,
    preactivation=True,
)
