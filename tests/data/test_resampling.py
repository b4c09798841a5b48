"""Resampling agrees with scipy's polyphase filter, keeps tones, and moves gradients."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurarium.core.errors import OptionError
from neurarium.data.resampling import resample


@pytest.mark.parametrize(
    ("rate", "wanted"), [(44_100, 16_000), (8_000, 16_000), (48_000, 8_000), (22_050, 8_000)]
)
@pytest.mark.parametrize("length", [1, 777, 4_000])
def test_it_is_the_polyphase_filter_of_scipy(rate, wanted, length):
    signal = pytest.importorskip("scipy.signal")
    sound = torch.randn(2, length, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    shared = math.gcd(rate, wanted)
    expected = signal.resample_poly(sound.numpy(), wanted // shared, rate // shared, axis=1)
    torch.testing.assert_close(resample(sound, rate, wanted), torch.from_numpy(expected), atol=1e-12, rtol=0)


def test_a_tone_keeps_its_pitch_and_one_above_the_new_limit_is_gone():
    time = torch.arange(44_100, dtype=torch.float64) / 44_100
    low, high = (torch.sin(2 * math.pi * f * time) for f in (1_000, 12_000))
    inside = slice(500, -500)
    wanted = torch.sin(2 * math.pi * 1_000 * torch.arange(16_000, dtype=torch.float64) / 16_000)
    assert (resample(low, 44_100, 16_000) - wanted)[inside].abs().max() < 2e-3
    assert resample(high, 44_100, 16_000)[inside].abs().max() < 2e-3


@given(st.integers(0, 300), st.sampled_from([(3, 2), (2, 3), (5, 1), (1, 5)]))
def test_the_length_is_that_of_the_time(length, rates):
    found = resample(torch.ones(length), *rates)
    assert abs(len(found) - length * rates[1] / rates[0]) < 1


def test_unusual_rates_are_rounded_to_few_phases():
    assert abs(len(resample(torch.ones(3_000), 44_101, 16_000)) - 3_000 * 16_000 / 44_101) < 2


def test_gradients_and_refusals():
    sound = torch.randn(30, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: resample(x, 3, 2), sound)
    with pytest.raises(OptionError, match="rate of 1 or more"):
        resample(torch.ones(3), 0, 8_000)
