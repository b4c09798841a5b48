import numpy
import torch
from sklearn.metrics import mean_squared_error
from torch.nn import functional

from neurarium.losses import MeanSquaredError


def test_agrees_with_torch_and_scikit_learn():
    outputs, targets = torch.randn(7, 3, dtype=torch.float64, requires_grad=True), torch.randn(7, 3).double()
    ours = MeanSquaredError().mean(outputs, targets)
    theirs = functional.mse_loss(outputs, targets)
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-10)
    assert numpy.isclose(ours.item(), mean_squared_error(targets, outputs.detach()), rtol=0, atol=1e-10)
    gradients = [torch.autograd.grad(each, outputs, retain_graph=True)[0] for each in (ours, theirs)]
    assert torch.allclose(*gradients, rtol=0, atol=1e-10)


def test_one_column_never_broadcasts():
    outputs, targets = torch.randn(50, 1), torch.randn(50)
    assert torch.allclose(
        MeanSquaredError().mean(outputs, targets), functional.mse_loss(outputs[:, 0], targets)
    )
    assert torch.allclose(
        MeanSquaredError().mean(outputs[:, 0], targets[:, None]), functional.mse_loss(outputs[:, 0], targets)
    )


def test_maps_over_tasks():
    weight, inputs, targets = torch.randn(4, 3), torch.randn(4, 5, 3), torch.randn(4, 5)
    loss = MeanSquaredError()
    per_task = torch.func.vmap(torch.func.grad(lambda w, x, y: loss.mean(x @ w, y)))(weight, inputs, targets)
    by_hand = 2 * torch.einsum("tb,tbd->td", torch.einsum("tbd,td->tb", inputs, weight) - targets, inputs) / 5
    assert torch.allclose(per_task, by_hand, atol=1e-5)
