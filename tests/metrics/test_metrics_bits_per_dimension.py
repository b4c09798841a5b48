"""Bits per dimension against known densities."""

from __future__ import annotations

import math

import pytest
import torch

from neurarium.metrics import BitsPerDimension


def test_uniform_noise_on_bytes_has_eight_bits():
    metric = BitsPerDimension(dimensions=48, levels=256)
    metric.update(torch.zeros(10))  # a uniform density on [0, 1)^48 has log-likelihood 0
    assert metric.compute() == pytest.approx(8.0)
    assert BitsPerDimension(dimensions=10).value(torch.tensor([-10 * math.log(2.0)]), None) == pytest.approx(
        1.0
    )


def test_examples_of_several_lengths_are_averaged_over_their_dimensions():
    found = BitsPerDimension().value(torch.tensor([-2.0, -6.0]), torch.tensor([1, 3]))
    assert found == pytest.approx(8 / 4 / math.log(2))
