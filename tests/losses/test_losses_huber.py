import pytest
import torch
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.losses import Huber


@pytest.mark.parametrize("delta", [0.3, 1.0, 4.0])
def test_agrees_with_torch(delta):
    outputs, targets = torch.randn(9, 2, dtype=torch.float64, requires_grad=True), torch.randn(9, 2).double()
    ours, theirs = Huber(delta).mean(outputs, targets), functional.huber_loss(outputs, targets, delta=delta)
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-10)
    gradients = [torch.autograd.grad(each, outputs, retain_graph=True)[0] for each in (ours, theirs)]
    assert torch.allclose(*gradients, rtol=0, atol=1e-10)


def test_delta_must_be_positive():
    with pytest.raises(OptionError):
        Huber(0.0)
