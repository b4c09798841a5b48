"""N-BEATS: blocks of perceptrons that explain a part of the window each, and forecast from it."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.networks.series.additive import AdditiveForecaster
from neurarium.networks.series.forecaster import Normalization, by_channel
from neurarium.networks.sizing import Distribution


@recorded
class NBEATS(AdditiveForecaster):
    r"""Stacks of blocks; each takes what it explains off the window, and adds its forecast.

    A block: h = four layers of relu(W h + b) of its input x_l; backcast x^_l = V_b theta_b, forecast y^_l = V_f theta_f with
    theta = W h (equation 1); x_(l+1) = x_l - x^_l, y = sum_l y^_l (section 3.2). Bases V: learned ("generic"), polynomials
    ("trend", equation 2), sines and cosines ("seasonality", equation 3), see `bases`. Each channel by itself, with shared
    weights. `components` gives what each stack adds: of `trend,seasonality` the trend and the season of a forecast.

    Args:
        channels, lookback, horizon, past, future, ids, numbers: as for `DLinear`.
        stacks: the basis of each: generic, trend, seasonality. The interpretable network is `trend,seasonality`.
        blocks: per stack; those of a trend or seasonality share their weights, as in the paper.
        width, layers: of a block's perceptron.
        degree: of the polynomials.
        harmonics: how many waves there are from one frequency of the horizon to the next. The slowest has one period in the
            horizon: a longer season needs a longer horizon.
        normalization, distribution: see `Forecaster`.

    `forward`: a window's dict -> `(batch, horizon, channels * numbers)`.

    Raises:
        OptionError: no such basis, or no harmonic.

    Oreshkin et al., arXiv:1905.10437, equations 1 to 3. As in the authors' program the forecast starts from the last value of the
    window, which here is taken off what the blocks read too. Unlike there: losses are not relative to the series, both stacks
    have one width, and 2 stacks of 3 blocks stand for 30 of one.

    >>> NBEATS(2, 10, 3, width=8)({"series": torch.randn(4, 10, 2)}).shape
    torch.Size([4, 3, 2])
    >>> list(NBEATS(2, 10, 4, stacks=("trend", "seasonality")).components({"series": torch.randn(4, 10, 2)}))
    ['level', 'trend', 'seasonality']
    """

    called = "n-beats"

    def __init__(
        self, channels: int, lookback: int, horizon: int, past: int = 0, future: int = 0, ids: int = 0, numbers: int = 1,
        stacks: tuple[str, ...] = ("generic", "generic"), blocks: int = 3, width: int = 256, layers: int = 4,
        degree: int = 3, normalization: Normalization = "last", distribution: Distribution = None, harmonics: int = 1,
    ):  # fmt: skip
        super().__init__()
        self._make(channels, lookback, horizon, past, future, ids, numbers, normalization, distribution)
        for each in stacks:
            if each not in ("generic", "trend", "seasonality"):
                raise OptionError(
                    "there is no such basis", expected="generic, trend or seasonality", received=each
                )
        if harmonics < 1:
            raise OptionError(
                "a seasonality needs waves", expected="harmonics of 1 or more", received=harmonics
            )
        self.repeats = blocks
        sizes = (lookback, horizon, self.numbers, width, layers, degree, harmonics)
        self.stacks = nn.ModuleList(
            nn.ModuleList(NBEATSBlock(each, *sizes) for _ in range(blocks if each == "generic" else 1))
            for each in stacks
        )
        counts, kinds = Counter(stacks), Counter[str]()
        self.stack_names: list[str] = []
        for each in stacks:
            kinds[each] += 1
            self.stack_names.append(each if counts[each] == 1 else f"{each}_{kinds[each]}")

    def addends(self, series: Tensor, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        rest, found = series.transpose(1, 2), {}
        for name, stack in zip(self.stack_names, self.stacks, strict=True):
            added: Tensor | float = 0.0
            for number in range(self.repeats):
                backcast, forecast = stack[number % len(stack)](rest)  # type: ignore[index,arg-type]
                rest, added = rest - backcast, added + forecast
            found[name] = by_channel(added, self.numbers)  # type: ignore[arg-type]
        return found


class NBEATSBlock(nn.Module):
    """`(batch, channels, lookback)` -> backcast of that shape, and forecast `(batch, channels, horizon * numbers)`."""

    def __init__(
        self,
        basis: str,
        lookback: int,
        horizon: int,
        numbers: int,
        width: int,
        layers: int,
        degree: int,
        harmonics: int,
    ):
        super().__init__()
        self.numbers = numbers
        sizes = [lookback, *[width] * layers]
        self.body = nn.Sequential(
            *(each for a, b in itertools.pairwise(sizes) for each in (nn.Linear(a, b), nn.ReLU()))
        )
        back, ahead = bases(basis, lookback, horizon, degree, harmonics)
        self.register_buffer("back", back, persistent=False)
        self.register_buffer("ahead", ahead, persistent=False)
        counts = (lookback, horizon) if back is None or ahead is None else (len(back), len(ahead))
        self.theta_back = nn.Linear(width, counts[0], bias=back is None)
        self.theta_ahead = nn.Linear(width, counts[1] * numbers, bias=back is None)

    def forward(self, series: Tensor) -> tuple[Tensor, Tensor]:
        inside = self.body(series)
        back, ahead = self.theta_back(inside), self.theta_ahead(inside)
        if self.back is not None:
            back = back @ self.back.to(back.dtype)
            ahead = ahead.unflatten(-1, (-1, self.numbers)).transpose(-2, -1) @ self.ahead.to(back.dtype)
            ahead = ahead.transpose(-2, -1).flatten(-2)
        return back, ahead


def bases(
    basis: str, lookback: int, horizon: int, degree: int, harmonics: int = 1
) -> tuple[Tensor | None, Tensor | None]:
    """Return the functions of time of a basis over the past and the future, `(functions, steps)`; None where learned.

    Trend: t^0 ... t^degree with t = step / horizon (past: step / lookback). Seasonality: cos and sin of 2 pi f t for f = 0, 1,
    1 + 1 / harmonics, ... below floor(horizon / 2), with t = step / horizon both times, the past being before 0: a wave goes on.

    >>> bases("trend", 4, 2, 1)[1].tolist()
    [[1.0, 1.0], [0.0, 0.5]]
    >>> past, future = bases("seasonality", 8, 4, 0)
    >>> bool(torch.allclose(past[:, 4:], future, atol=1e-5))
    True
    """
    if basis == "generic":
        return None, None
    future = torch.arange(horizon, dtype=torch.float64) / horizon
    if basis == "trend":
        past = torch.arange(lookback, dtype=torch.float64) / lookback
        return tuple(torch.stack([t**power for power in range(degree + 1)]).float() for t in (past, future))  # type: ignore[return-value]
    past = torch.arange(-lookback, 0, dtype=torch.float64) / horizon
    above = (
        torch.arange(harmonics, max(harmonics, harmonics * (horizon // 2)), dtype=torch.float64) / harmonics
    )
    waves = 2 * math.pi * torch.cat([torch.zeros(1, dtype=torch.float64), above])[:, None]
    return tuple(torch.cat([(waves * t).cos(), (waves[1:] * t).sin()]).float() for t in (past, future))  # type: ignore[return-value]
