"""Folders of images, idx and npz files as datasets."""

from __future__ import annotations

import gzip
import pickle
import struct

import numpy
import pytest
import torch
from PIL import Image as Pillow

import neurarium as nr
from neurarium.core.errors import DataError, OptionError
from neurarium.data.preparation.loading import load_preparation
from neurarium.data.specs import Array, Image, Quantity

RNG = numpy.random.default_rng(0)


def paint(folder, classes=("cat", "dog"), count=20, size=(10, 12), mode="RGB", suffix="png"):
    for code, name in enumerate(classes):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = RNG.integers(100 * code, 100 * code + 50, (*size, 3), dtype=numpy.uint8)
            Pillow.fromarray(pixels).convert(mode).save(folder / name / f"{number:03}.{suffix}")
    return folder


def decided(dataset) -> dict[str, object]:
    return {decision.subject: decision.choice for decision in dataset.decisions}


def test_a_folder_per_class(tmp_path):
    dataset = nr.data.images(paint(tmp_path / "pets"))
    assert dataset.inputs == Image(3, 10, 12)
    assert dataset.targets.names == ("cat", "dog")
    assert dataset.summary["splits"] == {"train": 28, "validation": 6, "test": 6}
    assert torch.bincount(dataset.test.targets).tolist() == [3, 3]
    raw = dataset.train.batch["inputs"]
    assert raw.dtype == torch.uint8
    assert ((raw.float().mean(dim=(1, 2, 3)) > 75) == dataset.train.targets.bool()).all()
    inputs = dataset.train.inputs
    assert inputs.mean(dim=(0, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert inputs.std(dim=(0, 2, 3), correction=0).tolist() == pytest.approx([1, 1, 1], abs=1e-5)
    assert dataset.name == "pets"


def test_the_folder_of_a_split_is_that_split(tmp_path):
    for name, count in (("train", 10), ("val", 4), ("test", 3)):
        paint(tmp_path / name, count=count)
    assert nr.data.images(tmp_path).summary["splits"] == {"train": 20, "validation": 8, "test": 6}
    assert nr.data.images(tmp_path / "train", test=tmp_path / "test", validation=0.2).summary["splits"] == {
        "train": 16, "validation": 4, "test": 6,
    }  # fmt: skip


def test_grey_images_have_one_channel_unless_wanted_otherwise(tmp_path):
    paint(tmp_path, mode="L")
    dataset = nr.data.images(tmp_path)
    assert dataset.inputs.channels == 1
    assert decided(dataset)["channels"] == 1
    assert nr.data.images(tmp_path, channels=3).inputs.channels == 3


def test_different_sizes_are_cut_to_a_square(tmp_path):
    paint(tmp_path, count=8, size=(20, 30))
    paint(tmp_path, classes=("cat", "eel"), count=8, size=(44, 36))
    dataset = nr.data.images(tmp_path)
    assert (dataset.inputs.height, dataset.inputs.width) == (36, 36)
    assert decided(dataset)["size"] == "36 x 36"
    assert nr.data.images(tmp_path, size=16).inputs == Image(3, 16, 16)
    assert nr.data.images(tmp_path, size=(16, 24)).inputs == Image(3, 16, 24)


def test_broken_files_are_quarantined_by_name_and_reason(tmp_path):
    paint(tmp_path, size=(64, 64), suffix="jpg")
    (tmp_path / "cat" / "readme.txt").write_text("these are cats")
    (tmp_path / "dog" / "empty.png").touch()
    whole = (tmp_path / "dog" / "007.jpg").read_bytes()
    (tmp_path / "dog" / "007.jpg").write_bytes(whole[: len(whole) // 2])
    dataset = nr.data.images(tmp_path)
    reasons = {each["file"].rpartition("/")[2]: each["reason"] for each in dataset.summary["quarantined"]}
    assert set(reasons) == {"readme.txt", "empty.png", "007.jpg"}
    assert reasons["readme.txt"] == "not an image"
    assert "truncated" in reasons["007.jpg"]
    assert sum(dataset.summary["splits"].values()) == 39
    assert decided(dataset)["quarantine"] == "3 files"
    for split, examples in dataset.splits.items():  # the worst errors of a report name their files
        named = [dataset.files[split](place) for place in range(len(examples))]
        assert len(set(named)) == len(named) and not any(name.endswith("dog/007.jpg") for name in named)
        assert [name.split("/")[-2] for name in named] == [dataset.targets.names[c] for c in examples.targets]
        for place, name in enumerate(named[:3]):
            pixels = numpy.asarray(Pillow.open(tmp_path.parent / name))
            assert numpy.array_equal(examples.batch["inputs"][place].permute(1, 2, 0).numpy(), pixels)


def test_images_that_do_not_fit_into_memory_are_decoded_on_demand(tmp_path):
    paint(tmp_path / "train", count=12)
    paint(tmp_path / "test", count=3)
    (tmp_path / "train" / "cat" / "broken.png").write_bytes(b"broken")
    held = nr.data.images(tmp_path, seed=1)
    asked = nr.data.images(tmp_path, seed=1, storage="files")
    assert held.train.in_memory
    assert not asked.train.in_memory
    assert decided(asked)["storage"] == "decoded on demand"
    for name, split in asked.splits.items():
        assert torch.equal(split.targets, held.splits[name].targets)
        assert split.take([2, 0])["inputs"].numpy() == pytest.approx(
            held.splits[name].take([2, 0])["inputs"].numpy(), abs=1e-5
        )
    assert asked.preparation.mean == pytest.approx(held.preparation.mean)
    assert asked.summary["quarantined"] == held.summary["quarantined"]
    workers = pickle.loads(pickle.dumps(asked.train.read))
    assert torch.equal(workers(0)["inputs"], asked.train.read(0)["inputs"])


def write_idx(path, array, *, packed):
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(head + array.tobytes()) if packed else head + array.tobytes())


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_as_mnist_has_them(tmp_path, packed):
    suffix = ".gz" if packed else ""
    for split, count in (("train", 40), ("t10k", 10)):
        pixels = RNG.integers(0, 256, (count, 5, 6), dtype=numpy.uint8)
        write_idx(tmp_path / f"{split}-images-idx3-ubyte{suffix}", pixels, packed=packed)
        write_idx(
            tmp_path / f"{split}-labels-idx1-ubyte{suffix}",
            (numpy.arange(count) % 4).astype("u1"),
            packed=packed,
        )
    dataset = nr.data.images(tmp_path, classes=("a", "b", "c", "d"))
    assert dataset.inputs == Image(1, 5, 6)
    assert dataset.targets.names == ("a", "b", "c", "d")
    assert dataset.summary["splits"] == {"train": 34, "validation": 6, "test": 10}
    assert (dataset.test.batch["inputs"][:, 0].numpy() == pixels).all()


def test_npz_files(tmp_path):
    pixels = RNG.integers(0, 256, (40, 5, 6, 3), dtype=numpy.uint8)
    numpy.savez(tmp_path / "pets.npz", images=pixels, labels=numpy.arange(40) % 2)
    dataset = nr.data.images(tmp_path / "pets.npz")
    assert dataset.inputs == Image(3, 5, 6)
    assert dataset.summary["splits"] == {"train": 28, "validation": 6, "test": 6}
    assert dataset.name == "pets"


def test_the_saved_preparation_reads_files_folders_and_arrays(tmp_path):
    dataset = nr.data.images(paint(tmp_path / "pets"))
    dataset.preparation.save(tmp_path / "saved")
    preparation = load_preparation(tmp_path / "saved")
    assert preparation.inputs == dataset.inputs
    assert preparation.target.spec == dataset.targets
    path = tmp_path / "pets" / "dog" / "003.png"
    one, notes = preparation.apply(path)
    assert notes == {"rows": 1, "files": [str(path)], "quarantined": []}
    (tmp_path / "pets" / "dog" / "broken.png").write_bytes(b"x")
    whole, notes = preparation.apply(tmp_path / "pets")
    assert whole["inputs"].shape == (40, 3, 10, 12)
    assert whole["targets"].tolist() == [0] * 20 + [1] * 20
    assert [each["reason"] for each in notes["quarantined"]] == ["not an image, or a damaged one"]
    assert torch.equal(whole["inputs"][23], one["inputs"][0])
    array, _ = preparation.apply(numpy.asarray(Pillow.open(path)))
    listed, _ = preparation.apply([path])
    assert torch.equal(array["inputs"], one["inputs"])
    assert torch.equal(listed["inputs"], one["inputs"])
    row = numpy.flatnonzero(dataset.rows["train"] == 23)
    if len(row):
        assert torch.equal(dataset.train.take(row)["inputs"], one["inputs"])


def test_new_images_of_another_size_are_cut_and_arrays_refused(tmp_path):
    dataset = nr.data.images(paint(tmp_path / "pets"))
    paint(tmp_path / "new", size=(40, 80), count=1)
    assert dataset.preparation.apply(tmp_path / "new")[0]["inputs"].shape == (2, 3, 10, 12)
    with pytest.raises(DataError, match="another shape"):
        dataset.preparation.apply(RNG.random((2, 3, 9, 9)))
    (tmp_path / "note.txt").write_text("x")
    with pytest.raises(DataError, match="no readable image"):
        dataset.preparation.apply(tmp_path / "note.txt")


def test_idx_and_npz_files_are_predicted_too(tmp_path):
    pixels = RNG.integers(0, 256, (12, 5, 6), dtype=numpy.uint8)
    dataset = nr.data.arrays(pixels, numpy.arange(12) % 2)
    expected, _ = dataset.preparation.apply(pixels)
    write_idx(tmp_path / "new-images-idx3-ubyte.gz", pixels, packed=True)
    numpy.savez(tmp_path / "new.npz", labels=numpy.zeros(12), images=pixels)
    numpy.save(tmp_path / "new.npy", pixels)
    for name in ("new-images-idx3-ubyte.gz", "new.npz", "new.npy"):
        assert torch.equal(dataset.preparation.apply(tmp_path / name)[0]["inputs"], expected["inputs"])


def test_volumes_without_channels_are_standardized_as_a_whole(tmp_path):
    volumes = 5 + 3 * RNG.random((40, 6, 7, 8))
    volumes[:, 0] = 9.0  # a constant place tells nothing of its neighbours' scale
    numpy.savez(tmp_path / "scans.npz", x=volumes, y=numpy.arange(40) % 2)
    dataset = nr.data.images(tmp_path / "scans.npz")
    assert dataset.inputs == Array((1, 6, 7, 8)) and decided(dataset)["kind of inputs"] == "volume"
    train = dataset.train.batch["inputs"]
    assert float(train.mean()) == pytest.approx(0, abs=1e-5) and float(train.std()) == pytest.approx(
        1, abs=1e-3
    )
    assert float(train[:, :, 0].min()) == pytest.approx((9 - dataset.preparation.mean.item()) / dataset.preparation.scale.item(), rel=1e-5)  # fmt: skip
    batch, _ = dataset.preparation.apply(tmp_path / "scans.npz")
    assert batch["inputs"].shape == (40, 1, 6, 7, 8) and batch["targets"].tolist() == [0, 1] * 20
    for one in (volumes[0], volumes[:1, None], volumes[:1, ..., None]):  # however new ones stand
        assert torch.allclose(dataset.preparation.apply(one)[0]["inputs"], batch["inputs"][:1])
    asked = nr.data.images(tmp_path / "scans.npz", kind="image")
    assert asked.inputs == Image(6, 7, 8)


def test_targets_of_a_file_of_arrays(tmp_path):
    pixels = RNG.integers(0, 256, (60, 5, 6), dtype=numpy.uint8)
    numpy.savez(tmp_path / "many.npz", x=pixels, y=numpy.arange(60)[:, None] % 30)  # as MedMNIST has labels
    assert len(nr.data.images(tmp_path / "many.npz").targets.names) == 30
    numpy.savez(tmp_path / "hot.npz", x=pixels, y=numpy.eye(3)[numpy.arange(60) % 3])
    hot = nr.data.images(tmp_path / "hot.npz")
    assert hot.targets.names == ("0", "1", "2") and decided(hot)["targets"] == "classes"
    numpy.savez(tmp_path / "angles.npz", x=pixels, y=RNG.random(60))
    assert isinstance(nr.data.images(tmp_path / "angles.npz").targets, Quantity)
    named = nr.data.images(tmp_path / "hot.npz", classes=("a", "b", "c"), test=tmp_path / "hot.npz")
    assert len(named.test) == 60
    assert named.preparation.apply(tmp_path / "hot.npz")[0]["targets"].tolist() == [0, 1, 2] * 20
    _, notes = named.preparation.apply(tmp_path / "many.npz")
    assert notes["targets"] == "target 4 is missing, or of a class that training does not have: 3"
    (tmp_path / "pets").mkdir()
    with pytest.raises(OptionError, match="holds images"):
        nr.data.images(tmp_path / "pets", kind="volume")


def test_a_dataset_tells_which_file_an_example_is(tmp_path):
    folder = tmp_path / "pets"
    for number in range(20):
        for label in ("cat", "dog"):
            (folder / label).mkdir(parents=True, exist_ok=True)
            shade = numpy.full((8, 8), 10 * number + (label == "dog"), numpy.uint8)
            Pillow.fromarray(shade).save(folder / label / f"{number}.png")
    (folder / "cat" / "broken.png").write_bytes(b"none")  # files that are left out move no name
    dataset = nr.data.images(folder)
    for split, examples in dataset.splits.items():
        told = dataset.told(split)
        for place in range(len(examples)):
            shade = int(examples.batch["inputs"][place, 0, 0, 0])
            assert told(place) == f"pets/{'dog' if shade % 10 else 'cat'}/{shade // 10}.png"
    assert nr.data.load("digits").told("train")(0).startswith("row ")
