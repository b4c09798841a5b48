"""Linear forecasters: each step to come is a weighted sum of the steps that were."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.networks.series.additive import AdditiveForecaster
from neurarium.networks.series.forecaster import Forecaster, Normalization, by_channel
from neurarium.networks.sizing import Distribution


class ChannelLinear(nn.Module):
    """One linear map over time, shared by all channels, or one for each.

    `forward`: `(batch, channels, inputs)` -> `(batch, channels, outputs)`.
    """

    def __init__(self, inputs: int, outputs: int, channels: int = 0):
        super().__init__()
        count = max(channels, 1)
        self.each = nn.ModuleList(nn.Linear(inputs, outputs) for _ in range(count))

    def forward(self, series: Tensor) -> Tensor:
        if len(self.each) == 1:
            return self.each[0](series)
        return torch.stack([linear(series[:, place]) for place, linear in enumerate(self.each)], dim=1)


@recorded
class DLinear(AdditiveForecaster):
    """A moving average and what is left of it, each through one linear map over time.

    t = average of x over `kernel` steps (edges repeated), s = x - t, y = W_s s + b_s + W_t t + b_t. `components` gives the two.

    Args:
        channels, lookback, horizon, past, future, ids: of the windows.
        numbers: said of each value (quantiles).
        kernel: steps of the moving average, an odd number.
        individual: a map for each channel.
        flat_start: every weight starts at 1 / lookback, as in the authors' first program; else at random, as in their last.
        normalization, distribution: see `Forecaster`; the paper has no normalization.

    `forward`: a window's dict -> `(batch, horizon, channels * numbers)`.

    Raises:
        OptionError: a kernel that is not odd.

    Zeng et al., arXiv:2205.13504, section 4.

    >>> DLinear(2, 10, 3)({"series": torch.zeros(4, 10, 2)}).shape
    torch.Size([4, 3, 2])
    """

    called = "dlinear"

    def __init__(
        self, channels: int, lookback: int, horizon: int, past: int = 0, future: int = 0, ids: int = 0, numbers: int = 1,
        kernel: int = 25, individual: bool = False, flat_start: bool = True, normalization: Normalization = "none",
        distribution: Distribution = None,
    ):  # fmt: skip
        super().__init__()
        self._make(channels, lookback, horizon, past, future, ids, numbers, normalization, distribution)
        if kernel < 1 or kernel % 2 == 0:
            raise OptionError("the moving average is not centred", expected="an odd kernel", received=kernel)
        self.kernel = kernel
        own = channels if individual else 0
        self.seasonal = ChannelLinear(lookback, horizon * self.numbers, own)
        self.trend = ChannelLinear(lookback, horizon * self.numbers, own)
        if flat_start:
            with torch.no_grad():
                for linear in (*self.seasonal.each, *self.trend.each):
                    linear.weight.fill_(1 / lookback)  # type: ignore[union-attr,operator]

    def addends(self, series: Tensor, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        series = series.transpose(1, 2)
        trend = moving_average(series, self.kernel)
        parts = {"trend": self.trend(trend), "seasonality": self.seasonal(series - trend)}
        return {name: by_channel(each, self.numbers) for name, each in parts.items()}


def moving_average(series: Tensor, kernel: int) -> Tensor:
    """Return the mean over `kernel` steps around each step, the edges repeated: `(batch, channels, steps)`, the same shape.

    >>> moving_average(torch.tensor([[[0.0, 3.0, 6.0]]]), 3)
    tensor([[[1., 3., 5.]]])
    """
    half = (kernel - 1) // 2
    return functional.avg_pool1d(functional.pad(series, (half, half), mode="replicate"), kernel, stride=1)


@recorded
class NLinear(Forecaster):
    """One linear map over time, of the window without its last value: y = W (x - x_L) + b + x_L.

    Args:
        channels, lookback, horizon, past, future, ids, numbers, individual, distribution: as for `DLinear`.
        normalization: see `Forecaster`; "last" is the paper's.

    `forward`: a window's dict -> `(batch, horizon, channels * numbers)`.

    Zeng et al., arXiv:2205.13504, section 4.

    >>> NLinear(2, 10, 3)({"series": torch.zeros(4, 10, 2)}).shape
    torch.Size([4, 3, 2])
    """

    called = "nlinear"

    def __init__(
        self, channels: int, lookback: int, horizon: int, past: int = 0, future: int = 0, ids: int = 0, numbers: int = 1,
        individual: bool = False, normalization: Normalization = "last", distribution: Distribution = None,
    ):  # fmt: skip
        super().__init__()
        self._make(channels, lookback, horizon, past, future, ids, numbers, normalization, distribution)
        self.linear = ChannelLinear(lookback, horizon * self.numbers, channels if individual else 0)

    def forecast(self, series: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        return by_channel(self.linear(series.transpose(1, 2)), self.numbers)


@recorded
class RLinear(NLinear):
    """One linear map over time, of the window by its own mean and scale: y = s (W (x - m) / s + b) + m.

    Args:
        channels, lookback, horizon, past, future, ids, numbers, individual, distribution: as for `DLinear`.
        normalization: see `Forecaster`; "affine" is the paper's, whose gain one map can hold as well.

    `forward`: a window's dict -> `(batch, horizon, channels * numbers)`.

    Li et al., arXiv:2305.10721, section 5.

    >>> RLinear(2, 10, 3)({"series": torch.zeros(4, 10, 2)}).shape
    torch.Size([4, 3, 2])
    """

    called = "rlinear"

    def __init__(
        self, channels: int, lookback: int, horizon: int, past: int = 0, future: int = 0, ids: int = 0, numbers: int = 1,
        individual: bool = False, normalization: Normalization = "instance", distribution: Distribution = None,
    ):  # fmt: skip
        super().__init__(
            channels, lookback, horizon, past, future, ids, numbers, individual, normalization, distribution
        )
