"""Checks that all metrics share: tensors of finite numbers, one weight per example, or a typed error."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import DataError, NotFiniteError, ShapeError


def tensor(value: Any, name: str) -> Tensor:
    """Return a detached tensor of numbers; from a device without float64 (MPS) it comes to the CPU.

    Raises:
        ShapeError: the value is no array of numbers.
    """
    try:
        value = torch.as_tensor(value).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ShapeError(
            f"the {name} are no array of numbers ({error})",
            expected="a tensor",
            received=type(value).__name__,
        ) from error
    return value.cpu() if value.device.type == "mps" else value


def finite(**tensors: Tensor) -> None:
    """Raise when a value is NaN or infinite; the message says how many there are.

    Raises:
        NotFiniteError: some value is not finite.
    """
    for name, value in tensors.items():
        bad = int((~torch.isfinite(value)).sum()) if value.is_floating_point() else 0
        if bad:
            raise NotFiniteError(
                f"{bad} of {value.numel()} {name} are not finite",
                expected="finite numbers",
                received=f"{bad} NaN or infinite values",
                fix="find the first batch with such a value; a metric over it has no meaning",
            )


def weighting(weights: Any, length: int, device: torch.device) -> Tensor:
    """Return weights `(length,)` float64; ones when None.

    Raises:
        ShapeError: another shape.
        DataError: a negative weight.
        NotFiniteError: a weight is NaN or infinite.
    """
    if weights is None:
        return torch.ones(length, dtype=torch.float64, device=device)
    weights = tensor(weights, "weights").to(device, torch.float64)
    if weights.shape != (length,):
        raise ShapeError(
            "one weight per example is needed", expected=(length,), received=tuple(weights.shape)
        )
    return not_negative(weights)


def not_negative(weights: Tensor) -> Tensor:
    """Return the weights after checking that they are finite and not negative."""
    finite(weights=weights)
    if bool((weights < 0).any()):
        raise DataError(
            "a weight is negative", expected="weights of 0 or more", received=float(weights.min())
        )
    return weights


def require_targets(targets: Any) -> None:
    """Raise when targets are missing.

    Raises:
        ShapeError: targets are None.
    """
    if targets is None:
        raise ShapeError("this metric needs targets", expected="a tensor", received=None)
