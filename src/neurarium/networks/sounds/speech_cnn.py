"""SpeechCNN: separable convolutions over log-mel frames, for commands and other short sounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.recipe import recorded
from neurarium.data.specs import Spec, Waveform
from neurarium.layers.attention_pooling import AttentionPooling
from neurarium.layers.dropout import Dropout
from neurarium.layers.log_mel import LogMel, Normalization
from neurarium.networks.sizing import Distribution, check, head_outputs


class SeparableBlock(nn.Module):
    """x + P_2 g(P_1 LN(D x)): a depthwise convolution D, then two layers at each place; padding stays zero."""

    def __init__(self, width: int, kernel: int, expansion: int):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width, bias=False)
        self.norm = nn.LayerNorm(width)
        self.enter = nn.Linear(width, expansion * width)
        self.activate = nn.GELU()
        self.leave = nn.Linear(expansion * width, width)

    def forward(self, maps: Tensor, real: Tensor) -> Tensor:
        found = self.norm(self.depthwise(maps.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))
        return maps + self.leave(self.activate(self.enter(found))) * real


class Shrink(nn.Module):
    """A convolution that halves both axes, and a norm: `(batch, frames, mels, before)` -> half of both."""

    def __init__(self, before: int, width: int):
        super().__init__()
        self.convolution = nn.Conv2d(before, width, 3, stride=2, padding=1)
        self.norm = nn.LayerNorm(width)

    def forward(self, maps: Tensor, real: Tensor) -> Tensor:
        return self.norm(self.convolution(maps.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)) * real


class Ear(nn.Module):
    """Log-mel frames, and stages of separable convolutions over them, each at half the frames and bands.

    Args:
        features: the log-mel layer.
        widths: numbers per place, by stage.
        depth: blocks per stage.
        kernel: frames and bands that a depthwise convolution sees.
        expansion: width of a block's inner layer, as a multiple.

    `forward`: sound as of `Waveform` -> `(batch, frames / 2^stages, bands / 2^stages, widths[-1])` and a mask of real frames.
    """

    def __init__(self, features: LogMel, widths: tuple[int, ...], depth: int, kernel: int, expansion: int):
        super().__init__()
        self.log_mel = features
        pairs = zip((1, *widths[:-1]), widths, strict=True)
        self.shrinks = nn.ModuleList(Shrink(before, width) for before, width in pairs)
        self.blocks = nn.ModuleList(
            nn.ModuleList(SeparableBlock(width, kernel, expansion) for _ in range(depth)) for width in widths
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        frames, mask = self.log_mel(inputs)
        maps = frames.unsqueeze(3)
        for shrink, blocks in zip(self.shrinks, self.blocks, strict=True):
            mask = mask[:, ::2]
            real = mask[:, :, None, None].to(maps.dtype)
            maps = shrink(maps, real)
            for block in blocks:  # type: ignore[attr-defined]
                maps = block(maps, real)
        return maps, mask


@recorded
class SpeechCNN(nn.Module):
    """Separable convolutions over log-mel frames, averaged over bands, pooled over time by attention.

    Stages halve frames and bands; each block is x + P_2 g(P_1 LN(D x)) with a depthwise convolution D. Norms are over the
    channels of one place, and places behind the end of a recording are set to zero after every layer: padding changes nothing,
    nor do the other examples of a batch.

    Args:
        outputs: how many numbers are predicted.
        rate: samples per second.
        mels, window, hop, normalization: of `layers.LogMel`.
        widths: channels by stage.
        depth: blocks per stage.
        kernel: frames and bands that a depthwise convolution sees; odd.
        expansion: width of a block's inner layer, as a multiple.
        dropout: before the head.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: `{"waveform": (batch, length), "lengths": (batch,)}` -> `(batch, outputs)`.

    Zhang et al., "Hello Edge", arXiv:1711.07128, for separable convolutions over such features; Liu et al.,
    arXiv:2201.03545, for the block.

    >>> sound = {"waveform": torch.randn(2, 4000), "lengths": torch.tensor([4000, 900])}
    >>> SpeechCNN(10, rate=8000, widths=(8, 16))(sound).shape
    torch.Size([2, 10])
    """

    any_length = True
    hears = True
    at_once = 128

    def __init__(
        self,
        outputs: int,
        rate: int,
        mels: int = 64,
        window: float = 0.025,
        hop: float = 0.01,
        normalization: Normalization = "utterance",
        widths: tuple[int, ...] = (32, 64, 128),
        depth: int = 1,
        kernel: int = 5,
        expansion: int = 2,
        dropout: float = 0.2,
        distribution: Distribution = None,
    ):
        super().__init__()
        self.distribution = distribution
        features = LogMel(rate, mels, window, hop, normalization=normalization)
        self.ear = Ear(features, widths, depth, kernel, expansion)
        self.norm = nn.LayerNorm(widths[-1])
        self.pool = AttentionPooling(widths[-1])
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.feature_dim = widths[-1]
        self.head = nn.Linear(self.feature_dim, head_outputs(outputs, distribution))

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> SpeechCNN:
        """Size the network to a dataset's specs (Waveform -> Classes or Quantity)."""
        check("speech-cnn", inputs, targets, options, (Waveform,))
        return cls(targets.outputs, inputs.rate, **options)  # type: ignore[attr-defined]

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the pooled maps, with dropout, `(batch, feature_dim)`."""
        maps, mask = self.ear(inputs)
        return self.dropout(self.pool(self.norm(maps.mean(dim=2)), mask))

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.head(self.features(inputs))
