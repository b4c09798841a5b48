"""A forecaster whose forecast is a sum of named parts, which can be looked at one by one."""

from __future__ import annotations

import abc
import functools
from collections.abc import Mapping

import torch
from torch import Tensor

from neurarium.networks.series.forecaster import Forecaster

LEVEL, COVARIATES = "level", "covariates"


class AdditiveForecaster(Forecaster, abc.ABC):
    """The root of the forecasters that say y = sum_k y_k: a member defines `addends`, the y_k by name, in place of `forecast`."""

    @abc.abstractmethod
    def addends(self, series: Tensor, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the parts of the forecast of a normalized window by name, each `(batch, horizon, channels, numbers)`.

        Args:
            series: `(batch, lookback, channels)`, normalized.
            inputs: the whole window, for covariates.
        """

    def forecast(self, series: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        return functools.reduce(torch.add, self.addends(series, inputs).values())

    def components(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return what the forecast is the sum of, in the units of the window.

        `level` is what the normalization gives back where nothing is added: the window's mean, its last value, or 0; then the
        parts, and `covariates` where something is known beside the series.

        Returns:
            By name, `(batch, horizon, channels, numbers)`; of a Gaussian the means alone, `numbers` being 1.
        """
        series, statistics = self._normal(inputs["series"])
        parts = self.addends(series, inputs)
        if self.effects is not None:
            parts[COVARIATES] = self.effects(inputs).unflatten(-1, (self.channels, self.numbers))
        level = self._restored(torch.zeros_like(next(iter(parts.values()))), statistics)
        found = {LEVEL: level} | {
            name: self._restored(each, statistics) - level for name, each in parts.items()
        }
        if self.distribution == "gaussian":
            return {name: each[..., :1] for name, each in found.items()}
        return found
