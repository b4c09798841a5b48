"""The Fréchet distance against SciPy and torchmetrics."""

from __future__ import annotations

import numpy
import pytest
import torch
from metric_cases import drawn
from scipy.linalg import sqrtm
from torchmetrics.image.fid import _compute_fid

from neurarium.metrics import FrechetDistance


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
