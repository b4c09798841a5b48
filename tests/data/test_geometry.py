"""Overlap of boxes, suppression of doubles, things read off maps: against NumPy written out in loops."""

from __future__ import annotations

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurarium.core.errors import ShapeError
from neurarium.data.geometry import detected, giou, grids, iou, level_of, maps_of, reached, suppressed
from neurarium.data.specs import Boxes, Mask, spec_from_json


def drawn(count, seed=0):
    chance = numpy.random.default_rng(seed)
    low = chance.uniform(0, 60, (count, 2))
    return numpy.concatenate([low, low + chance.uniform(1, 40, (count, 2))], axis=1)


def slow_iou(a, b):
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(wide, 0) * max(high, 0)
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


def test_iou_and_giou_are_their_formulas():
    one, other = drawn(50, 1), drawn(50, 2)
    wanted = [slow_iou(a, b) for a, b in zip(one, other, strict=True)]
    found = iou(torch.from_numpy(one), torch.from_numpy(other))
    numpy.testing.assert_allclose(found, wanted, atol=1e-12)
    assert 0 < numpy.count_nonzero(wanted) < 50
    for a, b, value in zip(one, other, giou(torch.from_numpy(one), torch.from_numpy(other)), strict=True):
        hull = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
        both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
        union = both / (1 + slow_iou(a, b))
        assert float(value) == pytest.approx(slow_iou(a, b) - (hull - union) / hull, abs=1e-12)


def test_giou_has_a_slope_where_boxes_do_not_touch():
    far = torch.tensor([10.0, 0.0, 12.0, 2.0], requires_grad=True)
    giou(far, torch.tensor([0.0, 0.0, 2.0, 2.0])).backward()
    assert far.grad[0] + far.grad[2] < 0  # to the left, where the other is


def slow_suppression(boxes, scores, labels, most):
    kept = []
    for place in numpy.argsort(-scores, kind="stable"):
        if all(labels[place] != labels[k] or slow_iou(boxes[place], boxes[k]) <= most for k in kept):
            kept.append(place)
    return sorted(int(each) for each in kept)


@pytest.mark.parametrize("most", [0.2, 0.5])
def test_suppression_keeps_what_a_slow_loop_keeps(most):
    chance = numpy.random.default_rng(3)
    boxes = numpy.stack([drawn(40, seed) for seed in (4, 5)])
    scores = -numpy.sort(-chance.uniform(size=(2, 40)), axis=1)
    labels = chance.integers(0, 3, (2, 40))
    kept = suppressed(*(torch.from_numpy(each) for each in (boxes, scores, labels)), most)
    for row in range(2):
        assert kept[row].nonzero().flatten().tolist() == slow_suppression(
            boxes[row], scores[row], labels[row], most
        )
    assert kept.sum() < 80


def test_a_thing_is_read_off_the_maps_where_it_was_written():
    spec = Boxes(("a", "b"), 32, 32, 4)
    outputs = torch.full((1, 6, 8, 8), -10.0)
    outputs[0, 1, 2, 5] = 3.0  # class b at column 5, row 2: the place (22, 10)
    outputs[0, 1, 2, 6] = 2.0  # beside it, lower: no maximum of its own
    outputs[0, 2:] = torch.log(torch.expm1(torch.tensor([0.5, 0.25, 0.5, 0.25])))[:, None, None]
    found = detected(outputs.flatten(2), spec, most=5)
    assert found["scores"].shape == (1, 5) and (found["scores"] > 0).sum() == 1
    assert found["labels"][0, 0] == 1
    assert found["scores"][0, 0] == pytest.approx(1 / (1 + numpy.exp(-3.0)))
    # 4 strides of 4 pixels times 1/2 and 1/4
    torch.testing.assert_close(found["boxes"][0, 0], torch.tensor([14.0, 6.0, 30.0, 14.0]))
    assert reached(torch.zeros(1, 4, 8, 8), 4).shape == (1, 8, 8, 4)


@given(st.integers(9, 200), st.integers(9, 200), st.integers(0, 3), st.integers(1, 5))
def test_levels_are_told_from_how_many_cells_there_are(height, width, halvings, count):
    strides = [2 ** (halvings + k) for k in range(count)]
    cells = sum(-(-height // s) * -(-width // s) for s in strides)
    found = grids(height, width, cells)
    assert [each.stride for each in found] == strides and sum(each.cells for each in found) == cells
    with pytest.raises(ShapeError, match="of a detector"):
        grids(height, width, 2 * height * width)


def test_boxes_go_to_the_level_of_their_size_and_those_beyond_all_to_the_last():
    levels = grids(128, 128, 32 * 32 + 16 * 16 + 8 * 8)
    sides = torch.tensor([1.0, 63.0, 64.0, 64.1, 128.0, 129.0, 900.0])
    for axis in (0, 1):  # the larger side decides
        boxes = torch.zeros(len(sides), 4)
        boxes[:, 2 + axis], boxes[:, 3 - axis] = sides, 1.0
        assert level_of(boxes, levels).tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert level_of(boxes, levels, span=2.0).tolist() == [0, 2, 2, 2, 2, 2, 2]
    assert level_of(boxes, levels[:1]).tolist() == [0] * 7


def test_things_are_read_off_all_levels_and_doubles_between_levels_go():
    spec = Boxes(("a", "b"), 32, 32, 4)
    levels = grids(32, 32, 8 * 8 + 4 * 4)
    outputs = torch.full((1, 6, 80), -10.0)
    fine, coarse = maps_of(outputs, levels)
    half = torch.log(torch.expm1(torch.tensor(0.5)))
    fine[0, 0, 3, 3], fine[0, 2:, 3, 3] = 2.0, half  # class a around (14, 14): 8 pixels to each side
    coarse[0, 0, 1, 1], coarse[0, 2:, 1, 1] = (
        1.0,
        torch.log(torch.expm1(torch.tensor(0.25))),
    )  # around (12, 12), a double
    coarse[0, 1, 2, 2], coarse[0, 2:, 2, 2] = (
        3.0,
        half,
    )  # class b around (20, 20): 16 pixels, cut at the border
    found = detected(torch.cat([each.flatten(2) for each in (fine, coarse)], dim=2), spec, most=5)
    assert found["labels"][0, :2].tolist() == [1, 0] and (found["scores"] > 0).sum() == 2
    torch.testing.assert_close(
        found["boxes"][0, :2], torch.tensor([[4.0, 4.0, 32.0, 32.0], [6.0, 6.0, 22.0, 22.0]])
    )


def test_masks_and_boxes_survive_json():
    for spec in (Boxes(("a", "b"), 32, 48, 4), Mask(("a", "b"), 3, 4)):
        assert spec_from_json(spec.to_json()) == spec


def test_tables_of_pixels_count_what_numpy_counts_and_leave_out_ignored_ones():
    spec, chance = Mask(("a", "b", "c"), 5, 4), torch.Generator().manual_seed(0)
    outputs = torch.randn(3, 3, 5, 4, generator=chance)
    targets = torch.randint(0, 3, (3, 5, 4), generator=chance)
    targets[0, 0] = 255
    tables = spec.tables(outputs, targets)
    said = outputs.argmax(1)
    for image in range(3):
        for real in range(3):
            for taken in range(3):
                count = ((targets[image] == real) & (said[image] == taken)).sum()
                assert tables[image, real, taken] == count
    assert tables.sum((1, 2)).tolist() == [16, 20, 20]
