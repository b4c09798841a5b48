"""PatchTST: a transformer over the patches of each channel by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.layers.dropout import Dropout
from neurarium.networks.series.forecaster import Forecaster, Normalization, by_channel
from neurarium.networks.sizing import Distribution


@recorded
class PatchTST(Forecaster):
    """Cut each channel into overlapping patches, let these attend to each other, and map all of them to the horizon.

    Patches: x padded at its end by `stride` copies of the last value, cut into N = (lookback - patch) / stride + 2 pieces;
    z_0 = W_p x_p + W_pos; blocks of attention and an inner layer with skip connections and batch normalization (section
    3.1); y = W_h flatten(z) + b. All channels share the weights (channel independence), and each window is normalized.

    Args:
        channels, lookback, horizon, past, future, ids, numbers: as for `DLinear`.
        patch, stride: steps of a patch, and between patches.
        width, heads, blocks, inner: of the transformer. The defaults are those the paper takes for small data (ETTh).
        dropout: in the blocks and on their input.
        residual_attention: the scores of a block are added to those of the next (RealFormer, arXiv:2012.11747), as the
            authors' program has it.
        normalization, distribution: see `Forecaster`.

    `forward`: a window's dict -> `(batch, horizon, channels * numbers)`.

    Raises:
        OptionError: a patch longer than the look-back, or heads that do not divide the width.

    Nie et al., arXiv:2211.14730, section 3.1.

    >>> PatchTST(2, 32, 3)({"series": torch.randn(4, 32, 2)}).shape
    torch.Size([4, 3, 2])
    """

    called = "patch-tst"

    def __init__(
        self, channels: int, lookback: int, horizon: int, past: int = 0, future: int = 0, ids: int = 0, numbers: int = 1,
        patch: int = 16, stride: int = 8, width: int = 16, heads: int = 4, blocks: int = 3, inner: int = 128,
        dropout: float = 0.3, residual_attention: bool = True, normalization: Normalization = "instance",
        distribution: Distribution = None,
    ):  # fmt: skip
        super().__init__()
        self._make(channels, lookback, horizon, past, future, ids, numbers, normalization, distribution)
        patch = min(patch, lookback)
        if patch < 1 or stride < 1 or heads < 1 or width % heads:
            raise OptionError(
                "the sizes of the transformer do not go together", expected="a patch and a stride of 1 or more, heads that "
                "divide the width", received=f"patch={patch}, stride={stride}, width={width}, heads={heads}",
            )  # fmt: skip
        self.patch, self.stride = patch, stride
        count = (lookback - patch) // stride + 2
        self.enter = nn.Linear(patch, width)
        self.positions = nn.Parameter(torch.empty(count, width).uniform_(-0.02, 0.02))
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.blocks = nn.ModuleList(
            PatchBlock(width, heads, inner, dropout, residual_attention) for _ in range(blocks)
        )
        self.head = nn.Linear(count * width, horizon * self.numbers)

    def forecast(self, series: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        channels = series.transpose(1, 2)
        padded = functional.pad(channels, (0, self.stride), mode="replicate")
        patches = padded.unfold(2, self.patch, self.stride).flatten(0, 1)  # (batch * channels, N, patch)
        tokens = self.dropout(self.enter(patches) + self.positions)
        scores = None
        for block in self.blocks:
            tokens, scores = block(tokens, scores)
        said = self.head(tokens.transpose(1, 2).flatten(1))  # as the authors flatten: width, then patches
        return by_channel(said.unflatten(0, (-1, self.channels)), self.numbers)


class PatchBlock(nn.Module):
    """Attention and an inner layer over `(batch, N, width)`, each with a skip connection and batch normalization."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float, residual: bool):
        super().__init__()
        self.heads, self.residual = heads, residual
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.rise, self.fall = nn.Linear(width, inner), nn.Linear(inner, width)
        self.activate = nn.GELU()
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(2))
        # as the authors' program: what attention says is dropped out twice, behind its projection and before the skip connection
        self.dropouts = nn.ModuleList(Dropout(dropout) if dropout else nn.Identity() for _ in range(4))

    def forward(self, tokens: Tensor, scores: Tensor | None) -> tuple[Tensor, Tensor | None]:
        mixed, scores = self._attend(tokens, scores)
        tokens = self._normal(0, tokens + self.dropouts[1](self.dropouts[0](self.out(mixed))))
        inside = self.fall(self.dropouts[2](self.activate(self.rise(tokens))))
        return self._normal(1, tokens + self.dropouts[3](inside)), scores

    def _attend(self, tokens: Tensor, scores: Tensor | None) -> tuple[Tensor, Tensor | None]:
        query, key, value = (
            each(tokens).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for each in (self.query, self.key, self.value)
        )
        if not self.residual:
            mixed = functional.scaled_dot_product_attention(query, key, value)
            return mixed.transpose(1, 2).flatten(2), None
        found = (query / math.sqrt(query.shape[-1])) @ key.transpose(-2, -1)
        if scores is not None:
            found = found + scores
        return (found.softmax(dim=-1) @ value).transpose(1, 2).flatten(2), found

    def _normal(self, number: int, tokens: Tensor) -> Tensor:
        return self.norms[number](tokens.flatten(0, 1)).view_as(tokens)
