"""Images as they are: odd files by written rules, tables of paths, archives, and where pixels are kept."""

from __future__ import annotations

import os
import pickle
import tarfile
import zipfile

import numpy
import pytest
import torch
from PIL import Image as Pillow

import neurarium as nr
from neurarium.core.errors import DataError, OptionError
from neurarium.data.preparation.loading import load_preparation
from neurarium.data.readers import pixels as storage
from neurarium.data.readers.pictures import Rules, decode, files, usual_levels
from neurarium.data.sources import Minibatches
from neurarium.data.specs import Image

RNG = numpy.random.default_rng(0)


def paint(folder, classes=("cat", "dog"), count=12, size=(10, 12), suffix="png"):
    for code, name in enumerate(classes):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = RNG.integers(100 * code, 100 * code + 50, (*size, 3), dtype=numpy.uint8)
            Pillow.fromarray(pixels).save(folder / name / f"{number:03}.{suffix}")
    return folder


def decided(dataset):
    return {each.subject: each for each in dataset.decisions}


def listed(folder, *, suffix=True, absent=0, ages=False):
    """A flat folder of images and a table of their names."""
    paint(folder / "all", count=12)
    (folder / "flat").mkdir()
    lines = ["path,label,age"]
    for name in ("cat", "dog"):
        for path in sorted((folder / "all" / name).iterdir()):
            path.rename(folder / "flat" / f"{name}{path.name}")
            shown = f"{name}{path.name}" if suffix else f"{name}{path.stem}"
            lines.append(f"{shown},{name},{RNG.normal():.3f}" if ages else f"{shown},{name},1")
    lines += [f"none{number}.png,cat,1" for number in range(absent)]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder / "labels.csv"


# ------------------------------------------------------------------------------------------------ rules


def saved(path, image, **options):
    image.save(path, **options)
    return path


@pytest.mark.parametrize(
    ("name", "make", "expected"),
    [
        ("one.png", lambda: Pillow.fromarray(numpy.array([[0, 255]], dtype=numpy.uint8)).convert("1"), [[0, 255]] * 3),
        ("grey.png", lambda: Pillow.new("L", (2, 1), 7), [[7, 7]] * 3),
        ("clear.png", lambda: Pillow.new("RGBA", (2, 1), (0, 100, 200, 51)), [[204, 204], [224, 224], [244, 244]]),
        ("greyclear.png", lambda: Pillow.new("LA", (2, 1), (0, 0)), [[255, 255]] * 3),
        ("palette.gif", lambda: Pillow.new("RGB", (2, 1), (9, 8, 7)).quantize(2), [[9, 9], [8, 8], [7, 7]]),
        ("print.tif", lambda: Pillow.new("CMYK", (2, 1), (0, 255, 0, 0)), [[255, 255], [0, 0], [255, 255]]),
        ("deep.png", lambda: Pillow.fromarray(numpy.array([[256, 65535]], dtype=numpy.uint16)), [[1, 255]] * 3),
        ("float.tif", lambda: Pillow.fromarray(numpy.array([[0.2, 1.0]], dtype=numpy.float32)), [[51, 255]] * 3),
        ("nan.tif", lambda: Pillow.fromarray(numpy.array([[numpy.nan, 1.0]], dtype=numpy.float32)), [[0, 255]] * 3),
        ("negative.tif", lambda: Pillow.fromarray(numpy.array([[-5.0, 5.0]], dtype=numpy.float32)), [[0, 255]] * 3),
    ],
)  # fmt: skip
def test_odd_images_become_these_pixels(tmp_path, name, make, expected):
    assert decode(saved(tmp_path / name, make()), 3, None)[:, 0].tolist() == expected


def test_cmyk_jpegs_as_cameras_and_printers_write_them(tmp_path):
    path = saved(tmp_path / "a.jpg", Pillow.new("CMYK", (16, 16), (255, 0, 0, 0)), quality=100)
    assert decode(path, 3, None)[:, 3, 3].tolist() == pytest.approx([0, 255, 255], abs=3)


