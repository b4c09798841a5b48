"""CRPS against its integral, for every form of prediction."""

from __future__ import annotations

import numpy
import pytest
import torch
from torch.distributions import Normal

from neurarium.metrics import CRPS, MAE

GRID = torch.linspace(-60, 60, 240_001, dtype=torch.float64)


def integral(cumulative, target):
    """`integral (F(x) - [y <= x])^2 dx` by the trapezoid rule."""
    return float(torch.trapezoid((cumulative - (target <= GRID).double()).square(), GRID))


@pytest.mark.parametrize(("mean", "std", "target"), [(0.0, 1.0, 0.3), (2.0, 0.5, -1.0), (-3.0, 4.0, 5.0)])
def test_of_a_gaussian_it_is_the_integral(mean, std, target):
    expected = integral(Normal(mean, std).cdf(GRID), target)
    found = CRPS().value({"mean": torch.tensor([mean]), "std": torch.tensor([std])}, torch.tensor([target]))
    assert found == pytest.approx(expected, abs=1e-3)


def test_of_a_mixture_of_gaussians_it_is_the_integral():
    means, stds = torch.tensor([[-2.0, 0.5, 3.0]]), torch.tensor([[1.0, 0.3, 2.0]])
    cumulative = torch.stack([Normal(m, s).cdf(GRID) for m, s in zip(means[0], stds[0], strict=True)]).mean(0)
    found = CRPS().value({"mean": means[..., None], "std": stds[..., None]}, torch.tensor([[1.0]]))
    assert found == pytest.approx(integral(cumulative, 1.0), abs=1e-3)


def test_of_samples_it_is_the_mean_distance_less_half_the_spread():
    source = numpy.random.default_rng(0)
    samples, targets = source.normal(size=(8, 11, 2)), source.normal(size=(8, 2))
    near = numpy.abs(samples - targets[:, None]).mean(1)
    pairs = numpy.abs(samples[:, :, None] - samples[:, None]).sum((1, 2))
    plain, fair = (near - pairs / 2 / 121).mean(), (near - pairs / 2 / 110).mean()
    assert CRPS().value({"samples": samples}, targets) == pytest.approx(plain, abs=1e-12)
    assert CRPS(fair=True).value({"samples": samples}, targets) == pytest.approx(fair, abs=1e-12)


def test_of_many_samples_and_of_many_quantiles_it_is_that_of_the_distribution():
    closed = CRPS().value({"mean": torch.tensor([1.0]), "std": torch.tensor([2.0])}, torch.tensor([0.0]))
    levels = tuple(((torch.arange(999) + 0.5) / 999).tolist())
    quantiles = 1 + 2 * Normal(0.0, 1.0).icdf(torch.tensor(levels, dtype=torch.float64))
    found = CRPS(levels=levels).value({"quantiles": quantiles.reshape(1, -1, 1)}, torch.tensor([[0.0]]))
    assert found == pytest.approx(closed, abs=2e-3)
    assert CRPS().value({"samples": quantiles.reshape(1, -1, 1)}, torch.tensor([[0.0]])) == pytest.approx(
        closed, abs=2e-3
    )


def test_of_a_point_it_is_the_absolute_error():
    predictions, targets = torch.tensor([1.0, 5.0]), torch.tensor([2.0, 3.0])
    assert CRPS().value(predictions, targets) == MAE().value(predictions, targets) == 1.5
    one = {"samples": predictions.reshape(2, 1, 1)}
    assert CRPS().value(one, targets) == CRPS(fair=True).value(one, targets) == 1.5
