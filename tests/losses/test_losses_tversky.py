import math

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


def by_hand(logits, targets, alpha, beta, smooth, gamma, ignored, twice=False):
    """Pixel by pixel, class by class; `twice` is Dice as Milletari et al. write it but for the squares."""
    values = []
    for scores, codes in zip(logits.tolist(), targets.tolist(), strict=True):
        total = 0.0
        for label in range(len(scores)):
            right = false = missed = 0.0
            for pixel, code in enumerate(codes):
                if code == ignored:
                    continue
                powers = [math.exp(each[pixel]) for each in scores]
                share, there = powers[label] / sum(powers), float(code == label)
                right, false, missed = (
                    right + share * there,
                    false + share * (1 - there),
                    missed + (1 - share) * there,
                )
            if twice:
                total += 1 - (2 * right + smooth) / (2 * right + false + missed + smooth)
            else:
                total += (1 - (right + smooth) / (right + alpha * false + beta * missed + smooth)) ** (
                    1 / gamma
                )
        values.append(total / len(scores))
    return values


@pytest.mark.parametrize("gamma", [1.0, 4 / 3, 3.0])
def test_ignored_pixels_absent_classes_and_empty_masks_are_as_counted_by_hand(gamma):
    logits = torch.randn(4, 3, 7, dtype=torch.float64)
    targets = torch.randint(3, (4, 7))
    targets[0, :3] = 9  # ignored
    targets[1] = 0  # two classes absent
    targets[2] = 9  # nothing counts
    loss = Tversky(0.3, 0.7, smooth=0.5, ignore_index=9, gamma=gamma)
    expected = by_hand(logits, targets, 0.3, 0.7, 0.5, gamma, 9)
    assert loss.elementwise(logits, targets).tolist() == pytest.approx(
        expected, rel=1e-9, abs=1e-5
    )  # the root of a rounding
    assert expected[2] == 0.0  # whatever is said there
    dice = Dice(smooth=0.5, ignore_index=9).elementwise(logits, targets)
    assert dice.tolist() == pytest.approx(by_hand(logits, targets, 0, 0, 0.5, 1, 9, twice=True), abs=1e-9)


def test_the_focal_loss_has_a_finite_slope_where_all_is_right_and_a_steeper_one_near_it():
    targets, slopes = torch.tensor([[1, 0]]), {}
    for gamma in (1.0, 4 / 3):
        for sure in (3.0, 200.0):
            logits = torch.tensor([[[sure, -sure]]], requires_grad=True)
            Tversky(gamma=gamma).elementwise(logits, targets).sum().backward()
            slopes[gamma, sure] = logits.grad.abs().sum().item()
    assert slopes[4 / 3, 3.0] > 1.5 * slopes[1.0, 3.0] and slopes[4 / 3, 200.0] == 0.0
    with pytest.raises(OptionError, match="gamma"):
        Tversky(gamma=0.0)
