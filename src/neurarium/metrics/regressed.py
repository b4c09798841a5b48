"""Regressed: predictions of quantities, checked. What a metric of numbers reads.

Predictions are a tensor `(batch, quantities)`, or a dict with parts of a predicted distribution, the batch axis first:
`mean` `(batch, quantities)`, or per member of an ensemble `(batch, members, quantities)`; `std` likewise; `quantiles`
`(batch, levels, quantities)`; `samples` `(batch, samples, quantities)`; `scale` `(batch,)` or `(batch, quantities)`.
Further axes of the targets (horizon, channels) are flattened into quantities. Everything is in original units.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import DataError, ShapeError
from neurarium.metrics.checks import finite, not_negative, require_targets, tensor, weighting

SINGLE = ("mean", "std", "scale")


@dataclasses.dataclass(frozen=True)
class Regressed:
    """Predictions of quantities.

    Args:
        predictions: `(batch, quantities)` float64: the mean where a distribution was predicted.
        targets: `(batch, quantities)` float64.
        weights: `(batch, quantities)` float64.
        parts: the parts of a predicted distribution by name, float64.
    """

    predictions: Tensor
    targets: Tensor
    weights: Tensor
    parts: dict[str, Tensor]

    def reweighted(self, factors: Tensor) -> Regressed:
        """Return the examples with their weights multiplied by `(batch,)`."""
        return dataclasses.replace(self, weights=self.weights * factors[:, None])

    def __len__(self) -> int:
        return len(self.targets)

    def part(self, *names: str) -> tuple[Tensor, ...]:
        """Return parts of the predicted distribution.

        Raises:
            ShapeError: a part is not there.
        """
        missing = [name for name in names if name not in self.parts]
        if missing:
            raise ShapeError(
                f"the predictions lack {' and '.join(missing)}",
                expected=f"a dict with {', '.join(names)}",
                received=sorted(self.parts),
            )
        return tuple(self.parts[name] for name in names)


class Numeric:
    """Part of a metric of quantities: checks predictions, targets and weights (one per example or per target).

    Raises:
        ShapeError: shapes that disagree.
        DataError: negative weights or standard deviations.
        NotFiniteError: values that are not finite.
    """

    def check(self, predictions: Any, targets: Any, weights: Any = None) -> Regressed:
        require_targets(targets)
        targets = tensor(targets, "targets")
        if targets.ndim == 0:
            raise ShapeError("the targets have no batch axis", expected="(batch, quantities)", received=())
        shape, batch = targets.shape, len(targets)
        targets = targets.to(torch.float64).reshape(batch, shape[1:].numel())
        if isinstance(predictions, dict):
            parts = {name: _part(name, tensor(part, name), targets) for name, part in predictions.items()}
        else:
            parts = {"mean": _part("mean", _alike(tensor(predictions, "predictions"), shape), targets)}
        for name, part in parts.items():
            finite(**{f"predictions ({name})" if len(parts) > 1 else "predictions": part})
        finite(targets=targets)
        if "std" in parts and bool((parts["std"] <= 0).any()):
            raise DataError(
                "a predicted standard deviation is not above 0",
                expected="std > 0",
                received=float(parts["std"].min()),
                fix="add a floor to the predicted variance",
            )
        return Regressed(_center(parts), targets, _weights(weights, targets, shape), parts)


def _alike(predictions: Tensor, shape: torch.Size) -> Tensor:
    """Check that plain predictions hold one number per target: (batch, 1) against (batch,) must not broadcast."""
    if predictions.ndim == 0 or len(predictions) != shape[0] or predictions.numel() != shape.numel():
        raise ShapeError(
            "predictions and targets have different shapes",
            expected=tuple(shape),
            received=tuple(predictions.shape),
        )
    return predictions


def _part(name: str, part: Tensor, targets: Tensor) -> Tensor:
    """Bring a part to (batch, quantities) or (batch, several, quantities)."""
    batch, quantities = targets.shape
    part = part.to(targets.device, torch.float64)
    if part.ndim and len(part) == batch:
        if name in SINGLE and part.numel() == targets.numel():
            return part.reshape(batch, quantities)
        if name == "scale" and part.numel() == batch:
            return part.reshape(batch, 1).expand(batch, quantities)
        if part.ndim == 2 and quantities == 1 and name != "scale":
            return part.unsqueeze(2)
        if part.ndim >= 3 and part.shape[2:].numel() == quantities:
            return part.reshape(batch, part.shape[1], quantities)
    raise ShapeError(
        f"the predictions ({name}) do not match the targets",
        expected=f"({batch}, {quantities}), or ({batch}, several, {quantities}) for a distribution",
        received=tuple(part.shape),
    )


def _center(parts: dict[str, Tensor]) -> Tensor:
    """Return the mean of a predicted distribution: given, or of its samples, or its middle quantile."""
    if "mean" in parts:
        mean = parts["mean"]
        return mean.mean(dim=1) if mean.ndim == 3 else mean
    if "samples" in parts:
        return parts["samples"].mean(dim=1)
    if "quantiles" in parts:
        return parts["quantiles"][:, parts["quantiles"].shape[1] // 2]
    raise ShapeError(
        "the predictions hold no mean, samples or quantiles",
        expected="'mean' (with 'std'), 'quantiles' or 'samples'",
        received=sorted(parts),
    )


def _weights(weights: Any, targets: Tensor, shape: torch.Size) -> Tensor:
    """Return one weight per target: given so, or one per example."""
    if weights is not None and len(shape) > 1:
        given = tensor(weights, "weights")
        if given.shape == shape:
            return not_negative(given.to(targets.device, torch.float64).reshape(targets.shape))
    return weighting(weights, len(targets), targets.device)[:, None].expand(targets.shape)
