"""InceptionTime: convolutions of several widths side by side, stacked with skip connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.data.specs import Series, Spec
from neurarium.layers.dropout import Dropout
from neurarium.networks.sizing import Distribution, check, head_outputs

SKIPPED = 3  # modules that one skip connection spans


class InceptionModule(nn.Module):
    """relu(BN([w_1 * z, w_2 * z, w_3 * z, w_4 * max_3 x])), z = w_0 x a bottleneck of one place wide.

    `(batch, channels, length)` -> `(batch, 4 filters, length)`; what lies behind a series' end is zero to convolutions and
    nothing to the maximum.
    """

    def __init__(self, channels: int, filters: int, kernels: tuple[int, ...], bottleneck: int):
        super().__init__()
        narrow = channels > 1 and bottleneck > 0
        self.bottleneck = nn.Conv1d(channels, bottleneck, 1, bias=False) if narrow else nn.Identity()
        width, self.kernels = bottleneck if narrow else channels, kernels
        self.branches = nn.ModuleList(nn.Conv1d(width, filters, kernel, bias=False) for kernel in kernels)
        self.pool = nn.MaxPool1d(3, stride=1, padding=1)
        self.project = nn.Conv1d(channels, filters, 1, bias=False)
        self.normalize = nn.BatchNorm1d(filters * (len(kernels) + 1))
        self.relu = nn.ReLU()

    def forward(self, maps: Tensor, real: Tensor) -> Tensor:
        narrow = self.bottleneck(maps)
        highest = self.pool(maps.masked_fill(~real, -torch.inf)).masked_fill(~real, 0.0)
        seen = [functional.pad(narrow, ((kernel - 1) // 2, kernel // 2)) for kernel in self.kernels]
        found = [branch(each) for branch, each in zip(self.branches, seen, strict=True)]
        answers = torch.cat([*found, self.project(highest)], dim=1)
        return self.relu(self.normalize(answers)).masked_fill(~real, 0.0)


@recorded
class InceptionTime(nn.Module):
    """Stacked inception modules over a series, averaged over time.

    A_l = Inception(A_(l-1)); after each third A_l = relu(A_l + BN(W A_(l-3))); Z = W dropout(mean over t of A_L) + b

    Args:
        channels: of a series.
        outputs: how many numbers are predicted.
        filters: feature maps of each branch; a module gives four times as many.
        depth: how many modules.
        kernels: widths of the convolutions side by side.
        bottleneck: feature maps before them; 0 for none.
        dropout: the probability that a number before the head is set to zero in training; the paper has none.
        distribution: `gaussian` for a mean and a raw variance per output.

    `forward`: a dict of `series` `(batch, length, channels)` and `lengths` -> `(batch, outputs)`. Padding changes nothing in
    prediction. The published classifier is an ensemble of five (`--ensemble 5`).

    Raises:
        OptionError: no module, or no convolution.

    Ismail Fawaz et al., arXiv:1909.04939, section 3; batch normalization with torch's constants, not Keras's.

    >>> inputs = {"series": torch.randn(3, 50, 2), "lengths": torch.tensor([50, 20, 50])}
    >>> InceptionTime(2, 4, filters=8)(inputs).shape
    torch.Size([3, 4])
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        filters: int = 32,
        depth: int = 6,
        kernels: tuple[int, ...] = (40, 20, 10),
        bottleneck: int = 32,
        dropout: float = 0.0,
        distribution: Distribution = None,
    ):
        super().__init__()
        if depth < 1 or not kernels or min(kernels) < 1 or filters < 1:
            raise OptionError(
                "there is nothing to stack", expected="depth >= 1, filters >= 1 and kernels of 1 or more",
                received=f"depth={depth}, filters={filters}, kernels={tuple(kernels)}",
            )  # fmt: skip
        self.distribution = distribution
        width = filters * (len(kernels) + 1)
        self.body = nn.ModuleList(
            InceptionModule(width if place else channels, filters, kernels, bottleneck)
            for place in range(depth)
        )
        self.skips = nn.ModuleList(
            _skip(width if place else channels, width) for place in range(depth // SKIPPED)
        )
        self.relus = nn.ModuleList(nn.ReLU() for _ in self.skips)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.feature_dim = width
        self.head = nn.Linear(width, head_outputs(outputs, distribution))

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> InceptionTime:
        """Size the network to a dataset's specs (Series -> Classes or Quantity)."""
        check("inception-time", inputs, targets, options, (Series,))
        return cls(inputs.channels, targets.outputs, **options)  # type: ignore[attr-defined]

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the feature maps averaged over real places, `(batch, feature_dim)`."""
        series, lengths = inputs["series"], inputs["lengths"]
        real = (torch.arange(series.shape[1], device=series.device) < lengths[:, None])[:, None]
        maps = series.transpose(1, 2).masked_fill(~real, 0.0)
        before = maps
        for place, module in enumerate(self.body, start=1):
            maps = module(maps, real)
            if place % SKIPPED == 0:
                skip, relu = self.skips[place // SKIPPED - 1], self.relus[place // SKIPPED - 1]
                maps = relu(maps + skip(before)).masked_fill(~real, 0.0)
                before = maps
        return self.dropout(maps.sum(2) / lengths.clamp(min=1)[:, None].to(maps.dtype))

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.head(self.features(inputs))


def _skip(before: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv1d(before, width, 1, bias=False), nn.BatchNorm1d(width))
