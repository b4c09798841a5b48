"""Planted faults of images: broken files, duplicates, odd modes; folders, idx, npz and arrays in memory."""

from __future__ import annotations

import numpy
import pytest
from inspection_helpers import kinds
from PIL import Image as Pillow
from PIL import ImageFilter

import neurarium as nr
from neurarium.studies.inspection.result import Inspection

CLASSES = ("cat", "dog")


def check(*source, **options) -> Inspection:
    return nr.studies.check_data(*source, timing=False, **options)


def scene(seed: int, size: tuple[int, int] = (64, 48)) -> Pillow.Image:
    """Return a picture of soft blobs: like photographs, its neighbours are alike and no other picture is."""
    chance = numpy.random.default_rng(seed)
    pixels = chance.integers(0, 256, (6, 8, 3), dtype=numpy.uint8)
    return Pillow.fromarray(pixels).resize(size, Pillow.Resampling.BICUBIC)


@pytest.fixture
def folder(tmp_path):
    """Return a folder of train and test images without faults, all different."""
    for split, count in (("train", 16), ("test", 6)):
        for number, name in enumerate(CLASSES):
            place = tmp_path / "pets" / split / name
            place.mkdir(parents=True)
            for each in range(count):
                scene(1000 * number + 100 * (split == "test") + each).save(place / f"{each:02d}.png")
    return tmp_path / "pets"


def test_a_clean_folder_gives_no_warning(folder):
    found = check(folder, validation=0.0)
    assert kinds(found) == []
    assert found.facts["splits"] == {"train": 32, "test": 12}
    assert found.facts["images"]["sizes"] == [[48, 64, 44]]
    assert found.facts["target"]["classes"]["test"] == {"cat": 6, "dog": 6}


def test_equal_files_across_splits_and_classes(folder):
    scene(0).save(folder / "test" / "cat" / "99.png")
    scene(1003).save(folder / "train" / "cat" / "98.png")
    scene(5).save(folder / "train" / "cat" / "97.png")
    found = check(folder, validation=0.0)
    across = found.of("duplicates across splits")[0]
    assert (across.severity, across.numbers["images"], across.numbers["groups"]) == ("warning", 1, 1)
    assert set(across.where) == {"train/cat/00.png", "test/cat/99.png"}
    assert found.of("duplicates across classes")[0].where == ("train/cat/98.png", "train/dog/03.png")
    assert found.of("duplicates")[0].numbers == {"repeated": 1, "groups": 1}


def test_nearly_equal_pictures_are_found_after_scaling_light_and_compression(folder):
    changed = scene(2).resize((96, 72)).point([min(255, int(level * 1.08) + 4) for level in range(256)] * 3)
    changed.save(folder / "test" / "cat" / "near.jpg", quality=70)
    scene(1004).filter(ImageFilter.GaussianBlur(0.7)).save(folder / "train" / "dog" / "soft.png")
    found = check(folder, validation=0.0)
    assert not found.of("duplicates across splits")
    assert set(found.of("near duplicates across splits")[0].where) == {
        "train/cat/02.png",
        "test/cat/near.jpg",
    }
    assert set(found.of("near duplicates")[0].where) == {"train/dog/04.png", "train/dog/soft.png"}


def test_broken_files_are_named_with_their_reasons(folder):
    whole = (folder / "train" / "cat" / "03.png").read_bytes()
    (folder / "train" / "cat" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "train" / "dog" / "none.png").write_bytes(b"")
    (folder / "test" / "dog" / "words.jpg").write_text("not found")
    each = check(folder, validation=0.0).of("broken")[0]
    assert (each.severity, each.numbers) == ("warning", {"broken": 3, "files": 47})
    assert set(each.where) == {"train/cat/cut.png", "train/dog/none.png", "test/dog/words.jpg"}
    assert "none.png (the file is empty)" in each.seen
    assert "words.jpg (not an image" in each.seen


