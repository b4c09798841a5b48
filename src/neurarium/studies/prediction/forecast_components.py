"""Forecast components: the parts that a forecast is the sum of, such as its trend and its season, in units of the data."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core import batches
from neurarium.data.specs import Horizon
from neurarium.networks.ensemble import Ensemble
from neurarium.networks.series.additive import LEVEL, AdditiveForecaster
from neurarium.studies.prediction.learner import evaluating
from neurarium.training.method import Method

CLOSE = 1e-3  # of a standardized value: what parts may miss of their forecast by rounding


def components_of(method: Method, inputs: Mapping[str, Any], targets: Horizon) -> dict[str, Tensor]:
    """Return what point forecasts are the sum of, by name, `(batch, horizon, channels)` in float64, in units of the data.

    `level` stands for the window as a whole (its mean or its last value; the mean of the training part where windows are not
    normalized), the others are what the network adds to it: `trend` and `seasonality` of N-BEATS and DLinear, a part per rate
    of N-HiTS, `covariates`. Of quantiles they are the parts of the one nearest to the median; of an ensemble their means.

    Args:
        method: trained.
        inputs: prepared windows.
        targets: of the run.

    Returns:
        Empty where the network's forecast is no sum, or where what is reported is a bent function of it (counts).
    """
    with evaluating(method) as device:
        held = batches.to(dict(inputs), device)
        parts = {name: each.float().cpu() for name, each in _parts(method.deployed, held).items()}
        outputs = method.predict(held).float().cpu() if parts else None
    if outputs is None:
        return {}
    loss: Any = getattr(method, "loss", None)
    whole = functools.reduce(torch.add, parts.values())
    levels = getattr(loss, "levels", ())
    if len(levels) > 1:  # quantiles that were learned apart are sorted: so are their parts
        middle = min(range(len(levels)), key=lambda place: abs(levels[place] - 0.5))
        chosen = whole.argsort(dim=-1)[..., middle : middle + 1]
        parts = {name: each.gather(-1, chosen) for name, each in parts.items()}
        outputs = outputs.unflatten(-1, (-1, len(levels))).sort(dim=-1).values.flatten(-2)
    point = loss.point(outputs) if hasattr(loss, "point") else outputs
    parts = {name: each[..., 0] for name, each in parts.items()}
    if not torch.allclose(functools.reduce(torch.add, parts.values()), point, atol=CLOSE, rtol=CLOSE):
        return {}
    return _original(parts, targets, inputs.get("unit"))


def _parts(network: nn.Module, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the parts that a network names, standardized; the means of an ensemble whose members name the same ones."""
    if isinstance(network, AdditiveForecaster):
        return network.components(inputs)
    if not isinstance(network, Ensemble):
        return {}
    every = [_parts(each, inputs) for each in network.networks]
    names = every[0]
    if any(each.keys() != names.keys() for each in every):
        return {}
    return {name: torch.stack([each[name] for each in every]).mean(dim=0) for name in names}


def _original(parts: dict[str, Tensor], targets: Horizon, unit: Tensor | None) -> dict[str, Tensor]:
    mean, scale = targets.units(unit, parts[LEVEL])
    return {name: each.double() * scale + (mean if name == LEVEL else 0.0) for name, each in parts.items()}
