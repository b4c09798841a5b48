"""IoU and Dice against scikit-learn and torchmetrics."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from sklearn.metrics import f1_score, jaccard_score
from torchmetrics.functional.segmentation import dice_score, mean_iou

from neurarium.core.errors import OptionError, ShapeError
from neurarium.metrics import Dice, IoU


def drawn(seed, count=4, classes=3):
    source = torch.Generator().manual_seed(seed)
    scores = torch.rand(count, classes, 5, 6, generator=source)
    return scores, torch.randint(0, classes, (count, 5, 6), generator=source)


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
def test_over_pixels_they_are_scikit_learns(average):
    scores, targets = drawn(0)
    truth, chosen = targets.flatten().numpy(), scores.argmax(1).flatten().numpy()
    assert IoU(average=average).value(scores, targets) == pytest.approx(
        jaccard_score(truth, chosen, average=average)
    )
    assert Dice(average=average).value(scores, targets) == pytest.approx(
        f1_score(truth, chosen, average=average)
    )


def test_over_images_they_are_torchmetrics():
    scores, targets = drawn(1)
    chosen = scores.argmax(1)
    options = {"num_classes": 3, "input_format": "index"}
    expected = mean_iou(chosen, targets, per_class=True, **options).nanmean(0)
    found = IoU(average="each", level="images").value(scores, targets)
    numpy.testing.assert_allclose(found, expected, atol=1e-6)
    expected = dice_score(chosen, targets, average="none", **options).mean(0)
    numpy.testing.assert_allclose(
        Dice(average="each", level="images").value(scores, targets), expected, atol=1e-6
    )


def test_pixels_and_images_differ():
    targets = torch.zeros(2, 1, 4, dtype=torch.int64)
    targets[0, 0] = 1
    targets[1, 0, 0] = 1
    scores = (
        torch.nn.functional.one_hot(torch.tensor([[[1, 1, 1, 1]], [[0, 0, 0, 0]]]), 2).movedim(-1, 1).double()
    )
    # Foreground: image 0 is right (1), image 1 misses its one pixel (0); over pixels 4 of 5 are found.
    assert IoU(average="each").value(scores, targets)[1] == pytest.approx(0.8)
    assert IoU(average="each", level="images").value(scores, targets)[1] == pytest.approx(0.5)


@pytest.mark.parametrize("level", ["pixels", "images"])
def test_ignored_pixels_count_for_nothing(level):
    scores, targets = drawn(2)
    wrong = (scores.argmax(1) + 1) % 3
    ignored = torch.rand(targets.shape, generator=torch.Generator().manual_seed(3)) < 0.4
    marked = torch.where(ignored, 255, targets)
    worse = torch.where(ignored, wrong, targets)
    found = IoU(ignore=255, level=level).value(scores, marked)
    assert found != pytest.approx(IoU(level=level).value(scores, worse), abs=1e-3)
    if level == "pixels":
        chosen, truth = scores.argmax(1)[~ignored].numpy(), targets[~ignored].numpy()
        assert found == pytest.approx(jaccard_score(truth, chosen, average="macro"))


def test_masks_of_one_label_are_taken_by_their_probability():
    scores = torch.tensor([[[[0.9, 0.8, 0.2, 0.1]]]])
    targets = torch.tensor([[[[1, 0, 1, 0]]]])
    assert IoU().value(scores, targets) == pytest.approx(1 / 3)
    assert Dice().value(scores, targets) == pytest.approx(0.5)


def test_an_image_without_the_class_is_left_out_and_nothing_at_all_is_nan():
    nothing = torch.zeros(1, 1, 2, 2)
    assert math.isnan(Dice().value(nothing, nothing.long()))
    both = torch.cat([nothing, torch.ones(1, 1, 2, 2)])
    assert Dice(level="images").value(both, both.long()) == 1.0


def test_impossible_requests_are_refused():
    with pytest.raises(OptionError):
        IoU(level="voxels")
    with pytest.raises(OptionError, match="per class"):
        Dice(level="images", average="micro")
    with pytest.raises(ShapeError):
        IoU(ignore=2).value(torch.rand(1, 1, 2, 2), torch.ones(1, 1, 2, 2))
