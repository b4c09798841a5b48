"""Metrics of tables of pixels equal those of all pixels."""

from __future__ import annotations

import pytest
import torch

from neurarium.core.errors import ShapeError
from neurarium.data.specs import Mask
from neurarium.metrics import Accuracy, Dice, IoU, MaskDice, MaskIoU, PixelAccuracy, metrics_for


@pytest.mark.parametrize(("own", "other"), [(MaskDice, Dice), (MaskIoU, IoU), (PixelAccuracy, Accuracy)])
def test_they_are_those_of_all_pixels(own, other):
    spec, chance = Mask(("a", "b", "c"), 6, 5), torch.Generator().manual_seed(1)
    outputs = torch.randn(4, 3, 6, 5, generator=chance)
    targets = torch.randint(0, 3, (4, 6, 5), generator=chance)
    wanted = other().value(outputs.softmax(1), targets)
    assert own().value(spec.tables(outputs, targets), None) == pytest.approx(wanted, abs=1e-12)


def test_a_class_that_is_nowhere_is_left_out_and_weights_count_images():
    table = torch.tensor([[[4.0, 0, 0], [0, 2, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 6], [0, 0, 0]]])
    assert MaskDice().value(table[:1], None) == 1.0
    assert MaskDice().value(table, None, torch.tensor([1.0, 0.0])) == 1.0
    assert MaskDice().value(table, None) == pytest.approx((1 + 4 / (4 + 6) + 0) / 3)
    assert list(metrics_for(Mask(("a", "b"), 2, 2))) == ["dice", "iou", "accuracy"]
    with pytest.raises(ShapeError, match="table of pixels"):
        MaskDice().value(torch.zeros(2, 3), None)
