"""Cross-entropy and Dice together: each of the two by its share, ignored pixels absent."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.data.specs import Mask
from neurarium.losses import CrossEntropyDice, Dice, loss_for


def test_it_is_the_mean_of_the_two():
    chance = torch.Generator().manual_seed(0)
    outputs, targets = (
        torch.randn(3, 4, 5, 6, generator=chance),
        torch.randint(0, 4, (3, 5, 6), generator=chance),
    )
    surprise = functional.cross_entropy(outputs, targets, reduction="none").mean((1, 2))
    overlap = Dice().elementwise(outputs, targets)
    for mix in (0.0, 0.3, 1.0):
        wanted = (1 - mix) * surprise + mix * overlap
        torch.testing.assert_close(CrossEntropyDice(mix=mix).elementwise(outputs, targets), wanted)
    with pytest.raises(OptionError, match="no share"):
        CrossEntropyDice(mix=1.5)


def test_ignored_pixels_are_absent():
    loss = loss_for(Mask(("a", "b"), 4, 4))
    assert type(loss) is CrossEntropyDice and loss.ignore_index == 255
    outputs, targets = (
        torch.randn(2, 2, 4, 4, generator=torch.Generator().manual_seed(0)),
        torch.zeros(2, 4, 4).long(),
    )
    targets[:, 0] = 255
    other = outputs.clone()
    other[:, :, 0] = 50.0
    torch.testing.assert_close(loss.elementwise(outputs, targets), loss.elementwise(other, targets))
    assert not torch.equal(loss.elementwise(outputs, targets), loss.elementwise(-outputs, targets))
    for name in ("cross-entropy", "focal", "dice", "tversky"):
        assert float(loss_for(Mask(("a", "b"), 4, 4), name).mean(outputs, targets)) > 0
