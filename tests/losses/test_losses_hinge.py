import pytest
import torch
from sklearn.metrics import hinge_loss
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.losses import Hinge


def test_two_classes_agree_with_scikit_learn():
    scores, targets = torch.randn(15, dtype=torch.float64), torch.randint(2, (15,))
    for outputs in (scores, scores[:, None], torch.stack([torch.zeros_like(scores), scores], 1)):
        assert abs(Hinge().mean(outputs, targets).item() - hinge_loss(targets, scores)) < 1e-10
    assert (
        abs(Hinge(form="weston-watkins").mean(scores, targets).item() - hinge_loss(targets, scores)) < 1e-10
    )


def test_crammer_singer_agrees_with_scikit_learn():
    scores, targets = torch.randn(30, 4, dtype=torch.float64), torch.arange(30) % 4
    assert abs(Hinge().mean(scores, targets).item() - hinge_loss(targets, scores)) < 1e-10


@pytest.mark.parametrize("squared", [False, True])
def test_weston_watkins_agrees_with_torch(squared):
    scores, targets = torch.randn(30, 4, dtype=torch.float64), torch.randint(4, (30,))
    expected = 4 * functional.multi_margin_loss(scores, targets, p=2 if squared else 1, margin=0.7)
    loss = Hinge(margin=0.7, squared=squared, form="weston-watkins")
    assert torch.allclose(loss.mean(scores, targets), expected, rtol=0, atol=1e-10)


def test_several_labels_are_binary_losses():
    scores, targets = torch.randn(6, 3), torch.randint(2, (6, 3))
    signs = 2 * targets - 1
    expected = (1 - signs * scores).clamp(min=0).mean(1)
    assert torch.allclose(Hinge(several=True).elementwise(scores, targets), expected)


def test_margin_must_be_positive():
    with pytest.raises(OptionError):
        Hinge(margin=-1.0)
