"""Images: a folder per class, idx files or an npz file as a `Dataset`."""

from __future__ import annotations

import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import polars
import torch

from neurarium.core.errors import DataError, naming
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.preparation.targets import Labels, match
from neurarium.data.readers.arrays import arrays, assemble
from neurarium.data.readers.encodings import missing_path
from neurarium.data.readers.folders import Folder, read_folder, split_folders
from neurarium.data.readers.idx import read_idx
from neurarium.data.readers.npz import parts as npz_parts
from neurarium.data.readers.npz import read_npz
from neurarium.data.readers.on_demand import on_demand
from neurarium.data.readers.partition import How, partition
from neurarium.data.readers.pictures import decode_all
from neurarium.data.rereading import rereadable
from neurarium.data.specs import Image

KEEP_UP_TO, SIDE = (
    256,
    128,
)  # images of one size up to 256 pixels stay; others get a shorter side of at most 128


@rereadable
def images(
    source: Any,
    *,
    test: Any = None,
    validation: float | Any = 0.15,
    test_fraction: float = 0.15,
    split: str | Mapping[str, Sequence[int]] | None = None,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    classes: Sequence[str] | None = None,
    memory: int = 2 * 1024**3,
    seed: int = 0,
    name: str | None = None,
) -> Dataset:
    """Read labeled images, split them, and prepare them by what the training images show.

    Args:
        source: a folder with a folder per class (inside `train`, `validation`, `test` where there are such), a folder
            with idx files as MNIST has them, an npz file with `x_train, y_train, x_test, y_test` or `images, labels`.
        test: a folder of test images; without it, and without a test part in the source, `test_fraction` is set aside.
        validation: the fraction of the training images that validate, or a folder of them.
        test_fraction: the fraction that tests, where there is no test part.
        split: "stratified" (default), "random", or the rows of each split.
        size: (height, width), or one number for both; by default images of one size are kept up to 256 pixels.
        channels: 1 (grey) or 3 (color); by default grey where every image is.
        classes: names of the classes 0, 1, 2, ... of idx and npz files.
        memory: bytes that decoded images may take; more are decoded on demand.
        seed: decides the split.
        name: how reports call the dataset.

    Returns:
        A dataset of `Image` -> `Classes`. Files that cannot be read are listed with their reasons in
        `dataset.summary["quarantined"]`.

    Raises:
        DataError: no images, one class, a damaged file of arrays.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pixels, labels = numpy.zeros((40, 8, 8), numpy.uint8), numpy.arange(40) % 2
    ...     numpy.savez(Path(folder) / "dots.npz", images=pixels, labels=labels)
    ...     images(Path(folder) / "dots.npz")
    Dataset(dots: Image -> Classes; train 28, validation 6, test 6)
    """
    if not isinstance(source, str | os.PathLike):
        raise DataError(
            "images are read from a path", expected="a folder, or an npz file", received=type(source).__name__,
            fix="for arrays in memory use nr.data.arrays(inputs, targets)",
        )  # fmt: skip
    path = Path(source)
    if not path.exists():
        raise missing_path(path)
    called = name or path.name.rpartition(".")[0] or path.name
    if path.is_file():
        stacks = npz_parts(read_npz(path), path)
    else:
        stacks = _idx_parts(path)
    if stacks:
        with naming(path):
            return arrays(
                *stacks["train"],
                test=stacks.get("test", test),
                validation=stacks.get("validation", validation),
                test_fraction=test_fraction,
                split=split,
                task="classification",
                kind="image",
                classes=classes,
                seed=seed,
                name=called,
            )
    folders = {"train": path, **split_folders(path)}
    given = {"validation": validation, "test": test}
    folders |= {key: Path(each) for key, each in given.items() if isinstance(each, str | os.PathLike)}
    fraction = (
        float(validation) if isinstance(validation, int | float) and "validation" not in folders else 0.0
    )
    how = How(fraction, 0.0 if "test" in folders else test_fraction, split, None, None, seed)
    found = {
        key: read_folder(each, path if path in each.parents else each.parent) for key, each in folders.items()
    }
    return _from_folders(called, found, how, size, channels, memory)


