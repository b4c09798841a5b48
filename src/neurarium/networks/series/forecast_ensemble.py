"""ForecastEnsemble: forecasters of several kinds, whose mistakes differ, as one."""

from __future__ import annotations

from typing import Any

import torch  # noqa: F401  # for the examples

from neurarium.core.errors import OptionError
from neurarium.core.members import find
from neurarium.core.recipe import recorded
from neurarium.data.specs import Spec
from neurarium.networks.ensemble import Ensemble
from neurarium.networks.series.forecaster import Forecaster, Normalization, sizes
from neurarium.networks.sizing import Distribution

LINEAR = ("dlinear", "nlinear", "rlinear")


@recorded
class ForecastEnsemble(Ensemble):
    """The mean of what several forecasters say, each of which learns by its own loss.

    y = 1/M sum_m y_m; of Gaussians the moments of their mixture (see `Ensemble`).

    Args:
        channels, lookback, horizon, past, future, ids, numbers: of the windows, as for `DLinear`.
        members: names of forecasting networks; one may stand there several times.
        individual: of the linear ones, a map for each channel.
        normalization: of all of them, see `Forecaster`; each has its own when left out.
        distribution: "gaussian" for a mean and a raw variance per value.

    `forward`: a window's dict -> `(batch, horizon, channels * numbers)`; `members` has a further axis behind the first.

    Raises:
        OptionError: no member, or one that is no forecaster.

    Bates and Granger 1969, "The combination of forecasts"; Zeng et al., arXiv:2205.13504, and Li et al., arXiv:2305.10721
    (the linear members).

    >>> ForecastEnsemble(2, 10, 3).members({"series": torch.zeros(4, 10, 2)}).shape
    torch.Size([4, 2, 3, 2])
    """

    def __init__(
        self, channels: int, lookback: int, horizon: int, past: int = 0, future: int = 0, ids: int = 0, numbers: int = 1,
        members: tuple[str, ...] = ("dlinear", "nlinear"), individual: bool = False,
        normalization: Normalization | None = None, distribution: Distribution = None,
    ):  # fmt: skip
        kinds = [find("network", name) for name in members]
        wrong = [name for name, kind in zip(members, kinds, strict=True) if not issubclass(kind, Forecaster)]
        if wrong or not kinds:
            raise OptionError(
                "an ensemble of forecasts needs forecasting networks",
                expected="names such as dlinear, nlinear, rlinear, patch-tst",
                received=", ".join(wrong) or "none",
            )
        given = (channels, lookback, horizon, past, future, ids, numbers)
        common: dict[str, Any] = {"distribution": distribution}
        if normalization is not None:
            common["normalization"] = normalization
        own = [{"individual": individual} if name in LINEAR else {} for name in members]
        found = [kind(*given, **common, **each) for kind, each in zip(kinds, own, strict=True)]
        super().__init__(found, "gaussian" if distribution == "gaussian" else "mean")

    @classmethod
    def for_data(cls, inputs: Spec, targets: Spec, **options: Any) -> ForecastEnsemble:  # type: ignore[override]
        """Size the network to a dataset's specs (Window -> Horizon)."""
        return cls(**sizes("forecast-ensemble", inputs, targets, options), **options)
