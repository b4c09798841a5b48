import torch
from torch.nn import functional

from neurarium.losses import CrossEntropy, KLDivergence


def test_agrees_with_torch():
    logits = torch.randn(8, 4, dtype=torch.float64, requires_grad=True)
    targets = torch.rand(8, 4, dtype=torch.float64)
    targets[0, 1] = 0.0
    targets = targets / targets.sum(1, keepdim=True)
    ours = KLDivergence().mean(logits, targets)
    theirs = functional.kl_div(functional.log_softmax(logits, 1), targets, reduction="batchmean")
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-10)
    gradients = [torch.autograd.grad(each, logits, retain_graph=True)[0] for each in (ours, theirs)]
    assert torch.allclose(*gradients, rtol=0, atol=1e-10)


def test_zero_times_log_zero_is_zero():
    targets = torch.tensor([[1.0, 0.0], [0.0, 1.0]], requires_grad=True)
    loss = KLDivergence().mean(torch.tensor([[1e4, 0.0], [0.0, 1e4]]), targets)
    assert loss == 0
    assert torch.isfinite(torch.autograd.grad(loss, targets)[0]).all()


def test_is_zero_at_the_target_and_positive_elsewhere():
    logits = torch.randn(5, 3, dtype=torch.float64)
    assert KLDivergence().mean(logits, logits.softmax(1)).abs() < 1e-12
    assert KLDivergence().mean(logits, (2 * logits).softmax(1)) > 0.01


def test_indices_differ_from_cross_entropy_by_the_entropy_of_the_target():
    logits, targets = torch.randn(5, 3, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1])
    assert torch.allclose(KLDivergence().mean(logits, targets), CrossEntropy().mean(logits, targets))
    smoothed = torch.full((5, 3), 0.1, dtype=torch.float64).scatter(1, targets[:, None], 0.8)
    assert torch.allclose(KLDivergence(0.3).mean(logits, targets), KLDivergence().mean(logits, smoothed))
