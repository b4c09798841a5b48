"""Images with masks: what is read, and what is refused by name."""

from __future__ import annotations

import numpy
import pytest
from PIL import Image as Pillow

from neurarium.core.errors import DataError
from neurarium.data import masks
from neurarium.data.preparation.loading import load_preparation


def made(folder, count=10, values=(0, 255), size=(12, 16)):
    """Images whose bright right half is of the second value."""
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for number in range(count):
        pixels = numpy.full(size, 20 + number, numpy.uint8)
        pixels[:, size[1] // 2 :] = 200
        codes = numpy.full(size, values[0], numpy.uint8)
        codes[:, size[1] // 2 :] = values[1]
        Pillow.fromarray(pixels).save(folder / "images" / f"{number}.png")
        Pillow.fromarray(codes).save(folder / "masks" / f"{number}_mask.png")
    return folder / "images", folder / "masks"


def test_values_are_classes_and_pixels_are_paired(tmp_path):
    images, folder = made(tmp_path)
    data = masks(images, masks=folder, classes=("left", "right"))
    batch = data.train[0:3]
    assert data.targets.names == ("left", "right") and data.targets.height == 12
    assert batch["targets"].shape == (3, 12, 16) and str(batch["targets"].dtype) == "torch.int64"
    assert ((batch["inputs"][:, 0] > 0) == (batch["targets"] == 1)).all()
    data.preparation.save(tmp_path / "kept")
    again = load_preparation(tmp_path / "kept")
    assert again.target == data.preparation.target and again.target.spec == data.targets


def test_palettes_and_colors_are_values_too(tmp_path):
    images, folder = made(tmp_path)
    for path in folder.iterdir():
        codes = numpy.asarray(Pillow.open(path))
        colors = numpy.where(codes[..., None] == 255, (255, 0, 0), (0, 0, 255)).astype(numpy.uint8)
        Pillow.fromarray(colors).save(path)
    data = masks(images, masks=folder)
    assert data.targets.names == ("255", "#ff0000")  # blue is 255, red 255 * 65536
    for path in folder.iterdir():
        picture = Pillow.fromarray(
            (numpy.asarray(Pillow.open(path))[..., 0] > 0).astype(numpy.uint8), mode="P"
        )
        picture.putpalette([0, 0, 0, 9, 9, 9])
        picture.save(path)
    assert masks(images, masks=folder).targets.names == ("0", "1")


def test_255_is_ignored_where_the_others_count_up(tmp_path):
    images, folder = made(tmp_path, values=(0, 1))
    first = next(iter(sorted(folder.iterdir())))
    codes = numpy.asarray(Pillow.open(first)).copy()
    codes[0] = 255
    Pillow.fromarray(codes).save(first)
    data = masks(images, masks=folder)
    assert data.targets.names == ("0", "1")
    assert any(each.subject == "ignored pixels" for each in data.decisions)
    assert masks(images, masks=folder, ignored=None).targets.names == ("0", "1", "255")


def test_images_of_other_sizes_get_a_border_that_is_ignored(tmp_path):
    images, folder = made(tmp_path, size=(12, 16))
    data = masks(images, masks=folder, size=16)
    targets = data.train[0:1]["targets"][0]
    assert (targets[:2] == 255).all() and (targets[-2:] == 255).all() and (targets[2:-2] < 2).all()


def test_what_does_not_fit_is_refused_by_name(tmp_path):
    images, folder = made(tmp_path)
    (folder / "3_mask.png").rename(tmp_path / "aside.png")
    with pytest.raises(DataError, match="1 of 10 images have no mask") as caught:
        masks(images, masks=folder)
    assert "3.png" in str(caught.value)
    Pillow.fromarray(numpy.zeros((5, 5), numpy.uint8)).save(folder / "3_mask.png")
    with pytest.raises(DataError, match=r"3_mask\.png has another size than its image 3\.png"):
        masks(images, masks=folder)
    (tmp_path / "aside.png").rename(folder / "3_mask.png")
    with pytest.raises(DataError, match="names of classes do not fit"):
        masks(images, masks=folder, classes=("one",))
    (folder / "4_mask.png").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"4_mask\.png cannot be read"):
        masks(images, masks=folder)


def test_a_value_that_training_did_not_have_is_refused_with_its_file(tmp_path):
    for split, values in (("train", (0, 255)), ("validation", (0, 255)), ("test", (0, 77))):
        images, folder = made(tmp_path / split, count=4, values=values)
        for kind, path in (("images", images), ("masks", folder)):
            (tmp_path / kind).mkdir(exist_ok=True)
            path.rename(tmp_path / kind / split)
    with pytest.raises(DataError, match="a value that no training mask has") as caught:
        masks(tmp_path / "images", masks=tmp_path / "masks")
    assert "77" in str(caught.value) and "0_mask.png" in str(caught.value)


def test_shades_of_a_photograph_are_no_classes(tmp_path):
    images, folder = made(tmp_path, count=4, size=(16, 16))
    for path in folder.iterdir():
        Pillow.fromarray(numpy.arange(256, dtype=numpy.uint8).reshape(16, 16)).save(path)
    with pytest.raises(DataError, match="more than 64 different values"):
        masks(images, masks=folder)


def test_a_class_with_hardly_a_pixel_is_told_and_can_be_ignored(tmp_path):
    images, folder = made(tmp_path, size=(60, 60))
    reason = next(each.reason for each in masks(images, masks=folder).decisions if each.subject == "classes")
    assert reason == "the different values of 10 masks: 0, 255"
    for path in folder.iterdir():
        codes = numpy.asarray(Pillow.open(path)).copy()
        codes[3, 4:6] = 255 if path.name != "0_mask.png" else 7  # two pixels of one mask of ten
        Pillow.fromarray(codes).save(path)
    rows = {"train": list(range(6)), "validation": [6, 7], "test": [8, 9]}
    data = masks(images, masks=folder, split=rows)
    reason = next(each.reason for each in data.decisions if each.subject == "classes")
    assert data.targets.names == ("0", "7", "255")
    assert reason.endswith("0, 7, 255; hardly any pixels of 7 (2): --set ignored=7 if these are slips")
    again = masks(images, masks=folder, split=rows, ignored=(7,))
    assert again.targets.names == ("0", "255")


def test_a_dataset_tells_which_file_an_example_is(tmp_path):
    images, folder = made(tmp_path)
    data = masks(images, masks=folder)
    for split, examples in data.splits.items():
        shades = examples.batch["inputs"][:, 0, 0, 0].tolist()
        assert [data.told(split)(place) for place in range(len(examples))] == [
            f"{each - 20}.png" for each in shades
        ]
