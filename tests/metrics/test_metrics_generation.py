"""Distances between sets against SciPy and torchmetrics; bits per dimension."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from scipy.linalg import sqrtm
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from neurarium.core.errors import OptionError, RefusalError, ShapeError
from neurarium.metrics import BitsPerDimension, FrechetDistance, KernelDistance, bootstrap


def drawn(count, size, shift=0.0, seed=0):
    source = numpy.random.default_rng(seed)
    return source.normal(size=(count, size)) @ source.normal(size=(size, size)) + shift


def test_the_frechet_distance_is_scipys():
    one, two = drawn(200, 6), drawn(150, 6, 0.5, seed=1)
    means, spreads = [x.mean(0) for x in (one, two)], [numpy.cov(x.T) for x in (one, two)]
    cross = sqrtm(spreads[0] @ spreads[1]).real
    expected = ((means[0] - means[1]) ** 2).sum() + numpy.trace(spreads[0] + spreads[1] - 2 * cross)
    found = FrechetDistance().value(one, two)
    assert found == pytest.approx(expected, rel=1e-9)
    oracle = _compute_fid(
        *(torch.from_numpy(each) for pair in zip(means, spreads, strict=True) for each in pair)
    )
    assert found == pytest.approx(float(oracle), rel=1e-6)


def test_the_frechet_distance_holds_with_more_features_than_examples():
    one = drawn(5, 12)
    assert FrechetDistance().value(one, one) == pytest.approx(0.0, abs=1e-6)
    assert FrechetDistance().value(one, one + 2.0) == pytest.approx(12 * 4.0, rel=1e-6)


def test_the_kernel_distance_is_torchmetrics():
    one, two = drawn(60, 4), drawn(60, 4, 0.3, seed=1)
    expected = poly_mmd(torch.from_numpy(one), torch.from_numpy(two))
    assert KernelDistance().value(one, two) == pytest.approx(float(expected), rel=1e-9)


def test_the_kernel_distance_is_free_of_bias():
    values = [
        KernelDistance().value(drawn_normal(40, seed), drawn_normal(40, seed + 500)) for seed in range(200)
    ]
    assert abs(numpy.mean(values)) < 2.5 * numpy.std(values) / 200**0.5 and min(values) < 0
    assert KernelDistance().value(drawn_normal(40, 0), drawn_normal(40, 1) + 1) > 1


def drawn_normal(count, seed):
    return numpy.random.default_rng(seed).normal(size=(count, 3))


def test_sides_may_come_apart_and_too_few_examples_have_no_distance():
    one, two = drawn(20, 3), drawn(30, 3, seed=1)
    for kind in (FrechetDistance, KernelDistance):
        metric = kind()
        metric.update(one, None)
        assert math.isnan(metric.compute())
        metric.update(None, two)
        assert metric.compute() == pytest.approx(kind().value(one, two), rel=1e-9)
        assert math.isnan(kind().value(one[:1], two))


def test_distances_refuse_what_has_no_meaning():
    one, two = drawn(20, 3), drawn(20, 3, seed=1)
    with pytest.raises(OptionError, match="no weights"):
        FrechetDistance().value(one, two, torch.ones(20))
    with pytest.raises(ShapeError, match="different lengths"):
        KernelDistance().value(one, two[:, :2])
    with pytest.raises(RefusalError, match="resampled"):
        bootstrap(FrechetDistance(), torch.from_numpy(one), torch.from_numpy(two))


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
