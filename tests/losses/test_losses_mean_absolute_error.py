import torch
from sklearn.metrics import mean_absolute_error
from torch.nn import functional

from neurarium.losses import MeanAbsoluteError


def test_agrees_with_torch_and_scikit_learn():
    outputs, targets = torch.randn(7, 3, dtype=torch.float64), torch.randn(7, 3, dtype=torch.float64)
    ours = MeanAbsoluteError().mean(outputs, targets)
    assert torch.allclose(ours, functional.l1_loss(outputs, targets), rtol=0, atol=1e-10)
    assert abs(ours.item() - mean_absolute_error(targets, outputs)) < 1e-10


def test_gradient_is_zero_where_there_is_no_error():
    outputs = torch.tensor([1.0, 2.0], requires_grad=True)
    MeanAbsoluteError()(outputs, torch.tensor([1.0, 0.0])).total.backward()
    assert outputs.grad.tolist() == [0.0, 1.0]
