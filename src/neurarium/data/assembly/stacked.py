"""Stacked: arrays of files (npz, idx) as a `Dataset` of images, volumes or rows of numbers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import numpy

from neurarium.core.errors import DataError, OptionError
from neurarium.data.assembly.arrays import StackKind, arrays
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.readers.encodings import missing_path
from neurarium.data.readers.idx import read_idx
from neurarium.data.readers.npz import class_indices, read_npz, whole
from neurarium.data.readers.npz import parts as npz_parts
from neurarium.data.readers.stacks import kind_of_stack

Stacks = dict[str, tuple[numpy.ndarray, numpy.ndarray]]


def stacks_of(path: Path, kind: str | None = None) -> Stacks | None:
    """Return the arrays of each split of a folder of idx files or an npz file, None for a folder without idx files.

    Raises:
        DataError: a file that holds no arrays, or does not name them.
        OptionError: a kind of arrays was asked for, and there are none.
    """
    if path.is_dir():
        found = _idx_parts(path)
        if not found and kind is not None:
            raise OptionError(
                f"kind says what the arrays of a file are, and {path} holds images", received=f"kind={kind}",
                fix="leave it out",
            )  # fmt: skip
        return found
    if path.suffix.lower() in (".npz", ".npy"):
        return npz_parts(read_npz(path), path)
    raise DataError(
        f"{path} alone does not say which images it means",
        expected="a folder of images, an npz file, or a table with a column of paths",
        received=path.name,
        fix="for a table: --image COLUMN (the paths) and --target COLUMN",
    )


def _companion(given: Any) -> Any:
    """The arrays of a split that has a file of its own."""
    if not isinstance(given, str | os.PathLike):
        return given
    path = Path(given)
    if not path.exists():
        raise missing_path(path)
    held = stacks_of(path)
    if not held:
        raise DataError(f"{path} holds no arrays", expected="an npz file, or idx files, as for training")
    return held["train"]


def stacked(
    stacks: Stacks,
    kind: StackKind | None,
    task: Literal["classification", "regression"] | None,
    *,
    validation: Any,
    test: Any,
    **options: Any,
) -> Dataset:
    """Make a dataset of the arrays of files.

    Args:
        stacks: inputs and targets of each split that stands there.
        kind: what the examples are; None for what their shape says.
        task: as for `arrays`; without it whole numbers and names are classes, however many there are.
        validation, test: a share, or a file of its own, for a split that is not there.
        **options: of `arrays`.
    """
    held, wanted = stacks["train"]
    options |= {"validation": _companion(validation), "test": _companion(test)}
    options |= {key: pair for key, pair in stacks.items() if key != "train"}
    found, why = kind_of_stack(held.shape) if kind is None else (kind, "asked for")
    found = "image" if found == "series" else found  # a reader of images is asked
    for key in ("validation", "test"):
        if isinstance(options[key], tuple):
            options[key] = (options[key][0], class_indices(numpy.asarray(options[key][1])))
    indices = class_indices(numpy.asarray(wanted))
    if task is None and found in ("image", "volume") and indices.ndim and indices.size == len(indices):
        task = "classification" if whole(indices) else None  # however many classes there are
    dataset = arrays(held, indices, task=task, kind=found, **options)
    dataset.decisions[0] = Decision(
        "kind of inputs", found, why, "--set kind=image, volume or array; --task series"
    )
    if indices is not wanted and indices.ndim != numpy.ndim(wanted):
        reason = f"each row of the targets {numpy.shape(wanted)} has one 1 among zeros"
        dataset.decisions.insert(1, Decision("targets", "classes", reason, "give their indices"))
    return dataset


def _idx_parts(folder: Path) -> Stacks:
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
