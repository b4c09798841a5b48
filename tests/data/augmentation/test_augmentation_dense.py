"""Augmentation of dense targets: masks and boxes move with their images; what mixes classes is refused."""

from __future__ import annotations

import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.data import Dataset, Examples
from neurarium.data.augmentation import Crop, Flip, Pipeline
from neurarium.data.augmentation.chance import Chance
from neurarium.data.augmentation.choice import Mixing
from neurarium.data.specs import Boxes, Image, Mask


def square():
    """One bright square per image, as pixels, mask and box."""
    images, masks = torch.zeros(6, 1, 16, 16), torch.zeros(6, 16, 16, dtype=torch.int64)
    sides = torch.zeros(6, 2, 4)
    for number in range(6):
        images[number, 0, 2:7, number : number + 4] = 1.0
        sides[number, 0] = torch.tensor([number, 2.0, number + 4.0, 7.0])
    masks[images[:, 0] > 0] = 1
    present = torch.tensor([[True, False]] * 6)
    return images, masks, {"boxes": sides, "labels": torch.zeros(6, 2, dtype=torch.int64), "present": present}


def pipeline(targets, steps):
    images, masks, boxes = square()
    batch = {"inputs": images, "targets": masks if isinstance(targets, Mask) else boxes}
    return Pipeline(steps, Dataset("squares", Image(1, 16, 16), targets, Examples(batch))), batch


def test_masks_move_with_images_and_have_no_class_beyond_the_border():
    vary, batch = pipeline(Mask(("a", "b"), 16, 16), [Flip(), Crop(padding=4)])
    moved = vary(batch, Chance(0, 0, torch.arange(6), 0))
    assert not torch.equal(moved["inputs"], batch["inputs"])
    assert torch.equal(moved["inputs"][:, 0] > 0.5, moved["targets"] == 1)
    assert set(moved["targets"].unique().tolist()) == {0, 1, 255}


def test_boxes_move_with_images_and_are_gone_with_them():
    vary, batch = pipeline(Boxes(("a",), 16, 16, 2), [Flip(), Crop(padding=6)])
    moved = vary(batch, Chance(0, 0, torch.arange(6), 0))
    found = moved["targets"]
    for image, box, there in zip(moved["inputs"], found["boxes"][:, 0], found["present"][:, 0], strict=True):
        rows, columns = (image[0] > 0.5).any(1).nonzero(), (image[0] > 0.5).any(0).nonzero()
        if there:
            wanted = [float(each) for each in (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)]
            assert box.tolist() == pytest.approx(wanted)
        else:
            assert min(len(rows), len(columns)) <= 1
    assert found["present"].any() and not found["present"][:, 1].any()


@pytest.mark.parametrize("targets", [Mask(("a", "b"), 4, 4), Boxes(("a",), 4, 4, 1)])
def test_mixing_is_refused(targets):
    with pytest.raises(OptionError, match="mixup blends classes"):
        Mixing("mixup", targets)
