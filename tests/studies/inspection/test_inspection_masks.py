"""Planted faults of masks: each is found with its numbers, and masks without any give no warning."""

from __future__ import annotations

import numpy
import pytest
from inspection_helpers import kinds
from PIL import Image as Pillow

import neurarium as nr
from neurarium.core.errors import DataError, OptionError
from neurarium.studies.inspection.result import Inspection

SIDE = 40


def scene(seed: int, side: int = SIDE) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return a picture and its mask: ground 0, a lake 1, a wood 2."""
    chance = numpy.random.default_rng(seed)
    mask = numpy.zeros((side, side), numpy.uint8)
    top, left = seed % 20, seed // 20  # no two are equal
    mask[top : top + 16, left : left + 10] = 1
    mask[top : top + 8, left + 10 : left + 18] = 2
    noise = chance.integers(0, 60, (side // 4, side // 4)).repeat(4, 0).repeat(4, 1)
    return (60 * mask + noise).astype(numpy.uint8), mask


def save(folder, name: str, picture: numpy.ndarray, mask: numpy.ndarray | None) -> None:
    for kind, pixels in (("images", picture), ("masks", mask)):
        if pixels is not None:
            path = folder / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Pillow.fromarray(pixels).save(path)


@pytest.fixture
def maps(tmp_path):
    """Write 30 training and 10 test images with masks, none of them faulty."""
    for number in range(40):
        save(tmp_path, f"{'train' if number < 30 else 'test'}/{number:02d}.png", *scene(number))
    return tmp_path


def check(folder, **options) -> Inspection:
    given = {"masks": str(folder / "masks"), "validation": 0.2, "timing": False, **options}
    return nr.studies.check_data(folder / "images", **given)


def test_masks_without_faults_give_no_warning_and_their_pixels_are_counted(maps):
    found = check(maps)
    assert kinds(found) == []
    assert (found.kind, found.facts["splits"]) == ("images", {"train": 24, "validation": 6, "test": 10})
    pixels = found.facts["target"]["classes"]["test"]
    assert pixels == {"0": 10 * (SIDE**2 - 224), "1": 1600, "2": 640}
    assert found.facts["masks"] == {
        "looked_at": 40, "images": 40, "values": 3, "ignored": 0, "empty": 0,
    }  # fmt: skip


def test_missing_and_spare_masks(maps):
    (maps / "masks" / "train" / "03.png").unlink()
    save(maps, "train/99.png", numpy.zeros((8, 8), numpy.uint8), scene(99)[1])
    (maps / "images" / "train" / "99.png").unlink()
    found = check(maps)
    assert found.of("missing masks")[0].numbers == {"images": 1, "of": 40}
    assert found.of("missing masks")[0].where == ("train/03.png",)
    assert found.of("masks without images")[0].where == ("train/99.png",)
    assert (
        "have no mask" in found.of("training", "the images")[0].seen
    )  # training refuses, the others are looked at


def test_masks_of_another_size_and_turned_ones(maps):
    save(maps, "train/04.png", scene(4)[0], scene(4, 80)[1])
    found = check(maps).of("mask sizes")[0]
    assert (found.severity, found.numbers, found.where) == (
        "error",
        {"masks": 1, "turned": 0},
        ("train/04.png",),
    )
    assert "80 x 80, its image 40 x 40" in found.seen
    picture, mask = scene(4, 80)
    save(maps, "train/04.png", picture[:40], mask[:40].T)
    assert check(maps).of("mask sizes")[0].numbers == {"masks": 1, "turned": 1}


def test_values_that_training_does_not_have(maps):
    picture, mask = scene(33)
    mask[:2] = 7
    save(maps, "test/33.png", picture, mask)
    found = check(maps).of("unknown values")[0]
    assert (found.severity, found.numbers, found.where) == (
        "error",
        {"masks": 1, "values": 1},
        ("test/33.png",),
    )
    assert "--set ignored=7" in found.action


def test_a_slip_of_the_brush_is_told_from_a_rare_class(maps):
    picture, mask = scene(5)
    mask[0, 0] = 3
    save(maps, "train/05.png", picture, mask)
    found = check(maps, validation=0.0)
    assert found.of("stray values", "class 3")[0].numbers == {"value": 3, "pixels": 1, "masks": 1}
    assert [each.subject for each in found.of("stray values")] == ["class 3"]
    assert not found.of("rare classes") and not found.of("imbalance")  # one fault is said once
    mask[:8, :8] = 3
    save(maps, "train/05.png", picture, mask)
    found = check(maps, validation=0.0)
    assert not found.of("stray values")
    assert found.of("rare classes")[0].numbers == {"classes": 1, "fewest": 1}
    assert not check(maps, options={"ignored": (3,)}).of("stray values")


def test_smeared_masks_are_shades(maps):
    chance = numpy.random.default_rng(0)
    for number in (6, 7):
        save(
            maps,
            f"train/{number:02d}.png",
            scene(number)[0],
            chance.integers(0, 256, (SIDE, SIDE), numpy.uint8),
        )
    found = check(maps)
    assert found.of("shades")[0].numbers["values"] == 256
    assert set(found.of("shades")[0].where[:2]) == {"train/06.png", "train/07.png"}
    assert not found.of("stray values")


def test_empty_and_ignored_masks(maps):
    for number in range(16):
        save(maps, f"train/{number:02d}.png", scene(number)[0], numpy.zeros((SIDE, SIDE), numpy.uint8))
    each = check(maps).of("empty masks")[0]
    assert (each.severity, each.numbers) == ("note", {"masks": 16, "of": 40})
    for number in range(16, 22):
        save(maps, f"train/{number:02d}.png", scene(number)[0], numpy.zeros((SIDE, SIDE), numpy.uint8))
    assert check(maps).of("empty masks")[0].severity == "warning"
    save(maps, "train/22.png", scene(22)[0], numpy.full((SIDE, SIDE), 255, numpy.uint8))
    found = check(maps)
    assert found.of("ignored masks")[0].where == ("train/22.png",)
    assert found.facts["masks"]["ignored"] == SIDE**2


def test_one_mask_under_two_names(maps):
    save(maps, "train/08.png", scene(8)[0], scene(9)[1])
    found = check(maps).of("equal masks")[0]
    assert found.numbers == {"masks": 2, "groups": 1}
    assert set(found.where) == {"train/08.png", "train/09.png"}


def test_the_same_image_in_training_and_test(maps):
    save(maps, "test/90.png", *scene(2))
    found = check(maps, validation=0.0)
    assert found.of("duplicates across splits")[0].numbers["images"] == 1
    assert not found.of("equal masks")  # the image is the same: so may be its mask


def test_a_class_of_few_pixels(maps):
    for number in range(40):
        picture, mask = scene(number)
        mask[mask == 2] = 0
        mask[0, 0] = 2
        save(maps, f"{'train' if number < 30 else 'test'}/{number:02d}.png", picture, mask)
    found = check(maps).of("imbalance")[0]
    assert (found.severity, found.numbers["smallest"]) == ("warning", 24)


def test_broken_masks(maps):
    (maps / "masks" / "train" / "10.png").write_bytes(b"none")
    found = check(maps).of("broken masks")[0]
    assert (found.severity, found.where) == ("error", ("train/10.png",))


def test_a_dataset_that_was_read_is_checked_as_its_folder(maps):
    data = nr.data.masks(maps / "images", masks=maps / "masks", validation=0.2)
    found = nr.studies.check_data(data, timing=False)
    assert found.facts == check(maps).facts


def test_mistakes_of_the_command_are_no_findings(maps):
    with pytest.raises(DataError, match="nowhere"):
        nr.studies.check_data(maps / "images", masks=str(maps / "nowhere"), timing=False)
    with pytest.raises(OptionError):
        check(maps, target="x")
