"""Features: two sets of them, generated and real. What a distance between sets reads."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import OptionError, RefusalError, ShapeError
from neurarium.metrics.checks import finite, tensor
from neurarium.metrics.metric import Metric

Features = dict[str, Tensor]


class FeatureMetric(Metric):
    """A distance between two sets of features: predictions are generated, targets are real.

    `update(generated, real)`, each `(batch, features)` or None where one side has nothing; the sizes may differ.
    Weights are refused.
    """

    goal = "min"

    def check(self, predictions: Any, targets: Any, weights: Any = None) -> Features:
        if weights is not None:
            raise OptionError("a distance between sets takes no weights", expected="weights=None")
        given = {"generated": predictions, "real": targets}
        found = {
            name: tensor(value, name).to(torch.float64) for name, value in given.items() if value is not None
        }
        for name, value in found.items():
            if value.ndim != 2:
                raise ShapeError(
                    f"the {name} features are no table",
                    expected="(batch, features)",
                    received=tuple(value.shape),
                )
            finite(**{f"{name} features": value})
        if len({value.shape[1] for value in found.values()}) > 1:
            raise ShapeError(
                "generated and real features have different lengths",
                received={name: tuple(value.shape) for name, value in found.items()},
            )
        return found

    def many(self, examples: Features, weightings: Tensor) -> Tensor:
        raise RefusalError(
            f"{type(self).__name__} cannot be resampled: it is biased for sets with repeated examples",
            fix="compare several independent samples of the generator instead",
        )
