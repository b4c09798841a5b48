"""WindowLinear: a forecast that is a weighted sum of the window, of what is known beside it, of its spread and of the calendar."""

from __future__ import annotations

import itertools
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
    r"""One linear map that holds all linear forecasters: y_h = sum_t (W_ht x_t + P_ht p_t) + D_h f_h + c_h s + C_h a + b_h.

    p are the covariates up to now, f_h those that are known beforehand, each at its own step; s is the deviation of the window,
    a the sines and cosines of the calendar at the first step to come (those of later steps are turned by a fixed angle: linear
    in them). A linear forecaster of a normalized window is one of these: of x - x_L the rows of W sum to one (`nlinear`), of
    (x - m) / s that is so and s carries the bias (`rlinear`). Its least squares have a solution: the method `forecast-ridge`.
    Several series share one map.

    Args:
        channels, lookback, horizon, past, future, numbers: as for `DLinear`.
        ids: how many series there are: nothing follows from it here.
        rhythms: how many sines and cosines of the calendar there are; they come last in what is known beforehand.
        normalization, distribution: see `Forecaster`.

    Attributes:
        beside: D, `(horizon, numbers, future)`, zero at first; None where nothing is known beforehand.

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
        self._make(channels, lookback, horizon, 0, 0, 0, numbers, normalization, distribution)
        self.past, self.future, self.rhythms = past, future, rhythms
        self.linear = nn.Linear(lookback * (1 + past) + 1 + rhythms, horizon * self.numbers)
        self.beside = nn.Parameter(torch.zeros(horizon, self.numbers, future)) if future else None

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> WindowLinear:
        """Size the network to a dataset's specs (Window -> Horizon)."""
        given = sizes(cls.called, inputs, targets, options)
        names: tuple[str, ...] = inputs.future  # type: ignore[attr-defined]
        rhythms = len(list(itertools.takewhile(lambda name: name.endswith(CALENDAR), reversed(names))))
        given |= {"future": len(names) - rhythms, "rhythms": rhythms}
        return cls(**given, **options)

    def forecast(self, series: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        found = by_channel(self.linear(self.parts(series, inputs)), self.numbers)
        if self.beside is not None:
            found = found + torch.einsum("bhf,hnf->bhn", self.known(inputs), self.beside).unsqueeze(2)
        return found

    def parts(self, series: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return what is summed up for all steps, `(batch, channels, lookback (1 + past) + 1 + rhythms)`: the window, the
        covariates up to now, the deviation, the calendar."""
        series = series.transpose(1, 2)
        spread = (series.var(dim=2, keepdim=True, correction=0) + FLOOR).sqrt()
        past = [self._for_channels(inputs["past"].flatten(1))] if self.past else []
        calendar = (
            [self._for_channels(inputs["future"][:, self.lookback, self.future :])] if self.rhythms else []
        )
        return torch.cat([series, *past, spread, *calendar], dim=2)

    def known(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return what is known beforehand of each step to come, `(batch, horizon, future)`."""
        return inputs["future"][:, self.lookback :, : self.future]

    def _for_channels(self, known: Tensor) -> Tensor:
        return known[:, None].expand(-1, self.channels, -1)
