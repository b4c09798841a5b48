import pytest
import torch

from neurarium.core.errors import OptionError, ShapeError
from neurarium.losses import CrossEntropyDice, Dice, Tversky


def test_agrees_with_the_equation_for_one_class():
    logits, targets = torch.randn(4, 1, 5, 5, dtype=torch.float64), torch.randint(2, (4, 5, 5))
    p, y = torch.sigmoid(logits).flatten(1), targets.flatten(1)
    expected = 1 - (2 * (p * y).sum(1) + 1) / (p.sum(1) + y.sum(1) + 1)
    assert torch.allclose(Dice().elementwise(logits, targets), expected, rtol=0, atol=1e-10)


def test_agrees_with_the_equation_for_classes():
    logits, targets = torch.randn(4, 3, 5, 5, dtype=torch.float64), torch.randint(3, (4, 5, 5))
    p = logits.softmax(1).flatten(2)
    y = torch.nn.functional.one_hot(targets, 3).movedim(-1, 1).flatten(2)
    scores = (2 * (p * y).sum(2) + 0.1) / (p.sum(2) + y.sum(2) + 0.1)
    assert torch.allclose(
        Dice(smooth=0.1).elementwise(logits, targets), 1 - scores.mean(1), rtol=0, atol=1e-10
    )
    assert torch.allclose(
        Dice(smooth=0.1, background=False).elementwise(logits, targets),
        1 - scores[:, 1:].mean(1),
        rtol=0,
        atol=1e-10,
    )
    last = logits.movedim(1, -1)
    assert torch.allclose(
        Dice(smooth=0.1, class_axis=-1).elementwise(last, targets), 1 - scores.mean(1), rtol=0, atol=1e-10
    )
    assert torch.allclose(
        Dice(smooth=0.1).elementwise(logits, y.double().unflatten(2, (5, 5))), 1 - scores.mean(1)
    )


def test_masked_and_ignored_pixels_are_absent():
    logits, targets = torch.randn(2, 3, 4, 6, dtype=torch.float64), torch.randint(3, (2, 4, 6))
    mask = torch.ones(2, 4, 6, dtype=torch.bool)
    mask[..., 4:] = False
    cut = Dice().mean(logits[..., :4], targets[..., :4])
    spoiled = torch.where(mask[:, None], logits, torch.nan)
    assert torch.allclose(Dice().mean(spoiled, targets, mask=mask), cut, atol=1e-12)
    assert torch.allclose(Dice(ignore_index=7).mean(logits, torch.where(mask, targets, 7)), cut, atol=1e-12)


@pytest.mark.parametrize(
    "loss", [Dice(ignore_index=9), Tversky(gamma=4 / 3, ignore_index=9), CrossEntropyDice(ignore_index=9)]
)
def test_an_example_without_a_counted_pixel_weighs_nothing(loss):
    logits, targets = torch.randn(3, 2, 4, 4, dtype=torch.float64), torch.randint(2, (3, 4, 4))
    targets[1] = 9
    total, weight = loss(logits, targets)
    alone = loss(logits[[0, 2]], targets[[0, 2]])
    assert float(weight) == 2.0 == float(alone.weight)
    assert float(total) == pytest.approx(float(alone.total), abs=1e-12)
    weighted = loss(logits, targets, weights=torch.tensor([2.0, 5.0, 3.0], dtype=torch.float64))
    assert float(weighted.weight) == 5.0


def test_empty_against_empty_is_no_loss():
    nothing = torch.full((1, 1, 3, 3), -1e4)
    assert Dice().mean(nothing, torch.zeros(1, 3, 3, dtype=torch.long)) == 0


def test_refusals():
    with pytest.raises(OptionError, match="positive"):
        Dice(smooth=0.0)
    with pytest.raises(ShapeError, match="unsqueeze"):
        Dice()(torch.randn(2, 3, 3), torch.zeros(2, 3, 3, dtype=torch.long))
