import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.losses import Contrastive


def test_agrees_with_the_equation():
    pairs, like = torch.randn(9, 2, 4, dtype=torch.float64), torch.arange(9) % 2
    distance = (pairs[:, 0] - pairs[:, 1]).norm(dim=1)
    expected = torch.where(like == 1, distance**2, (2.5 - distance).clamp(min=0) ** 2)
    assert torch.allclose(Contrastive(2.5).elementwise(pairs, like), expected, rtol=0, atol=1e-10)


def test_descent_moves_like_pairs_together_and_unlike_pairs_apart():
    pairs = torch.tensor([[[0.0, 0.0], [0.5, 0.0]], [[0.0, 0.0], [0.5, 0.0]]], requires_grad=True)
    for _ in range(100):
        (step,) = torch.autograd.grad(Contrastive(1.0)(pairs, torch.tensor([1, 0])).total, pairs)
        pairs = (pairs - 0.1 * step).detach().requires_grad_()
    distance = (pairs[:, 0] - pairs[:, 1]).detach().norm(dim=1)
    assert distance[0] < 1e-3 and distance[1] == pytest.approx(1.0, abs=1e-3)


def test_margin_must_be_positive():
    with pytest.raises(OptionError):
        Contrastive(0.0)
