"""The kernel distance against torchmetrics, and its freedom of bias."""

from __future__ import annotations

import numpy
import pytest
import torch
from metric_cases import drawn
from torchmetrics.image.kid import poly_mmd

from neurarium.metrics import KernelDistance


def test_the_kernel_distance_is_torchmetrics():
    one, two = drawn(60, 4), drawn(60, 4, 0.3, seed=1)
    expected = poly_mmd(torch.from_numpy(one), torch.from_numpy(two))
    assert KernelDistance().value(one, two) == pytest.approx(float(expected), rel=1e-9)


def drawn_normal(count, seed):
    return numpy.random.default_rng(seed).normal(size=(count, 3))


def test_the_kernel_distance_is_free_of_bias():
    values = [
        KernelDistance().value(drawn_normal(40, seed), drawn_normal(40, seed + 500)) for seed in range(200)
    ]
    assert abs(numpy.mean(values)) < 2.5 * numpy.std(values) / 200**0.5 and min(values) < 0
    assert KernelDistance().value(drawn_normal(40, 0), drawn_normal(40, 1) + 1) > 1
