import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.losses import Dice, Tversky


def test_equal_prices_of_one_half_are_dice():
    logits, targets = torch.randn(4, 3, 5, 5, dtype=torch.float64), torch.randint(3, (4, 5, 5))
    halves = Tversky(0.5, 0.5, smooth=1.0).elementwise(logits, targets)
    assert torch.allclose(halves, Dice(smooth=2.0).elementwise(logits, targets), atol=1e-12)


def test_prices_one_are_the_jaccard_index():
    certain, targets = torch.tensor([[[1e4, 1e4, -1e4, 1e4]]]), torch.tensor([[1, 1, 1, 0]])
    assert Tversky(1.0, 1.0, smooth=1e-6).mean(certain, targets).item() == pytest.approx(1 - 2 / 4, abs=1e-5)


def test_misses_cost_more_than_false_alarms():
    targets = torch.tensor([[1, 1, 0, 0]])
    missed, alarmed = torch.tensor([[[1e4, -1e4, -1e4, -1e4]]]), torch.tensor([[[1e4, 1e4, 1e4, -1e4]]])
    loss = Tversky(alpha=0.1, beta=0.9)
    assert loss.mean(missed, targets).item() == pytest.approx(1 - 2 / 2.9)
    assert loss.mean(alarmed, targets).item() == pytest.approx(1 - 3 / 3.1)
    with pytest.raises(OptionError):
        Tversky(alpha=-0.1)
