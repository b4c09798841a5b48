"""N-HiTS: N-BEATS at several rates: blocks that see the window pooled, and forecast few numbers that are interpolated."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import torch  # noqa: F401  # for the examples
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.networks.series.additive import AdditiveForecaster
from neurarium.networks.series.forecaster import Normalization, by_channel
from neurarium.networks.sizing import Distribution


@recorded
class NHiTS(AdditiveForecaster):
    """Each stack reads the window at a rate of its own, and says as many numbers as that rate has in the horizon.

    x_p = maxpool(x, k_s) (equation 1); h = perceptron(x_p); theta = W h (equation 2); y^ = linear interpolation of theta_f,
    of which there are ceil(r_s H) (equations 3, 4); x_(l+1) = x_l - x^_l, y = sum_l y^_l (equation 5). Each channel by itself.
    `components` gives what the stack of each rate adds.

    Args:
        channels, lookback, horizon, past, future, ids, numbers: as for `DLinear`.
        pools: k of each stack, coarse to fine.
        rates: how many steps of the horizon share a number, by stack: 1 / r.
        blocks: per stack.
        width, layers: of a block's perceptron.
        normalization, distribution: see `Forecaster`.

    `forward`: a window's dict -> `(batch, horizon, channels * numbers)`.

    Raises:
        OptionError: pools and rates that are not equally many.

    Challu et al., arXiv:2201.12886, equations 1 to 5. As in the authors' program the forecast starts from the last value of
    the window, which here is taken off what the blocks read too. Unlike there: the window is pooled from its oldest step on
    (there from its newest: another network only where a pool does not divide the look-back), and there are ceil(r H) numbers
    as printed, not floor(r H).

    >>> NHiTS(2, 16, 8, width=8)({"series": torch.randn(4, 16, 2)}).shape
    torch.Size([4, 8, 2])
    """

    called = "n-hits"

    def __init__(
        self, channels: int, lookback: int, horizon: int, past: int = 0, future: int = 0, ids: int = 0, numbers: int = 1,
        pools: tuple[int, ...] = (8, 4, 1), rates: tuple[int, ...] = (24, 12, 1), blocks: int = 1, width: int = 256,
        layers: int = 2, normalization: Normalization = "last", distribution: Distribution = None,
    ):  # fmt: skip
        super().__init__()
        self._make(channels, lookback, horizon, past, future, ids, numbers, normalization, distribution)
        if len(pools) != len(rates) or min(*pools, *rates) < 1:
            raise OptionError(
                "a stack has a pool and a rate", expected="equally many of both, 1 or more",
                received=f"pools={pools}, rates={rates}",
            )  # fmt: skip
        sizes = (lookback, horizon, self.numbers, width, layers)
        self.blocks = nn.ModuleList(
            NHiTSBlock(pool, rate, *sizes)
            for pool, rate in zip(pools, rates, strict=True)
            for _ in range(blocks)
        )
        self.names = [_name(rates, place) for place in range(len(rates)) for _ in range(blocks)]

    def addends(self, series: Tensor, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        rest, found = series.transpose(1, 2), dict[str, Tensor]()
        for name, block in zip(self.names, self.blocks, strict=True):
            backcast, ahead = block(rest)
            rest, ahead = rest - backcast, by_channel(ahead, self.numbers)
            found[name] = found[name] + ahead if name in found else ahead
        return found


def _name(rates: tuple[int, ...], place: int) -> str:
    """Return what a stack is called: by how many steps share a number, and by its place among those of one rate."""
    rate = rates[place]
    name = "every_step" if rate == 1 else f"every_{rate}_steps"
    return name if rates.count(rate) == 1 else f"{name}_{rates[: place + 1].count(rate)}"


class NHiTSBlock(nn.Module):
    """`(batch, channels, lookback)` -> backcast of that shape, and forecast `(batch, channels, horizon * numbers)`."""

    def __init__(
        self, pool: int, rate: int, lookback: int, horizon: int, numbers: int, width: int, layers: int
    ):
        super().__init__()
        self.lookback, self.horizon, self.numbers = lookback, horizon, numbers
        pool = min(pool, lookback)
        self.pool = nn.MaxPool1d(pool, ceil_mode=True)
        sizes = [-(-lookback // pool), *[width] * layers]
        self.body = nn.Sequential(
            *(each for a, b in itertools.pairwise(sizes) for each in (nn.Linear(a, b), nn.ReLU()))
        )
        self.knots = -(-horizon // rate)
        self.leave = nn.Linear(width, lookback + self.knots * numbers)

    def forward(self, series: Tensor) -> tuple[Tensor, Tensor]:
        theta = self.leave(self.body(self.pool(series)))
        back, ahead = theta.split([self.lookback, self.knots * self.numbers], dim=-1)
        if self.knots == self.horizon:
            return back, ahead
        knots = ahead.unflatten(-1, (self.knots, self.numbers)).transpose(-2, -1)
        steps = functional.interpolate(
            knots.flatten(0, 1), size=self.horizon, mode="linear", align_corners=False
        )
        steps = steps.unflatten(0, knots.shape[:2])
        return back, steps.transpose(-2, -1).flatten(-2)
