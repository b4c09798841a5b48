import pytest
import torch
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.losses import CrossEntropy, Focal


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_agrees_with_the_equation(gamma):
    logits, targets = torch.randn(12, 3, dtype=torch.float64), torch.randint(3, (12,))
    chance = logits.softmax(1).gather(1, targets[:, None]).squeeze(1)
    expected = -((1 - chance) ** gamma) * chance.log()
    assert torch.allclose(Focal(gamma).elementwise(logits, targets), expected, rtol=0, atol=1e-10)


def test_gamma_zero_is_the_cross_entropy():
    logits, targets = torch.randn(12, 3, dtype=torch.float64), torch.randint(3, (12,))
    weights = (0.2, 1.0, 3.0)
    ours, theirs = Focal(0.0, weights)(logits, targets), CrossEntropy(weights)(logits, targets)
    assert torch.allclose(ours.total, theirs.total) and torch.allclose(ours.weight, theirs.weight)


def test_alpha_of_the_paper_is_a_class_weight():
    logits, targets = torch.randn(12, dtype=torch.float64), torch.randint(2, (12,))
    chance = torch.sigmoid(logits)
    right = torch.where(targets == 1, chance, 1 - chance)
    alpha = torch.where(targets == 1, 0.25, 0.75)
    loss = Focal(2.0, class_weights=(0.75, 0.25))
    assert torch.allclose(
        loss.elementwise(logits, targets), -alpha * (1 - right) ** 2 * right.log(), rtol=0, atol=1e-10
    )
    several = Focal(2.0, class_weights=(0.75, 0.25), several=True)
    assert torch.allclose(
        several.elementwise(logits[:, None], targets[:, None]), loss.elementwise(logits, targets)
    )


def test_ignored_labels_count_nothing():
    logits, targets = torch.randn(4, 2), torch.tensor([[1.0, -1.0], [0.0, 1.0], [-1.0, -1.0], [1.0, 1.0]])
    total, weight = Focal(2.0, several=True, ignore_index=-1)(logits, targets)
    kept = targets != -1
    expected = Focal(2.0).elementwise(logits[kept], targets[kept].long())
    assert torch.allclose(total / weight, expected.mean())


@pytest.mark.parametrize("gamma", [0.3, 2.0])
def test_saturated_and_nearly_saturated_logits_have_finite_gradients(gamma):
    for size in (0.0, 15.0, 17.0, 90.0, 104.0, 1e4):
        logits = torch.tensor([[size, 0.0], [-size, 0.0]], requires_grad=True)
        Focal(gamma)(logits, torch.tensor([0, 0])).total.backward()
        assert torch.isfinite(logits.grad).all()
        assert torch.isclose(
            logits.grad[1].abs().max(), functional.softplus(torch.tensor(size)) * 0 + logits.grad[1, 1]
        )


def test_gamma_must_not_be_negative():
    with pytest.raises(OptionError):
        Focal(-1.0)
