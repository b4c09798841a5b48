"""RMSNorm beside its equation, values and gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.layers.rms_norm import RMSNorm, norm


def test_it_is_the_equation():
    layer = RMSNorm(6, epsilon=1e-3).double()
    with torch.no_grad():
        layer.weight.uniform_(0.5, 2)
    inputs = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    x, gain = inputs.detach().numpy(), layer.weight.detach().numpy()
    expected = gain * x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(layer(inputs).detach().numpy(), expected, atol=1e-12)
    assert torch.autograd.gradcheck(layer, (inputs,)) and torch.autograd.gradgradcheck(layer, (inputs,))


def test_zeros_stay_zero_and_scale_does_not_matter():
    layer = RMSNorm(4)
    assert layer(torch.zeros(1, 4)).abs().max() == 0
    inputs = torch.randn(2, 4)
    torch.testing.assert_close(layer(inputs), layer(1000 * inputs), atol=1e-4, rtol=1e-4)
    assert (layer(inputs + 1) - layer(inputs)).abs().max() > 0.1  # a layer norm would not see it


def test_norms_by_name():
    assert norm("layer", 4, bias=False).bias is None and norm("layer", 4, 0.1).eps == 0.1
    assert norm("rms", 4).epsilon == 1e-6
    with pytest.raises(OptionError, match="no such norm"):
        norm("batch", 4)