def test_odd_modes_are_noted(folder):
    place = folder / "train" / "cat"
    scene(50).convert("RGBA").save(place / "clear.png")
    scene(51).convert("CMYK").save(place / "press.jpg")
    scene(52).convert("L").save(place / "grey.png")
    Pillow.fromarray(numpy.arange(64 * 48, dtype=numpy.uint16).reshape(48, 64) * 20).save(place / "deep.png")
    scene(53).save(place / "moves.gif", save_all=True, append_images=[scene(54)])
    turned = Pillow.Exif()
    turned[0x0112] = 6
    scene(55).save(place / "turned.jpg", exif=turned)
    scene(56).save(place / "other.png", format="JPEG")
    Pillow.new("RGB", (64, 48), "red").save(place / "flat.png")
    found = check(folder, validation=0.0)
    where = {each.kind: each.where for each in found.findings}
    assert where["transparent"] == ("train/cat/clear.png",)
    assert where["CMYK"] == ("train/cat/press.jpg",)
    assert where["16-bit"] == ("train/cat/deep.png",)
    assert where["animated"] == ("train/cat/moves.gif",)
    assert where["rotated"] == ("train/cat/turned.jpg",)
    assert where["misnamed"] == ("train/cat/other.png",)
    assert where["flat"] == ("train/cat/flat.png",)
    assert "train/cat/grey.png" in where["mixed colors"]
    assert found.facts["images"]["modes"]["CMYK"] == 1
    assert [48, 64, 44 + 7] in found.facts["images"]["sizes"]  # the turned one stands upright
    assert [64, 48, 1] in found.facts["images"]["sizes"]


def test_darker_test_images_are_drift():
    chance = numpy.random.default_rng(0)
    train, test = (chance.integers(low, low + 100, (80, 8, 8), dtype=numpy.uint8) for low in (120, 20))
    labels = numpy.arange(80) % 2
    data = nr.data.arrays(train, labels, test=(test, labels), task="classification")
    each = check(data).of("drift", "brightness")[0]
    assert each.severity == "warning"
    assert each.numbers["deviations"] < -1


def test_npz_with_equal_images_across_splits(tmp_path):
    chance = numpy.random.default_rng(0)
    train, test = (chance.integers(0, 256, (count, 8, 8), dtype=numpy.uint8) for count in (60, 20))
    test[:4] = train[:4]
    parts = {
        "x_train": train,
        "y_train": numpy.arange(60) % 3,
        "x_test": test,
        "y_test": numpy.arange(20) % 3,
    }
    numpy.savez(tmp_path / "dots.npz", **parts)
    each = check(tmp_path / "dots.npz", validation=0.0).of("duplicates across splits")[0]
    assert (each.severity, each.numbers["images"], each.numbers["measured"]) == ("error", 4, 20)
    assert set(each.where) == {f"{split} image {row}" for split in ("train", "test") for row in range(1, 5)}


def test_the_one_file_of_another_format_is_noted(folder):
    for place in range(20, 30):
        scene(place + 60).save(folder / "train" / "cat" / f"{place}.png")
    scene(70).save(folder / "train" / "cat" / "gone.gif")
    found = check(folder, validation=0.0)
    assert found.of("odd format")[0].where == ("train/cat/gone.gif",)
    assert not found.of("misnamed")


def test_imbalanced_folders(folder):
    for each in sorted((folder / "train" / "dog").iterdir())[1:]:
        each.unlink()
    found = check(folder, validation=0.0)
    assert found.of("imbalance")[0].numbers["smallest"] == 1
    assert found.of("rare classes")[0].numbers == {"classes": 1, "fewest": 1}


def test_digits_give_no_warning():
    found = check("digits")
    assert kinds(found) == []
    assert found.facts["images"]["images"] == 1797


def test_arrays_that_are_no_images_are_counted():
    chance = numpy.random.default_rng(0)
    labels = numpy.array([0] * 190 + [1] * 10)
    found = check(nr.data.arrays(chance.normal(size=(200, 5)).astype(numpy.float32), labels))
    assert found.kind == "other"
    assert found.of("imbalance")[0].severity == "warning"
