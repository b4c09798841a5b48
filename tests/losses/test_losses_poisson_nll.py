import pytest
import torch
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.losses import PoissonNLL


def test_agrees_with_torch():
    outputs, counts = torch.randn(9, 2, dtype=torch.float64), torch.randint(6, (9, 2)).double()
    expected = functional.poisson_nll_loss(outputs, counts, log_input=True) + torch.lgamma(counts + 1).mean()
    assert torch.allclose(PoissonNLL().mean(outputs, counts), expected, rtol=0, atol=1e-10)
    exact = -torch.distributions.Poisson(outputs.exp()).log_prob(counts).mean()
    assert torch.allclose(PoissonNLL().mean(outputs, counts), exact, rtol=0, atol=1e-10)


def test_standardized_counts_are_counts_again():
    outputs, counts = torch.randn(9, 2, dtype=torch.float64), torch.randint(6, (9, 2)).double()
    mean, scale = (2.0, 3.5), (1.5, 0.3)
    standardized = (counts - torch.tensor(mean).double()) / torch.tensor(scale).double()
    loss = PoissonNLL(mean=mean, scale=scale)
    assert torch.allclose(loss.mean(outputs, standardized), PoissonNLL().mean(outputs, counts), atol=1e-6)
    rate = loss.point(outputs) * torch.tensor(scale).double() + torch.tensor(mean).double()
    assert torch.allclose(rate, outputs.exp(), atol=1e-6)


def test_runaway_output_is_a_tangent():
    outputs = torch.tensor([20.0, 21.0, 1e4], requires_grad=True)
    PoissonNLL()(outputs, torch.zeros(3)).total.backward()
    assert torch.allclose(outputs.grad, torch.full((3,), 20.0).exp())


def test_negative_count_is_not_a_number():
    assert torch.isnan(PoissonNLL().mean(torch.zeros(2), torch.tensor([1.0, -1.0])))
    with pytest.raises(OptionError):
        PoissonNLL(mean=(1.0,), scale=())
