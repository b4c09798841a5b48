"""Sets of features: sides that come apart, and what has no meaning."""

from __future__ import annotations

import math

import pytest
import torch
from metric_cases import drawn

from neurarium.core.errors import OptionError, RefusalError, ShapeError
from neurarium.metrics import FrechetDistance, KernelDistance, bootstrap


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