def test_the_first_picture_of_an_animation_and_the_background_asked_for(tmp_path):
    pictures = [Pillow.new("RGB", (2, 2), color) for color in ("red", "blue")]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:])
    assert decode(tmp_path / "a.gif", 3, None)[:, 0, 0].tolist() == [255, 0, 0]
    clear = saved(tmp_path / "b.png", Pillow.new("RGBA", (2, 2), (0, 0, 0, 0)))
    found = {
        ground: decode(clear, 1, None, Rules(background=ground)).max()
        for ground in ("white", "grey", "black")
    }
    assert found == {"white": 255, "grey": 128, "black": 0}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_a_camera(tmp_path, orientation):
    upright = RNG.integers(0, 256, (3, 5), dtype=numpy.uint8)
    stored = {1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.T,
              6: upright.T[::-1], 7: upright.T[::-1, ::-1], 8: upright.T[:, ::-1]}[orientation]  # fmt: skip
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", Pillow.fromarray(numpy.ascontiguousarray(stored)), exif=exif)
    assert (decode(path, 1, None)[0] == upright).all()


def test_ways_to_another_shape(tmp_path):
    pixels = numpy.zeros((20, 40), dtype=numpy.uint8)
    pixels[:, 10:30] = 200
    path = saved(tmp_path / "a.png", Pillow.fromarray(pixels))
    assert (decode(path, 1, (10, 10), Rules("crop")) == 200).all()
    boxed = decode(path, 1, (20, 20), Rules("letterbox", "black"))[0]
    assert (boxed[:5] == 0).all() and (boxed[15:] == 0).all() and (boxed[6:14, 7:13] == 200).all()
    squeezed = decode(path, 1, (20, 20), Rules("stretch"))[0]
    assert (squeezed[:, 7:13] == 200).all() and (squeezed[:, :4] == 0).all()


def test_deep_images_share_one_range_of_values(tmp_path):
    """Twelve bits in sixteen: all images are stretched by the same range, so that a dark one stays dark."""
    for code, name in enumerate(("dark", "light")):
        (tmp_path / "x" / name).mkdir(parents=True)
        for number in range(12):
            values = RNG.integers(1000 * code, 1000 * code + 3000, (6, 6)).astype(numpy.uint16)
            Pillow.fromarray(values).save(tmp_path / "x" / name / f"{number}.png")
    dataset = nr.data.images(tmp_path / "x")
    assert dataset.preparation.rules.levels == (0.0, 4095.0)
    assert "4095 becomes 255" in decided(dataset)["levels"].choice
    path = tmp_path / "x" / "dark" / "3.png"
    expected = (numpy.asarray(Pillow.open(path)) * (255 / 4095)).round()
    raw = (
        dataset.preparation.apply(path)[0]["inputs"] * dataset.preparation.scale[0]
        + dataset.preparation.mean[0]
    )
    assert raw[0, 0].numpy() == pytest.approx(expected, abs=1e-2)
    assert nr.data.images(tmp_path / "x", levels=(0, 65535)).train.batch["inputs"].max() < 20
    assert usual_levels(0, 255, True) == (0.0, 255.0) and usual_levels(0, 70000, True) == (0.0, 70000.0)


def test_a_bomb_a_loop_and_an_empty_file_are_named(tmp_path, monkeypatch):
    paint(tmp_path / "pets")
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 1000)
    Pillow.new("L", (100, 100)).save(tmp_path / "pets" / "cat" / "huge.png")
    (tmp_path / "pets" / "cat" / "empty.jpg").touch()
    (tmp_path / "pets" / "cat" / "self.png").symlink_to("self.png")
    (tmp_path / "pets" / "cat" / "gone.png").symlink_to("nowhere.png")
    (tmp_path / "pets" / "dog" / "up").symlink_to(tmp_path / "pets")
    (tmp_path / "pets" / "eel").mkdir()
    dataset = nr.data.images(tmp_path / "pets")
    reasons = {each["file"].rpartition("/")[2]: each["reason"] for each in dataset.summary["quarantined"]}
    assert "decompression bomb" in reasons["huge.png"] and reasons["empty.jpg"] == "the file is empty"
    assert "symbolic links" in reasons["self.png"] and "not there" in reasons["gone.png"]
    assert sum(dataset.summary["splits"].values()) == 24
    assert (
        decided(dataset)["quarantine"].choice == "4 files"
        and "eel" in decided(dataset)["empty classes"].choice
    )


def test_linked_folders_are_read_once(tmp_path):
    paint(tmp_path / "real")
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "cat").symlink_to(tmp_path / "real" / "cat")
    (tmp_path / "pets" / "deep").mkdir()
    (tmp_path / "pets" / "deep" / "more").symlink_to(tmp_path / "real" / "dog")
    (tmp_path / "pets" / "deep" / "again").symlink_to(tmp_path / "real" / "dog")
    assert len(files(tmp_path / "pets" / "cat")) == 12 and len(files(tmp_path / "pets" / "deep")) == 12


