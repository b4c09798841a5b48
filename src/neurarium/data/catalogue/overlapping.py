"""Overlapping digits: two of different classes in one image, made from MNIST when it is loaded."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy
import torch

from neurarium.core.errors import OptionError
from neurarium.core.seeds import derive
from neurarium.data.assembly.arrays import assemble
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.preparation.label_sets import LabelSets
from neurarium.data.readers.idx import read_idx
from neurarium.data.splits import Rows

SIDE, SHIFT = 36, 4


@dataclasses.dataclass(frozen=True)
class Overlaid:
    """Images of two digits each.

    Args:
        images: `(count, 36, 36)` bytes: the sum of both digits, at most 255.
        parts: `(count, 2, 36, 36)` bytes: each digit by itself, where it lies in the image.
        classes: `(count, 2)`: of each digit.
    """

    images: numpy.ndarray
    parts: numpy.ndarray
    classes: numpy.ndarray


def overlay(
    digits: numpy.ndarray, classes: numpy.ndarray, count: int, seed: int, shift: int = SHIFT
) -> Overlaid:
    """Lay digits over digits of other classes, each moved by up to `shift` pixels either way.

    The first digits are the given ones in turn, the second are drawn; image i is the same whatever `count` is.

    Args:
        digits: `(n, 28, 28)` bytes.
        classes: `(n,)`.
        count: how many images.
        seed: decides partners and places.
        shift: pixels, 0 to 4.

    Raises:
        OptionError: no image, a shift outside 0 to 4.

    Sabour, Frosst and Hinton, arXiv:1710.09829, section 6: there the boxes of both digits overlap by 80 % on average.

    >>> digits = numpy.zeros((6, 28, 28), numpy.uint8)
    >>> overlay(digits, numpy.arange(6), 4, seed=0).parts.shape
    (4, 2, 36, 36)
    """
    if count < 1 or not 0 <= shift <= SHIFT:
        raise OptionError("there is no such overlay", expected="1 image or more, a shift of 0 to 4",
                          received=f"count {count}, shift {shift}")  # fmt: skip
    parts = numpy.zeros((count, 2, SIDE, SIDE), numpy.uint8)
    found = numpy.zeros((count, 2), numpy.int64)
    others = {each: numpy.flatnonzero(classes != each) for each in numpy.unique(classes)}
    draw = numpy.random.default_rng(derive(seed, "overlay"))
    chances = draw.random((count, 5))
    for row, (partner, *places) in enumerate(chances):
        first = row % len(digits)
        choice = others[classes[first]]
        pair = first, choice[int(partner * len(choice))]
        for number, digit in enumerate(pair):
            top, left = (
                SHIFT - shift + int(each * (2 * shift + 1)) for each in places[2 * number : 2 * number + 2]
            )
            parts[row, number, top : top + 28, left : left + 28] = digits[digit]
            found[row, number] = classes[digit]
    images = parts.astype(numpy.uint16).sum(axis=1).clip(max=255).astype(numpy.uint8)
    return Overlaid(images, parts, found)


def overlaid(
    folder: Path, split: str, count: int, *, validation: float = 0.1, seed: int = 0, shift: int = SHIFT
) -> Overlaid:
    """Return images of two MNIST digits with their parts: those of the data set `multi-mnist`.

    Args:
        folder: that of MNIST.
        split: "train", "validation" (made of the last of MNIST's training digits, which "train" has not) or "test".
        validation: the share of MNIST's training digits that validates.
        count, seed, shift: as for `overlay`.
    """
    name = "t10k" if split == "test" else "train"
    digits = numpy.asarray(read_idx(folder / f"{name}-images-idx3-ubyte.gz"))
    classes = numpy.asarray(read_idx(folder / f"{name}-labels-idx1-ubyte.gz")).astype(numpy.int64)
    cut = round(len(digits) * (1 - validation))
    part = {"train": slice(0, cut), "validation": slice(cut, None), "test": slice(None)}[split]
    return overlay(digits[part], classes[part], count, derive(seed, split), shift)


def multi_mnist(
    *,
    folder: Path,
    count: int = 60_000,
    test_count: int = 10_000,
    shift: int = SHIFT,
    validation: float = 0.1,
    seed: int = 0,
    parts: bool = True,
) -> Dataset:
    """Two overlapping digits per image, several labels: which digits are there.

    Args:
        count: images that train or validate.
        test_count: images that test.
        shift: by how many pixels each digit is moved, at most.
        validation: the share of images, and of digits, that validates.
        parts: whether each digit by itself is in the batches too: what its capsule then learns to draw, as in the paper.
    """
    held = round(validation * count)
    if not 0 < validation < 1 or not 0 < held < count:
        raise OptionError(
            "the share that validates is wrong", expected="between 0 and 1", received=validation
        )
    options: Any = {"validation": validation, "seed": seed, "shift": shift}
    made, kept, fresh = (
        overlaid(folder, split, size, **options)
        for split, size in (("train", count - held), ("validation", held), ("test", test_count))
    )
    companions = {
        split: (torch.from_numpy(each.images[:, None]), marks(each.classes))
        for split, each in (("validation", kept), ("test", fresh))
    }
    target: Any = LabelSets(("digits",), tuple("0123456789"), ";")
    rows: Rows = {"train": numpy.arange(count - held)}
    pixels = torch.from_numpy(made.images[:, None])
    dataset = assemble("multi-mnist", pixels, marks(made.classes), rows, companions, target, "image")
    if parts:
        for split, each in (("train", made), ("validation", kept), ("test", fresh)):
            examples: Any = dataset.splits[split]
            examples.batch["parts"] = torch.from_numpy(ordered(each))
    reason = f"two MNIST digits of different classes in {SIDE} x {SIDE} pixels, moved by up to {shift}, drawn from the seed"
    dataset.decisions = [
        Decision(
            "images", f"{count:,} + {test_count:,}", reason, "--set count=, --set test_count=, --set shift="
        )
    ]
    reason = (
        "capsules learn to draw each digit by itself" if parts else "capsules learn from the labels alone"
    )
    dataset.decisions.append(Decision("parts", "yes" if parts else "no", reason, "--set parts="))
    return dataset


def ordered(made: Overlaid) -> numpy.ndarray:
    """Return the parts of images in the order of their classes, `(count, 2, 1, 36, 36)`: the order of several labels."""
    order = made.classes.argsort(axis=1)
    return numpy.take_along_axis(made.parts, order[:, :, None, None], axis=1)[:, :, None]


def marks(classes: numpy.ndarray) -> numpy.ndarray:
    """Return `(count, 10)`: 1 where a digit is in the image."""
    found = numpy.zeros((len(classes), 10), numpy.float32)
    numpy.put_along_axis(found, classes, 1.0, axis=1)
    return found
