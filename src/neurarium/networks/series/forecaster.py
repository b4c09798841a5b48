"""Forecaster: what all forecasting networks share: normalization, covariates, numbers per value."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, RefusalError
from neurarium.data.specs import Horizon, Spec, Window
from neurarium.layers.covariate_effects import CovariateEffects
from neurarium.layers.reversible_normalization import ReversibleNormalization, Statistics
from neurarium.networks.derived import SIZED
from neurarium.networks.sizing import Distribution

Normalization = Literal["instance", "affine", "last", "none"]


class Forecaster(nn.Module, abc.ABC):
    """The root of the forecasting networks: `forward(inputs) -> (batch, horizon, channels * numbers)`.

    The window is normalized ("instance": by its own mean and scale, see `ReversibleNormalization`; "affine": with a learned
    gain; "last": its last value is subtracted; "none"), `forecast` maps it to the steps to come, what is known beside it is
    added (`CovariateEffects`), and the normalization is undone. A member calls `_make` first, and defines `forecast`.

    Attributes:
        numbers: how many numbers are said of each value: 1, 2 for a Gaussian, one per quantile.
    """

    called: ClassVar[str] = ""

    def _make(
        self, channels: int, lookback: int, horizon: int, past: int, future: int, ids: int, numbers: int,
        normalization: Normalization, distribution: Distribution,
    ) -> None:  # fmt: skip
        if normalization not in ("instance", "affine", "last", "none"):
            raise OptionError(
                "there is no such normalization",
                expected="instance, affine, last or none",
                received=normalization,
            )
        if distribution not in (None, "gaussian"):
            raise OptionError(
                "there is no such distribution", expected="gaussian or none", received=distribution
            )
        self.channels, self.lookback, self.horizon = channels, lookback, horizon
        self.distribution, self.normalization = distribution, normalization
        self.numbers = 2 if distribution == "gaussian" else numbers
        own = normalization in ("instance", "affine")
        self.normalize = ReversibleNormalization(channels, affine=normalization == "affine") if own else None
        known = {"past": past, "future": future, "ids": ids}
        outputs = channels * self.numbers
        self.effects = CovariateEffects(lookback, horizon, outputs, **known) if any(known.values()) else None

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> Self:
        """Size the network to a dataset's specs (Window -> Horizon)."""
        return cls(**sizes(cls.called, inputs, targets, options), **options)

    @abc.abstractmethod
    def forecast(self, series: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the forecast of a normalized window: `(batch, horizon, channels, numbers)`.

        Args:
            series: `(batch, lookback, channels)`, normalized.
            inputs: the whole window, for covariates.
        """

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        series, statistics = self._normal(inputs["series"])
        found = self.forecast(series, inputs)
        if self.effects is not None:
            found = found + self.effects(inputs).unflatten(-1, (self.channels, self.numbers))
        return self._restored(found, statistics).flatten(2)

    def _normal(self, series: Tensor) -> tuple[Tensor, Any]:
        if self.normalize is not None:
            return self.normalize(series)
        if self.normalization == "last":
            last = series[:, -1:].detach()
            return series - last, last
        return series, None

    def _restored(self, found: Tensor, statistics: Any) -> Tensor:
        if self.normalize is not None and isinstance(statistics, Statistics):
            if self.distribution == "gaussian":
                return self.normalize.restore_gaussian(found, statistics)
            each = [self.normalize.restore(found[..., number], statistics) for number in range(self.numbers)]
            return torch.stack(each, dim=-1)
        if statistics is not None:  # the last value
            if self.distribution == "gaussian":
                return torch.stack([found[..., 0] + statistics, found[..., 1]], dim=-1)
            return found + statistics.unsqueeze(-1)
        return found


def by_channel(found: Tensor, numbers: int) -> Tensor:
    """Turn what was said channel by channel, `(batch, channels, horizon * numbers)`, into `(batch, horizon, channels,
    numbers)`."""
    return found.unflatten(-1, (-1, numbers)).transpose(1, 2)


def sizes(name: str, inputs: Spec, targets: Spec, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the specs of a dataset decide of a forecasting network; refuse what it cannot take, as `check` does."""
    check(name, inputs, targets, options)
    window: Any = inputs
    return {
        "channels": window.channels, "lookback": window.lookback, "horizon": window.horizon, "past": len(window.past),
        "future": len(window.future), "ids": window.ids,
        "numbers": len(targets.names) // window.channels,  # type: ignore[attr-defined]
    }  # fmt: skip


def check(name: str, inputs: Spec, targets: Spec, options: Mapping[str, Any]) -> None:
    """Refuse inputs, targets and options that a forecasting network cannot take.

    Raises:
        RefusalError: inputs or targets of another kind.
        OptionError: an option that the data decides.
    """
    if not isinstance(inputs, Window):
        raise RefusalError(
            f"the network '{name}' cannot take {type(inputs).__name__} inputs", expected="Window",
            received=type(inputs).__name__, fix="give series: --time COLUMN --horizon N; or choose another network",
        )  # fmt: skip
    if not isinstance(targets, Horizon):
        raise RefusalError(
            f"the network '{name}' cannot predict {type(targets).__name__} targets", expected="Horizon",
            received=type(targets).__name__,
        )  # fmt: skip
    for option in set(SIZED) & set(options):
        raise OptionError(
            f"option '{option}' of network '{name}' follows from the data",
            received=f"{option}={options[option]}", fix=f"leave out {option}",
        )  # fmt: skip
