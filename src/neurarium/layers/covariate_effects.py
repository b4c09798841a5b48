"""Covariate effects: what is known beside a series, added to its forecast step by step."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded

IDENTITY = 8  # numbers per series


@recorded
class CovariateEffects(nn.Module):
    """A small perceptron from what is known of each step to come, to what it adds to the forecast.

    e_h = W_2 gelu(W_1 [f_h, (A p)_h, s] + b_1) + b_2 at step h: f_h what is known beforehand, A p what was known up to now
    mapped over time, s a learned vector of the series. It starts at zero: a network with it starts as one without.

    Args:
        lookback, horizon: steps.
        outputs: numbers per step of the forecast.
        past, future: how many covariates are known up to now, and beforehand.
        ids: how many series there are, one for those that are new included; 0 for none.
        width: numbers of the inner layer.

    `forward`: a window's dict (`past`, `future`, `id`, see `Window`) -> `(batch, horizon, outputs)`.

    The decoder of TiDE in small: Das et al., arXiv:2304.08424, section 4.2.

    Raises:
        OptionError: nothing is known beside the series.

    >>> effects = CovariateEffects(4, 2, outputs=3, future=5)
    >>> effects({"future": torch.zeros(7, 6, 5)}).shape
    torch.Size([7, 2, 3])
    """

    def __init__(
        self,
        lookback: int,
        horizon: int,
        outputs: int,
        past: int = 0,
        future: int = 0,
        ids: int = 0,
        width: int = 32,
    ):
        super().__init__()
        if not (past or future or ids):
            raise OptionError("there is nothing known beside the series", expected="past, future or ids")
        self.horizon = horizon
        self.over_time = nn.Linear(lookback, horizon) if past else None
        self.identity = nn.Embedding(ids, IDENTITY) if ids else None
        self.enter = nn.Linear(past + future + (IDENTITY if ids else 0), width)
        self.activate = nn.GELU()
        self.leave = nn.Linear(width, outputs)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        parts = []
        if self.over_time is not None:
            parts.append(self.over_time(inputs["past"].transpose(1, 2)).transpose(1, 2))
        if "future" in inputs:
            parts.append(inputs["future"][:, -self.horizon :])
        if self.identity is not None:
            parts.append(self.identity(inputs["id"])[:, None].expand(-1, self.horizon, -1))
        known = torch.cat([each.to(self.enter.weight.dtype) for each in parts], dim=-1)
        return self.leave(self.activate(self.enter(known)))
