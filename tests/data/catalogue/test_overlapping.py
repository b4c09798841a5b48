"""Overlapping digits are what they say: two classes, sums of their parts, the same from one seed."""

from __future__ import annotations

import numpy
import pytest

from neurarium.core.errors import OptionError
from neurarium.data.catalogue import load
from neurarium.data.catalogue.overlapping import marks, overlaid, overlay

CHANCE = numpy.random.default_rng(0)
DIGITS = (CHANCE.random((40, 28, 28)) * 256).astype(numpy.uint8)
CLASSES = numpy.arange(40) % 10


def test_an_image_is_the_sum_of_two_digits_of_different_classes():
    made = overlay(DIGITS, CLASSES, 80, seed=1)
    assert (made.classes[:, 0] != made.classes[:, 1]).all()
    assert numpy.array_equal(made.images, numpy.minimum(made.parts.astype(int).sum(1), 255))
    places = set()
    for row in range(80):
        filled = numpy.argwhere(made.parts[row, 0])
        top, left = filled.min(0)
        places.add((top, left))
        assert numpy.array_equal(made.parts[row, 0, top : top + 28, left : left + 28], DIGITS[row % 40])
    assert len(places) > 30 and max(map(max, places)) == 8 and min(map(min, places)) == 0
    assert (marks(made.classes).sum(1) == 2).all()


def test_one_seed_gives_the_same_images_whatever_their_number():
    some, more = (overlay(DIGITS, CLASSES, count, seed=1) for count in (10, 30))
    other = overlay(DIGITS, CLASSES, 10, seed=2)
    assert numpy.array_equal(some.images, more.images[:10]) and not numpy.array_equal(
        some.images, other.images
    )
    still = overlay(DIGITS, CLASSES, 5, seed=1, shift=0)
    assert numpy.array_equal(still.parts[:, 0, 4:32, 4:32], DIGITS[:5])
    with pytest.raises(OptionError, match="overlay"):
        overlay(DIGITS, CLASSES, 5, seed=0, shift=5)


def test_the_data_set_is_made_of_mnist(shared_data):
    folder = shared_data("mnist")
    data = load("multi-mnist", count=200, test_count=50, validation=0.2)
    assert [len(part) for part in data.splits.values()] == [160, 40, 50]
    assert data.targets.several and data.inputs.height == 36
    truth = overlaid(folder, "test", 50)
    assert numpy.array_equal(data.test.targets.numpy(), marks(truth.classes))
    assert numpy.array_equal(data.test.batch["inputs"][:, 0].numpy(), truth.images)
    with pytest.raises(OptionError, match="validates"):
        load("multi-mnist", validation=1.0)


def test_each_digit_by_itself_lies_in_the_order_of_the_labels(shared_data):
    truth = overlaid(shared_data("mnist"), "test", 40)
    data = load("multi-mnist", count=200, test_count=40, validation=0.2)
    batch = data.test.take(slice(None))
    rows, kinds = batch["targets"].nonzero(as_tuple=True)
    for row, kind, part in zip(rows.tolist(), kinds.tolist(), batch["parts"].flatten(0, 1), strict=True):
        number = truth.classes[row].tolist().index(kind)
        assert numpy.array_equal(part[0].numpy(), truth.parts[row, number])
    assert "parts" not in load("multi-mnist", count=200, test_count=40, parts=False).test.batch
