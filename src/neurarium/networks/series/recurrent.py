"""A recurrent forecaster: an LSTM or a GRU reads the window, one layer says all steps to come."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from neurarium.core.recipe import recorded
from neurarium.layers.dropout import Dropout
from neurarium.layers.recurrent import Cell, Recurrent
from neurarium.networks.series.forecaster import Forecaster, Normalization
from neurarium.networks.sizing import Distribution


@recorded
class RecurrentForecaster(Forecaster):
    """Read all channels and covariates step by step; the last state says the whole horizon at once: y = W h_L + b.

    Args:
        channels, lookback, horizon, past, future, ids, numbers: as for `DLinear`.
        cell: "lstm", "gru", "rnn", or another of `layers.Recurrent`, which has the equations.
        width, layers, dropout: of the recurrent layers.
        normalization, distribution: see `Forecaster`.

    `forward`: a window's dict -> `(batch, horizon, channels * numbers)`. Channels are mixed, unlike in the linear ones.

    The direct strategy of Wen et al., arXiv:1711.11053, section 3.1, without its local decoder.

    >>> RecurrentForecaster(2, 10, 3, width=8)({"series": torch.randn(4, 10, 2)}).shape
    torch.Size([4, 3, 2])
    """

    called = "recurrent-forecaster"

    def __init__(
        self, channels: int, lookback: int, horizon: int, past: int = 0, future: int = 0, ids: int = 0, numbers: int = 1,
        cell: Cell = "lstm", width: int = 64, layers: int = 1, dropout: float = 0.0,
        normalization: Normalization = "instance", distribution: Distribution = None,
    ):  # fmt: skip
        super().__init__()
        self._make(channels, lookback, horizon, past, future, ids, numbers, normalization, distribution)
        self.layers = Recurrent(channels + past + future, width, cell, layers, dropout=dropout)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.head = nn.Linear(self.layers.outputs, horizon * channels * self.numbers)

    def forecast(self, series: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        known = [
            series,
            *(
                inputs[name][:, : self.lookback].to(series.dtype)
                for name in ("past", "future")
                if name in inputs
            ),
        ]
        steps = torch.cat(known, dim=-1)
        mask = torch.ones(steps.shape[:2], dtype=torch.bool, device=steps.device)
        last = self.layers(steps, mask)[:, -1]
        return self.head(self.dropout(last)).unflatten(-1, (self.horizon, self.channels, self.numbers))