def _from_folders(
    name: str,
    found: dict[str, Folder],
    how: How,
    size: int | tuple[int, int] | None,
    channels: int | None,
    memory: int,
) -> Dataset:
    plan = _labels(found)
    heads = [head for folder in found.values() for head in folder.headers]
    chosen, decisions = _size(found["train"], heads, size)
    grey = all(head.grey for head in heads)
    depth = channels or (1 if grey else 3)
    if channels is None:
        reason = "every image is grey" if grey else "some images have colors"
        decisions.append(Decision("channels", depth, reason, "channels="))
    need = len(heads) * depth * chosen[0] * chosen[1]
    decoded = {key: _decode(folder, depth, chosen, need <= memory) for key, folder in found.items()}
    encoded = {
        key: numpy.array([plan.names.index(_class(each, plan)) for each in folder.labels])
        for key, folder in found.items()
    }
    rows, more = partition(
        polars.DataFrame(), encoded["train"], numpy.arange(len(encoded["train"])), plan, how
    )
    if need <= memory:
        others = {key: (decoded[key], encoded[key]) for key in found if key != "train"}
        dataset = assemble(name, decoded["train"], encoded["train"], rows, others, plan, image=True)
    else:
        dataset = on_demand(name, found, encoded, rows, plan, Image(depth, *chosen))
        more.append(Decision("storage", "decoded on demand", f"{need / 1e9:.1f} GB would not fit", "memory="))
    quarantined = [each for folder in found.values() for each in folder.quarantined]
    dataset.decisions = [*decisions, *more]
    dataset.summary["quarantined"] = quarantined
    if quarantined:
        shown = ", ".join(each["file"] for each in quarantined[:3])
        dataset.decisions.append(
            Decision("quarantine", f"{len(quarantined)} files", f"unreadable: {shown}", "")
        )
    return dataset


def _labels(found: Mapping[str, Folder]) -> Labels:
    names = tuple(sorted(set(found["train"].labels)))
    if len(names) < 2:
        raise DataError(
            "the images are of one class only",
            expected="a folder per class, two at least",
            received=f"one folder with images: '{names[0]}'",
            fix="add a folder with images of another class",
        )
    plan = Labels("class", names)
    for key, folder in found.items():
        for label in sorted(set(folder.labels)):
            if match(label, names) is None:
                raise DataError(
                    f"the {key} images have a class that the training images do not have",
                    expected=", ".join(names[:20]),
                    received=label,
                )
    return plan


def _class(label: str, plan: Labels) -> str:
    return match(label, plan.names) or label


def _size(
    train: Folder, heads: Sequence[Any], size: int | tuple[int, int] | None
) -> tuple[tuple[int, int], list[Decision]]:
    if size is not None:
        return (size, size) if isinstance(size, int) else (size[0], size[1]), []
    sizes = {(head.height, head.width) for head in heads}
    if len(sizes) == 1 and max(next(iter(sizes))) <= KEEP_UP_TO:
        height, width = next(iter(sizes))
        return (height, width), [Decision("size", f"{height} x {width}", "all images have it", "size=")]
    side = min(SIDE, int(statistics.median(min(head.height, head.width) for head in train.headers)))
    reason = f"{len(sizes)} different sizes: the middle of each is cut to a square and resized"
    return (side, side), [Decision("size", f"{side} x {side}", reason, "size=")]


def _decode(folder: Folder, depth: int, size: tuple[int, int], keep: bool) -> torch.Tensor:
    """Decode every file once; those that fail are moved to the quarantine, the others are kept in memory if asked."""
    pixels = torch.empty((len(folder.paths) if keep else 0, depth, *size), dtype=torch.uint8)
    good: list[int] = []
    for number, each in enumerate(decode_all(folder.paths, depth, size)):
        if isinstance(each, str):
            folder.quarantined.append({"file": folder.paths[number].name, "reason": each})
            continue
        if keep:
            pixels[len(good)] = torch.from_numpy(numpy.ascontiguousarray(each))
        good.append(number)
    folder.paths, folder.labels = [folder.paths[i] for i in good], [folder.labels[i] for i in good]
    folder.headers = [folder.headers[i] for i in good]
    return pixels[: len(good)]


def _idx_parts(folder: Path) -> dict[str, tuple[numpy.ndarray, numpy.ndarray]]:
    """Find pairs of idx files by name: `train-images-idx3-ubyte.gz`, `t10k-labels-idx1-ubyte` ..."""
    names = {each.name.lower(): each for each in sorted(folder.iterdir()) if each.is_file()}
    found: dict[str, dict[str, Path]] = {}
    for name, path in names.items():
        if "idx" in name and ("images" in name or "labels" in name):
            split = (
                "test"
                if name.startswith(("t10k", "test"))
                else "validation"
                if name.startswith("val")
                else "train"
            )
            found.setdefault(split, {})["images" if "images" in name else "labels"] = path
    for split, pair in found.items():
        if len(pair) < 2:
            have = next(iter(pair.values())).name
            lacking = "labels" if "images" in pair else "images"
            raise DataError(
                f"{folder} lacks a file of {lacking} for the {split} part",
                expected=f"images and {lacking}",
                received=have,
            )
    if found and "train" not in found:
        raise DataError(
            f"{folder} has no training images", expected="train-images-idx3-ubyte", received=", ".join(names)
        )
    pairs = {split: (read_idx(pair["images"]), read_idx(pair["labels"])) for split, pair in found.items()}
    for split, (pixels, labels) in pairs.items():
        if pixels.ndim < 3 or labels.ndim != 1 or len(pixels) != len(labels):
            raise DataError(
                f"the idx files of the {split} part in {folder} do not fit together",
                expected="images (n, height, width) and labels (n,)",
                received=f"{pixels.shape} and {labels.shape}",
            )
    return pairs