def test_more_broken_than_whole_is_an_error_with_the_first_names(tmp_path):
    paint(tmp_path, count=4)
    for number in range(9):
        (tmp_path / "cat" / f"bad{number}.jpg").write_bytes(b"\xff\xd8\xff nonsense")
    (tmp_path / "cat" / "notes.txt").write_text("does not count")
    with pytest.raises(DataError, match=r"9 of 17(.|\n)*bad0.jpg.*and 6 more"):
        nr.data.images(tmp_path)


def test_wrapping_folders_are_passed_through_and_nested_ones_belong_to_their_class(tmp_path):
    paint(tmp_path / "download" / "pets")
    deep = tmp_path / "download" / "pets" / "cat" / "2019" / "june"
    deep.mkdir(parents=True)
    Pillow.new("RGB", (12, 10)).save(deep / "x.png")
    dataset = nr.data.images(tmp_path / "download")
    assert dataset.targets.names == ("cat", "dog") and dataset.summary["classes"]["cat"] == 13


def test_many_files_are_looked_at_in_part(tmp_path, monkeypatch):
    monkeypatch.setattr("neurarium.data.readers.folders.LOOKED_AT", 6)
    paint(tmp_path)
    (tmp_path / "cat" / "0015.png").write_bytes(b"no image")
    (tmp_path / "dog" / "readme").write_text("odd suffixes are looked at")
    dataset = nr.data.images(tmp_path)
    names = {each["file"].rpartition("/")[2] for each in dataset.summary["quarantined"]}
    assert names == {"0015.png", "readme"} and sum(dataset.summary["splits"].values()) == 24


# ------------------------------------------------------------------------------------------------ tables, archives


def test_a_table_of_paths_and_labels(tmp_path):
    path = listed(tmp_path, absent=2)
    dataset = nr.data.images(path, image="path", target="label", folder=tmp_path / "flat")
    assert dataset.inputs == Image(3, 10, 12) and dataset.targets.names == ("cat", "dog")
    raw = dataset.train.batch["inputs"].float().mean(dim=(1, 2, 3))
    assert ((raw > 75) == dataset.train.targets.bool()).all()
    assert [each["reason"] for each in dataset.summary["quarantined"]] == ["there is no such file"] * 2
    dataset.preparation.save(tmp_path / "saved")
    (tmp_path / "flat" / "new.csv").write_text("path,label\ndog003.png,dog\ncat001.png,cat\n")
    batch, notes = load_preparation(tmp_path / "saved").apply(tmp_path / "flat" / "new.csv")
    assert batch["targets"].tolist() == [1, 0] and notes["rows"] == 2
    assert torch.equal(
        batch["inputs"][:1], dataset.preparation.apply(tmp_path / "flat" / "dog003.png")[0]["inputs"]
    )


def test_a_table_of_names_without_suffix_and_of_quantities(tmp_path):
    dataset = nr.data.images(
        listed(tmp_path, suffix=False, ages=True), image="path", target="age", folder=tmp_path / "flat"
    )
    assert dataset.targets.kind == "regression" and sum(dataset.summary["splits"].values()) == 24
    assert dataset.train.targets.mean().item() == pytest.approx(0, abs=1e-5)


def test_absent_images_of_a_table_say_how_many_and_where_they_may_be(tmp_path):
    path = listed(tmp_path)
    with pytest.raises(DataError, match=r"24 of the 24(.|\n)*cat000.png, cat001.png(.|\n)*--folder .*flat"):
        nr.data.images(path, image="path", target="label")
    with pytest.raises(DataError, match="did you mean 'label'"):
        nr.data.images(path, image="path", target="lable", folder=tmp_path / "flat")
    for wrong in ({"image": "path"}, {"target": "label"}, {"folder": tmp_path}):
        with pytest.raises((OptionError, DataError)):
            nr.data.images(path, **wrong)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_archives_of_images_and_what_they_must_not_do(tmp_path, kind):
    paint(tmp_path / "pets")
    path = tmp_path / f"pets.{kind}"
    (tmp_path / "evil.png").write_bytes((tmp_path / "pets" / "cat" / "000.png").read_bytes())
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for each in sorted((tmp_path / "pets").rglob("*.png")):
                archive.write(each, each.relative_to(tmp_path))
            archive.write(tmp_path / "evil.png", "../evil-out.png")
    else:
        with tarfile.open(path, "w:gz") as packed:
            packed.add(tmp_path / "pets", "pets")
            packed.add(tmp_path / "evil.png", "../evil-out.png")
    assert nr.studies.read_data(path).summary["splits"] == nr.data.images(tmp_path / "pets").summary["splits"]
    assert not list(tmp_path.parent.rglob("evil-out.png"))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError):
        nr.studies.read_data(path)


