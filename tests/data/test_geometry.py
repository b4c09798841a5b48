"""Overlap of boxes, suppression of doubles, things read off maps: against NumPy written out in loops."""

from __future__ import annotations

import numpy
import pytest
import torch

from neurarium.data.geometry import detected, giou, iou, reached, stride_of, suppressed
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
    found = detected(outputs, spec, most=5)
    assert found["scores"].shape == (1, 5) and (found["scores"] > 0).sum() == 1
    assert found["labels"][0, 0] == 1
    assert found["scores"][0, 0] == pytest.approx(1 / (1 + numpy.exp(-3.0)))
    # 4 strides of 4 pixels times 1/2 and 1/4
    torch.testing.assert_close(found["boxes"][0, 0], torch.tensor([14.0, 6.0, 30.0, 14.0]))
    assert stride_of(32, 8) == 4 and reached(torch.zeros(1, 4, 8, 8), 4).shape == (1, 8, 8, 4)


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
