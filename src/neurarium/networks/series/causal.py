"""A convolutional forecaster: dilated causal convolutions read the window, one layer says all steps to come."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.layers.causal_convolution import CausalBlock, receptive_field
from neurarium.networks.series.forecaster import Forecaster, Normalization
from neurarium.networks.sizing import Distribution


@recorded
class CausalForecaster(Forecaster):
    """A temporal convolutional network over the window; its last state says the whole horizon: y = W h_L + b.

    h_l = block_l(h_(l-1)) with dilation 2^(l-1), see `layers.CausalBlock`. As many levels as it takes to see the whole
    look-back, where nothing is said.

    Args:
        channels, lookback, horizon, past, future, ids, numbers: as for `DLinear`.
        width: numbers per state.
        levels: how many blocks; 0: as many as see the whole window.
        kernel: steps that a convolution sees.
        dropout: after each convolution.
        normalization, distribution: see `Forecaster`.

    `forward`: a window's dict -> `(batch, horizon, channels * numbers)`. Channels are mixed.

    Raises:
        OptionError: a kernel below 2.

    Bai, Kolter and Koltun 2018, arXiv:1803.01271, section 3.

    >>> CausalForecaster(2, 10, 3, width=8)({"series": torch.randn(4, 10, 2)}).shape
    torch.Size([4, 3, 2])
    """

    called = "causal-forecaster"

    def __init__(
        self, channels: int, lookback: int, horizon: int, past: int = 0, future: int = 0, ids: int = 0, numbers: int = 1,
        width: int = 32, levels: int = 0, kernel: int = 3, dropout: float = 0.2,
        normalization: Normalization = "instance", distribution: Distribution = None,
    ):  # fmt: skip
        super().__init__()
        self._make(channels, lookback, horizon, past, future, ids, numbers, normalization, distribution)
        if kernel < 2:
            raise OptionError(
                "a convolution of one step sees no past", expected="a kernel of 2 or more", received=kernel
            )
        levels = levels or next(
            each
            for each in range(1, 32)
            if receptive_field(kernel, tuple(2**n for n in range(each))) >= lookback
        )
        sizes = (channels + past + future, *[width] * (levels - 1))
        self.blocks = nn.ModuleList(
            CausalBlock(size, width, kernel, 2**level, dropout) for level, size in enumerate(sizes)
        )
        self.head = nn.Linear(width, horizon * channels * self.numbers)

    def forecast(self, series: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        known = [
            series,
            *(
                inputs[name][:, : self.lookback].to(series.dtype)
                for name in ("past", "future")
                if name in inputs
            ),
        ]
        signal = torch.cat(known, dim=-1).transpose(1, 2)
        for block in self.blocks:
            signal = block(signal)
        return self.head(signal[..., -1]).unflatten(-1, (self.horizon, self.channels, self.numbers))