# ------------------------------------------------------------------------------------------------ where pixels are kept


def test_memory_disk_and_files_give_the_same_bits(tmp_path):
    paint(tmp_path / "train", count=14, size=(20, 16))
    paint(tmp_path / "test", count=3)
    (tmp_path / "train" / "cat" / "cut.png").write_bytes(
        (tmp_path / "train" / "cat" / "001.png").read_bytes()[:300]
    )
    kept = {where: nr.data.images(tmp_path, seed=1, storage=where) for where in ("memory", "disk", "files")}
    held = kept["memory"]
    assert held.train.in_memory and not kept["disk"].train.in_memory and len(held.train) == 24
    for where in ("disk", "files"):
        dataset = kept[where]
        assert (dataset.preparation.mean == held.preparation.mean).all()
        assert dataset.summary["quarantined"] == held.summary["quarantined"]
        for name, split in dataset.splits.items():
            for batch, expected in zip(
                Minibatches(split, 5, seed=2), Minibatches(held.splits[name], 5, seed=2), strict=True
            ):
                assert torch.equal(batch["inputs"], expected["inputs"])
                assert torch.equal(batch["targets"], expected["targets"])
        some = dataset.train.subset([3, 1])
        assert torch.equal(some.take([1, 0])["inputs"], held.train.take([1, 3])["inputs"])
        again = pickle.loads(pickle.dumps(dataset.train))
        assert torch.equal(again.take([2])["inputs"], held.train.take([2])["inputs"])


@pytest.mark.slow  # processes take seconds to start
def test_worker_processes_read_the_same(tmp_path):
    paint(tmp_path)
    augment = nr.data.augmentation.Pipeline([nr.data.augmentation.Crop(2)], nr.data.images(tmp_path))
    for where in ("disk", "files"):
        train = nr.data.images(tmp_path, storage=where).train
        alone = Minibatches(train, 5, seed=2, augment=augment)
        helped = Minibatches(train, 5, seed=2, augment=augment, workers=1)
        for _ in range(2):
            for batch, expected in zip(helped, alone, strict=True):
                assert torch.equal(batch["inputs"], expected["inputs"])


def test_the_cache_on_disk_is_used_again_until_a_file_changes(tmp_path, monkeypatch):
    paint(tmp_path / "pets")
    calls = []
    whole = storage.fill
    monkeypatch.setattr(storage, "fill", lambda *given: calls.append(1) or whole(*given))
    first = nr.data.images(tmp_path / "pets", storage="disk")
    assert torch.equal(
        nr.data.images(tmp_path / "pets", storage="disk").train.take([0])["inputs"],
        first.train.take([0])["inputs"],
    )
    assert len(calls) == 1
    nr.data.images(tmp_path / "pets", storage="disk", size=8)
    assert len(calls) == 2  # another size
    os.utime(tmp_path / "pets" / "cat" / "000.png", (1, 1))
    changed = nr.data.images(tmp_path / "pets", storage="disk")
    assert len(calls) == 3
    changed.train.path.write_bytes(b"damaged")
    assert (
        len(nr.data.images(tmp_path / "pets", storage="disk").train) == len(first.train) and len(calls) == 4
    )


def test_the_place_of_the_pixels_goes_by_what_is_free(monkeypatch):
    monkeypatch.setattr(storage, "free_memory", lambda: 400)
    monkeypatch.setattr(storage, "free_disk", lambda: 1000)
    found = [storage.choose_storage(need, "auto", None)[0] for need in (100, 101, 500, 501)]
    assert found == ["memory", "disk", "disk", "files"]
    assert (
        storage.choose_storage(101, "auto", 101)[0] == "memory"
        and storage.choose_storage(1, "files", None)[0] == "files"
    )
