"""Pinball loss against scikit-learn."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_strategies import regressed
from sklearn.metrics import mean_pinball_loss

from neurarium.core.errors import OptionError, ShapeError
from neurarium.metrics import MAE, Pinball


@given(regressed(), st.sampled_from([0.05, 0.3, 0.5, 0.9]))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_it_is_scikit_learns(problem, level):
    predictions, targets, weights = problem
    expected = mean_pinball_loss(targets, predictions, sample_weight=weights, alpha=level)
    found = Pinball(levels=(level,)).value({"quantiles": predictions[:, None]}, targets, weights)
    assert found == pytest.approx(expected, abs=1e-12)
    if level == 0.5:
        assert found == pytest.approx(MAE().value(predictions, targets, weights) / 2, abs=1e-12)


def test_it_is_least_at_the_quantile():
    targets = torch.arange(100.0)
    losses = [
        Pinball(levels=(0.8,)).value({"quantiles": torch.full((100, 1), q)}, targets)
        for q in (60.0, 79.5, 95.0)
    ]
    assert losses[1] == min(losses) and losses[0] > 1.2 * losses[1]


def test_quantiles_must_match_their_levels():
    with pytest.raises(ShapeError, match="one predicted quantile per level"):
        Pinball(levels=(0.1, 0.9)).value({"quantiles": torch.zeros(3, 3)}, torch.zeros(3))
    with pytest.raises(OptionError):
        Pinball(levels=(0.0, 0.5))
