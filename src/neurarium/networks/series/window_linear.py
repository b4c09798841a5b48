"""WindowLinear: a forecast that is a weighted sum of the window, of its spread and of the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.recipe import recorded
from neurarium.data.specs import Spec
from neurarium.networks.series.forecaster import Forecaster, Normalization, by_channel, sizes
from neurarium.networks.sizing import Distribution

FLOOR = 1e-5  # of a window's variance, as in `ReversibleNormalization`
CALENDAR = (" sine", " cosine")


@recorded
class WindowLinear(Forecaster):
    r"""One linear map that holds all linear forecasters: y_h = sum_t W_ht x_t + c_h s + sum_k C_hk a_k + b_h.

    s is the deviation of the window, a the sines and cosines of the calendar at the first step to come (those of later steps
    are turned by a fixed angle: linear in them). A linear forecaster of a normalized window is one of these: of x - x_L the
    rows of W sum to one (`nlinear`), of (x - m) / s that is so and s carries the bias (`rlinear`). Its least squares have a
    solution: the method `forecast-ridge`.

    Args:
        channels, lookback, horizon, past, future, ids, numbers: as for `DLinear`.
        rhythms: how many sines and cosines of the calendar there are, where nothing else is known beforehand.
        normalization, distribution: see `Forecaster`.

    `forward`: a window's dict -> `(batch, horizon, channels * numbers)`.

    Toner and Darlow 2024, arXiv:2403.14587, sections 3 and 4.

    >>> WindowLinear(2, 10, 3)({"series": torch.zeros(4, 10, 2)}).shape
    torch.Size([4, 3, 2])
    """

    called = "window-linear"

    def __init__(
        self, channels: int, lookback: int, horizon: int, past: int = 0, future: int = 0, ids: int = 0, numbers: int = 1,
        rhythms: int = 0, normalization: Normalization = "none", distribution: Distribution = None,
    ):  # fmt: skip
        super().__init__()
        self._make(channels, lookback, horizon, past, future, ids, numbers, normalization, distribution)
        self.rhythms = rhythms
        self.linear = nn.Linear(lookback + 1 + rhythms, horizon * self.numbers)

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> WindowLinear:
        """Size the network to a dataset's specs (Window -> Horizon)."""
        given = sizes(cls.called, inputs, targets, options)
        names: tuple[str, ...] = inputs.future  # type: ignore[attr-defined]
        if names and all(name.endswith(CALENDAR) for name in names):
            given |= {"future": 0, "rhythms": len(names)}
        return cls(**given, **options)

    def forecast(self, series: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        return by_channel(self.linear(self.parts(series, inputs)), self.numbers)

    def parts(self, series: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return what is summed up, `(batch, channels, lookback + 1 + rhythms)`: the window, its deviation, the calendar."""
        series = series.transpose(1, 2)
        spread = (series.var(dim=2, keepdim=True, correction=0) + FLOOR).sqrt()
        found = [series, spread]
        if self.rhythms:
            now = inputs["future"][:, self.lookback, None, :]
            found.append(now.expand(-1, self.channels, -1))
        return torch.cat(found, dim=2)
