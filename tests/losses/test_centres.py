"""The loss of detectors: against the formula written out, and least where the maps say what is there."""

from __future__ import annotations

import math

import pytest
import torch

from neurarium.core.errors import OptionError, ShapeError
from neurarium.data.geometry import detected, giou, grids, iou, maps_of, reached
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
    found = Centres(32, 32, box_weight=5.0).elementwise(outputs.flatten(2), TARGETS)
    assert float(found) == pytest.approx(total + 5 * missed / weight, rel=1e-6)


def test_descending_it_finds_the_box():
    outputs = torch.zeros(1, 6, 64, requires_grad=True)
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
    outputs = torch.randn(1, 6, 64, generator=torch.Generator().manual_seed(0))
    other = {**TARGETS, "boxes": TARGETS["boxes"].clone(), "labels": torch.tensor([[1, 1]])}
    other["boxes"][0, 1] = torch.tensor([1.0, 1.0, 30.0, 30.0])
    loss = Centres(32, 32)
    torch.testing.assert_close(loss.elementwise(outputs, other), loss.elementwise(outputs, TARGETS))
    none = {**TARGETS, "present": torch.zeros(1, 2, dtype=torch.bool)}
    assert 0 < float(loss.elementwise(outputs, none)) < float("inf")
    assert bumps(TARGETS["boxes"], 4, 8, 8)[0, 0].max() == 1
    for wrong in ({"box_weight": -1.0}, {"span": 0.0}):
        with pytest.raises(OptionError, match="too small"):
            Centres(32, 32, **wrong)
    with pytest.raises(ShapeError, match="detector"):
        loss.elementwise(torch.zeros(2, 3), torch.zeros(2))


def test_several_levels_are_the_sum_of_each_with_the_things_of_its_size():
    chance = torch.Generator().manual_seed(1)
    outputs = torch.randn(1, 6, 64 + 16, generator=chance, dtype=torch.float64)
    boxes = torch.tensor([[[2.0, 3.0, 9.0, 8.0], [0.0, 1.0, 31.0, 30.0]]])
    targets = {
        "boxes": boxes,
        "labels": torch.tensor([[0, 1]]),
        "present": torch.ones(1, 2, dtype=torch.bool),
    }
    loss = Centres(32, 32, span=2.0)  # up to 16 pixels on the level of stride 4
    fine, coarse = (each.flatten(2) for each in maps_of(outputs, grids(32, 32, 80)))
    alone = [{key: value[:, place : place + 1] for key, value in targets.items()} for place in range(2)]
    expected = loss.elementwise(fine, alone[0]) + loss.elementwise(coarse, alone[1])
    torch.testing.assert_close(loss.elementwise(outputs, targets), expected / 2)


@pytest.mark.parametrize(("levels", "found"), [(1, 1), (2, 2)])
def test_a_small_thing_in_the_middle_of_a_large_one_needs_a_level_of_its_own(levels, found):
    """At one cell of one map there is room for four distances: the small one's. arXiv:1904.01355, section 3.2."""
    targets = {
        "boxes": torch.tensor([[[24.0, 24.0, 40.0, 40.0], [2.0, 2.0, 62.0, 62.0]]]),
        "labels": torch.tensor([[0, 0]]),
        "present": torch.ones(1, 2, dtype=torch.bool),
    }
    cells = 16 * 16 + (levels - 1) * 8 * 8
    outputs = torch.zeros(1, 5, cells, requires_grad=True)
    spec, loss = Boxes(("a",), 64, 64, 2), Centres(64, 64, span=4.0)
    optimizer = torch.optim.Adam([outputs], 0.1)
    for _ in range(200):
        optimizer.zero_grad()
        loss.mean(outputs, targets).backward()
        optimizer.step()
    said = detected(outputs.detach(), spec)
    overlap = iou(targets["boxes"][0, :, None], said["boxes"][0][said["scores"][0] > 0.5])
    assert int((overlap.amax(dim=1) > 0.8).sum()) == found
