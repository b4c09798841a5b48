"""iTransformer: a transformer whose tokens are the channels, not the steps."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from neurarium.core.recipe import recorded
from neurarium.layers.dropout import Dropout
from neurarium.layers.transformer_block import TransformerBlock
from neurarium.networks.series.forecaster import Forecaster, Normalization, by_channel
from neurarium.networks.sizing import Distribution


@recorded
class ITransformer(Forecaster):
    """The whole past of each channel is one token; attention mixes channels, the inner layers work over time.

    h_0 = W x_(:, n) + b for each channel n (equation 1); blocks of attention and an inner layer, normalized after each; y_n =
    W_h h_L + b. Covariates of the past and those known beforehand are further tokens, which are read and not forecast.
    `attention` says which channels look at which.

    Args:
        channels, lookback, horizon, past, future, ids, numbers: as for `DLinear`.
        width, heads, blocks, expansion, dropout: of the transformer; the inner layer has `expansion * width` numbers.
        normalization, distribution: see `Forecaster`.

    `forward`: a window's dict -> `(batch, horizon, channels * numbers)`.

    Liu et al., arXiv:2310.06625, equations 1 and 2; section 4.3 (what attention shows).

    >>> ITransformer(2, 32, 3, width=16, heads=2)({"series": torch.randn(4, 32, 2)}).shape
    torch.Size([4, 3, 2])
    """

    called = "i-transformer"

    def __init__(
        self, channels: int, lookback: int, horizon: int, past: int = 0, future: int = 0, ids: int = 0, numbers: int = 1,
        width: int = 128, heads: int = 8, blocks: int = 2, expansion: float = 1.0, dropout: float = 0.1,
        normalization: Normalization = "instance", distribution: Distribution = None,
    ):  # fmt: skip
        super().__init__()
        self._make(channels, lookback, horizon, past, future, ids, numbers, normalization, distribution)
        self.enter = nn.Linear(lookback, width)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.blocks = nn.ModuleList(
            TransformerBlock(width, heads, round(width * expansion), dropout=dropout, normalization="post")
            for _ in range(blocks)
        )
        self.normalize_tokens = nn.LayerNorm(width)
        self.head = nn.Linear(width, horizon * self.numbers)

    def forecast(self, series: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        tokens = self._entered(series, inputs)
        for block in self.blocks:
            tokens = block(tokens)
        said = self.head(self.normalize_tokens(tokens[:, : self.channels]))
        return by_channel(said, self.numbers)

    def attention(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return how much each channel, and each covariate behind them, looks at each other: `(batch, blocks, heads, tokens,
        tokens)`, rows that sum to 1."""
        tokens, found = self._entered(self._normal(inputs["series"])[0], inputs), []
        for block in self.blocks:
            found.append(block.weights(tokens))  # type: ignore[operator]
            tokens = block(tokens)
        return torch.stack(found, dim=1)

    def _entered(self, series: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        known = [series]
        if "past" in inputs:
            known.append(inputs["past"].to(series.dtype))
        if "future" in inputs:
            known.append(inputs["future"][:, : self.lookback].to(series.dtype))
        return self.dropout(self.enter(torch.cat(known, dim=-1).transpose(1, 2)))
