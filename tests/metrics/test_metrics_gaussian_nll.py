"""Gaussian likelihood against torch.distributions, for one network and for ensembles."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from neurarium.core.errors import DataError, OptionError, ShapeError
from neurarium.metrics import RMSE, GaussianNLL


def drawn(*shape, seed=0):
    source = torch.Generator().manual_seed(seed)
    values = torch.randn(2, *shape, generator=source, dtype=torch.float64)
    return {"mean": values[0], "std": values[1].abs() + 0.2}


def test_it_is_the_distributions_of_torch():
    parts, targets = (
        drawn(50, 2),
        torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)),
    )
    expected = -Normal(parts["mean"], parts["std"]).log_prob(targets).mean()
    assert GaussianNLL().value(parts, targets) == pytest.approx(float(expected), abs=1e-12)


def test_an_ensemble_is_one_gaussian_of_the_same_moments_or_the_mixture_itself():
    parts, targets = drawn(40, 5, 1), torch.zeros(40, 1, dtype=torch.float64)
    mean = parts["mean"].mean(1)
    variance = (parts["std"] ** 2 + parts["mean"] ** 2).mean(1) - mean**2
    expected = -Normal(mean, variance.sqrt()).log_prob(targets).mean()
    assert GaussianNLL().value(parts, targets) == pytest.approx(float(expected), abs=1e-10)
    mixture = MixtureSameFamily(
        Categorical(torch.ones(40, 5)), Independent(Normal(parts["mean"], parts["std"]), 1)
    )
    expected = -mixture.log_prob(targets).mean()
    assert GaussianNLL(members="mixture").value(parts, targets) == pytest.approx(float(expected), abs=1e-6)
    assert RMSE().value(parts, targets) == pytest.approx(float(mean.square().mean().sqrt()), abs=1e-12)


def test_a_unit_ten_times_smaller_adds_its_logarithm():
    parts, targets = drawn(30, 1), torch.zeros(30, 1, dtype=torch.float64)
    other = {key: 10 * value for key, value in parts.items()}
    found = GaussianNLL().value(other, targets) - GaussianNLL().value(parts, targets)
    assert found == pytest.approx(2.302585092994046)


def test_impossible_distributions_are_refused():
    with pytest.raises(DataError, match="deviation"):
        GaussianNLL().value({"mean": torch.zeros(3), "std": torch.zeros(3)}, torch.zeros(3))
    with pytest.raises(ShapeError, match="lack std"):
        GaussianNLL().value(torch.zeros(3), torch.zeros(3))
    with pytest.raises(OptionError):
        GaussianNLL(members="product")
