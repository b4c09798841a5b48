"""Reversible normalization against its equations in NumPy, and back."""

from __future__ import annotations

import numpy
import torch
from torch.nn import functional

from neurarium.layers import ReversibleNormalization


def test_it_follows_equations_1_to_3():
    torch.manual_seed(0)
    norm = ReversibleNormalization(3, affine=True).double()
    with torch.no_grad():
        norm.gain.copy_(torch.tensor([0.5, 2.0, 1.5]))
        norm.shift.copy_(torch.tensor([0.1, -0.3, 0.0]))
    series, forecast = 4 + 3 * torch.randn(2, 11, 3).double(), torch.randn(2, 5, 3).double()
    x, gain, shift = series.numpy(), norm.gain.detach().numpy(), norm.shift.detach().numpy()
    mean, scale = x.mean(axis=1, keepdims=True), numpy.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    normal, statistics = norm(series)
    numpy.testing.assert_allclose(normal.detach().numpy(), (x - mean) / scale * gain + shift, rtol=1e-12)
    wanted = (forecast.numpy() - shift) / gain * scale + mean
    numpy.testing.assert_allclose(norm.restore(forecast, statistics).detach().numpy(), wanted, rtol=1e-12)


def test_a_gaussian_comes_back_with_its_variance_times_the_scale_squared():
    norm = ReversibleNormalization(1)
    _, statistics = norm(torch.tensor([[[0.0], [10.0]]]))
    outputs = torch.tensor([[[[0.5, 0.3]]]])
    mean, raw = norm.restore_gaussian(outputs, statistics)[0, 0, 0]
    assert abs(float(mean) - (0.5 * 5 + 5)) < 1e-3
    wanted = float(functional.softplus(torch.tensor(0.3))) * 25
    assert abs(float(functional.softplus(raw)) - wanted) < 1e-2


def test_a_constant_window_is_no_division_by_zero():
    norm = ReversibleNormalization(1)
    normal, statistics = norm(torch.full((1, 4, 1), 7.0))
    assert normal.abs().max() == 0
    assert norm.restore(torch.zeros(1, 2, 1), statistics).tolist() == [[[7.0], [7.0]]]
