"""Covariate effects: nothing at the start, and after that the perceptron of each step."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.layers import CovariateEffects


def test_it_starts_at_zero_and_is_the_perceptron_of_each_step():
    torch.manual_seed(0)
    effects = CovariateEffects(4, 3, outputs=2, past=2, future=1, ids=5)
    inputs = {"past": torch.randn(6, 4, 2), "future": torch.randn(6, 7, 1), "id": torch.arange(6) % 5}
    assert effects(inputs).abs().max() == 0
    with torch.no_grad():
        effects.leave.weight.normal_()
    step = 1
    mapped = (
        torch.einsum("blp,l->bp", inputs["past"], effects.over_time.weight[step])
        + effects.over_time.bias[step]
    )
    known = torch.cat([mapped, inputs["future"][:, 4 + step], effects.identity.weight[inputs["id"]]], dim=1)
    inside = functional.gelu(known @ effects.enter.weight.T + effects.enter.bias)
    torch.testing.assert_close(effects(inputs)[:, step], inside @ effects.leave.weight.T)


def test_nothing_known_is_refused():
    with pytest.raises(OptionError, match="nothing known"):
        CovariateEffects(4, 3, 2)
