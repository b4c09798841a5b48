import pytest
import torch
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.losses import GaussianNLL


def test_agrees_with_torch():
    outputs, targets = torch.randn(8, 2, dtype=torch.float64), torch.randn(8, dtype=torch.float64)
    variance = functional.softplus(outputs[:, 1]) + 1e-6
    expected = functional.gaussian_nll_loss(outputs[:, 0], targets, variance, full=True, eps=1e-12)
    assert torch.allclose(GaussianNLL().mean(outputs, targets), expected, rtol=0, atol=1e-10)


def test_agrees_with_its_own_distribution():
    outputs, targets = torch.randn(8, 6, dtype=torch.float64), torch.randn(8, 3, dtype=torch.float64)
    loss = GaussianNLL()
    assert torch.allclose(
        loss.elementwise(outputs, targets), -loss.distribution(outputs).log_prob(targets).mean(-1)
    )
    assert torch.equal(loss.point(outputs), loss.distribution(outputs).mean)


def test_floor_bounds_the_loss():
    certain = torch.tensor([[0.0, -1e4]])
    assert GaussianNLL(floor=0.01).mean(certain, torch.zeros(1)).item() == pytest.approx(-1.3836, abs=1e-3)
    with pytest.raises(OptionError):
        GaussianNLL(floor=0.0)
