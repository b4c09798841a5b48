import numpy
import pytest
import torch
from sklearn.metrics import mean_pinball_loss

from neurarium.core.errors import OptionError
from neurarium.losses import Quantile


def test_agrees_with_scikit_learn_level_by_level():
    levels = (0.05, 0.5, 0.8)
    outputs, targets = torch.randn(11, 3, dtype=torch.float64), torch.randn(11, dtype=torch.float64)
    expected = numpy.mean(
        [mean_pinball_loss(targets, outputs[:, i], alpha=level) for i, level in enumerate(levels)]
    )
    assert abs(Quantile(levels).mean(outputs, targets).item() - expected) < 1e-10


def test_its_minimum_is_the_quantile():
    draws = torch.randn(2001, generator=torch.Generator().manual_seed(0)).sort().values
    guess = torch.zeros(3, requires_grad=True)
    loss, optimizer = Quantile((0.1, 0.5, 0.9)), torch.optim.Adam([guess], lr=0.02)
    for _ in range(600):
        optimizer.zero_grad()
        loss.mean(guess.expand(2001, 3), draws).backward()
        optimizer.step()
    assert torch.allclose(guess, torch.quantile(draws, torch.tensor([0.1, 0.5, 0.9])), atol=0.03)


def test_point_is_the_level_nearest_the_median():
    assert Quantile((0.1, 0.45, 0.9)).point(torch.tensor([[1.0, 2, 3, 4, 5, 6]])).tolist() == [[2.0, 5.0]]


@pytest.mark.parametrize("levels", [(), (0.0, 0.5), (0.5, 0.1), (0.5, 0.5), (0.5, 1.0)])
def test_wrong_levels_are_refused(levels):
    with pytest.raises(OptionError, match="levels"):
        Quantile(levels)
