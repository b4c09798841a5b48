"""The loss of detectors: against the formula written out, and least where the maps say what is there."""

from __future__ import annotations

import math

import pytest
import torch

from neurarium.core.errors import OptionError, ShapeError
from neurarium.data.geometry import detected, giou, reached
from neurarium.data.specs import Boxes
from neurarium.losses import Centres, loss_for
from neurarium.losses.centres import bumps

TARGETS = {
    "boxes": torch.tensor([[[4.0, 4.0, 20.0, 12.0], [0.0, 0.0, 0.0, 0.0]]]),
    "labels": torch.tensor([[1, 0]]),
    "present": torch.tensor([[True, False]]),
}


def test_it_is_the_formula_written_out():
    outputs = torch.randn(1, 6, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    total, weight, missed = 0.0, 0.0, 0.0
    boxes = reached(outputs[:, 2:], 4)[0]
    for row in range(8):
        for column in range(8):
            # the centre (12, 8) lies in cell (3, 2); the sides are 4 and 2 cells long
            x, y = (column - 3) / (4 / 6), (row - 2) / (2 / 6)
            bump = math.exp(-(x * x + y * y) / 2)
            if bump > 0.3:
                weight += bump
                missed += bump * (1 - float(giou(boxes[row, column], TARGETS["boxes"][0, 0].double())))
            for label in range(2):
                score = float(torch.sigmoid(outputs[0, label, row, column]))
                wanted = bump if label == 1 else 0.0
                if wanted == 1:
                    total -= (1 - score) ** 2 * math.log(score)
                else:
                    total -= (1 - wanted) ** 4 * score**2 * math.log(1 - score)
    found = Centres(32, box_weight=5.0).elementwise(outputs, TARGETS)
    assert float(found) == pytest.approx(total + 5 * missed / weight, rel=1e-6)


def test_descending_it_finds_the_box():
    outputs = torch.zeros(1, 6, 8, 8, requires_grad=True)
    spec, optimizer = Boxes(("a", "b"), 32, 32, 2), torch.optim.Adam([outputs], 0.1)
    loss = loss_for(spec)
    for _ in range(150):
        optimizer.zero_grad()
        loss.mean(outputs, TARGETS).backward()
        optimizer.step()
    found = detected(outputs.detach(), spec)
    assert found["labels"][0, 0] == 1 and found["scores"][0, 0] > 0.9 and found["scores"][0, 1] < 0.1
    torch.testing.assert_close(found["boxes"][0, 0], TARGETS["boxes"][0, 0], atol=1.0, rtol=0)


def test_what_is_not_present_changes_nothing_and_an_image_of_nothing_has_a_loss():
    outputs = torch.randn(1, 6, 8, 8, generator=torch.Generator().manual_seed(0))
    other = {**TARGETS, "boxes": TARGETS["boxes"].clone(), "labels": torch.tensor([[1, 1]])}
    other["boxes"][0, 1] = torch.tensor([1.0, 1.0, 30.0, 30.0])
    loss = Centres(32)
    torch.testing.assert_close(loss.elementwise(outputs, other), loss.elementwise(outputs, TARGETS))
    none = {**TARGETS, "present": torch.zeros(1, 2, dtype=torch.bool)}
    assert 0 < float(loss.elementwise(outputs, none)) < float("inf")
    assert bumps(TARGETS["boxes"], 4, 8, 8)[0, 0].max() == 1
    with pytest.raises(OptionError, match="negative"):
        Centres(32, box_weight=-1.0)
    with pytest.raises(ShapeError, match="detector"):
        loss.elementwise(torch.zeros(2, 3), torch.zeros(2))
