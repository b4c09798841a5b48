"""Readers of the images in the catalogue."""

from __future__ import annotations

import bz2
import io
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy
from PIL import Image as Pillow

from neurarium.core.cache import Alone, cache_folder, caching
from neurarium.core.errors import DataError
from neurarium.core.files import new_folder, write_atomically
from neurarium.data.assembly.arrays import arrays
from neurarium.data.assembly.images import images
from neurarium.data.dataset import Dataset
from neurarium.data.readers.npz import parts, read_npz

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def idx(
    *, folder: Path, classes: Sequence[str] | None = None, validation: float = 0.15, seed: int = 0
) -> Dataset:
    """MNIST and its relatives: four idx files."""
    return images(folder, classes=classes, validation=validation, seed=seed)


def usps_npz(*, folder: Path, validation: float = 0.15, seed: int = 0) -> Dataset:
    """USPS as arrays in [0, 1]."""
    pairs = parts(read_npz(folder / "usps.npz"), folder / "usps.npz")
    return _stacked(pairs["train"], pairs["test"], None, validation, seed)


def usps_libsvm(*, folder: Path, validation: float = 0.15, seed: int = 0) -> Dataset:
    """USPS in the text format of LIBSVM: pixels from -1 to 1, labels 1 to 10 for the digits 0 to 9."""
    from sklearn.datasets import load_svmlight_file

    def part(name: str) -> tuple[numpy.ndarray, numpy.ndarray]:
        text = io.BytesIO(bz2.decompress((folder / name).read_bytes()))
        pixels, labels = load_svmlight_file(text, n_features=256)
        stack = (pixels.toarray().reshape(-1, 16, 16).astype(numpy.float32) + 1) / 2
        return stack, labels.astype(numpy.int64) - 1

    return _stacked(part("usps.bz2"), part("usps.t.bz2"), None, validation, seed)


def cifar10_binary(*, folder: Path, validation: float = 0.1, seed: int = 0) -> Dataset:
    """CIFAR-10 as published: records of one label byte and 3,072 pixels."""
    with tarfile.open(folder / "cifar-10-binary.tar.gz") as packed:
        records = {}
        for member in packed.getmembers():
            stream = packed.extractfile(member) if member.name.endswith(".bin") else None
            if stream:
                records[Path(member.name).stem] = numpy.frombuffer(stream.read(), numpy.uint8).reshape(
                    -1, 3073
                )
    train = numpy.concatenate([records[f"data_batch_{number}"] for number in range(1, 6)])
    pairs = [(part[:, 1:].reshape(-1, 3, 32, 32), part[:, 0]) for part in (train, records["test_batch"])]
    return _stacked(pairs[0], pairs[1], CIFAR10, validation, seed)


def cifar10_jpeg(*, folder: Path, validation: float = 0.1, seed: int = 0) -> Dataset:
    """CIFAR-10 as recompressed JPEG; decoded once, and kept in the cache."""
    decoded = cache_folder() / "decoded" / "cifar10_jpg-fcaa07ba.npz"
    if not decoded.is_file():
        found = _decode_tar(folder / "cifar10_jpg.tar.xz")

        def write(path: Path) -> None:
            with path.open("wb") as stream:
                numpy.savez(stream, allow_pickle=False, **found)

        with caching(decoded):
            write_atomically(decoded, write)
    pairs = parts(read_npz(decoded), decoded)
    return _stacked(pairs["train"], pairs["test"], CIFAR10, validation, seed)


def hymenoptera(*, folder: Path, size: int | None = None, validation: float = 0.15, seed: int = 0) -> Dataset:
    """Ants and bees; the published `val` folder is the test split."""
    unpacked = cache_folder() / "unpacked" / "hymenoptera-f8271e7a"
    if not unpacked.is_dir():
        with caching(unpacked):
            unpacked.parent.mkdir(parents=True, exist_ok=True)
            with Alone(unpacked):
                _unpack(folder / "hymenoptera_data.zip", unpacked)
    root = unpacked / "hymenoptera_data"
    return images(root / "train", test=root / "val", size=size, validation=validation, seed=seed)


def _stacked(
    train: tuple[numpy.ndarray, numpy.ndarray],
    test: tuple[numpy.ndarray, numpy.ndarray],
    classes: Sequence[str] | None,
    validation: float,
    seed: int,
) -> Dataset:
    return arrays(
        *train,
        test=test,
        validation=validation,
        task="classification",
        kind="image",
        classes=classes,
        seed=seed,
    )


def _decode_tar(path: Path) -> dict[str, numpy.ndarray]:
    """Decode train/<class>/NNNN.jpg and test/<class>/NNNN.jpg, in the order of class and number."""
    found: dict[str, list[tuple[str, numpy.ndarray]]] = {"train": [], "test": []}
    with tarfile.open(path) as packed:
        for member in packed:
            stream = packed.extractfile(member) if member.name.endswith(".jpg") else None
            if stream:
                pixels = numpy.asarray(Pillow.open(io.BytesIO(stream.read())).convert("RGB"))
                found[member.name.split("/")[0]].append((member.name, pixels.transpose(2, 0, 1)))
    arrays_ = {}
    for split, pictures in found.items():
        pictures.sort(key=lambda pair: pair[0])
        arrays_[f"x_{split}"] = numpy.stack([pixels for _, pixels in pictures])
        labels = [CIFAR10.index(name.split("/")[1]) for name, _ in pictures]
        arrays_[f"y_{split}"] = numpy.array(labels, dtype=numpy.uint8)
    return arrays_


def _unpack(archive: Path, target: Path) -> None:
    if not target.is_dir():  # another process may have been first
        with new_folder(target) as fresh:
            _unzip(archive, fresh)


def _unzip(path: Path, folder: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise DataError(f"{path} holds the path {name}, which leads out of its folder")
        archive.extractall(folder)
