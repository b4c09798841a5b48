"""Masks: a folder of images and one of masks of the same names, as a `Dataset` of `Image` -> `Mask`."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy
import torch

from neurarium.core.errors import DataError
from neurarium.core.wording import counted
from neurarium.data.assembly.dense import collected, found_images, how_to_split, image_folder, pixels_of
from neurarium.data.assembly.looks import choose_looks
from neurarium.data.assembly.rereading import rereadable
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.preparation.dense_targets import MaskTarget
from neurarium.data.readers.encodings import missing_path
from neurarium.data.readers.fitting import fit_of
from neurarium.data.readers.folders import Folder
from neurarium.data.readers.masks import paired_masks, raw_values
from neurarium.data.readers.pictures import Rules
from neurarium.data.specs import IGNORED

RARE = 1e-4  # of all pixels: a class with fewer is told, since it may be none
MOST = 64  # more values than that are shades of a photograph, not classes


@rereadable
def masks(
    source: Any,
    *,
    masks: str | Path,
    test: Any = None,
    validation: float | Any = 0.15,
    test_fraction: float = 0.15,
    split: str | Mapping[str, Sequence[int]] | None = None,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    aspect: Literal["crop", "letterbox", "stretch"] = "letterbox",
    background: Literal["white", "grey", "black"] = "black",
    levels: tuple[float, float] | None = None,
    classes: Sequence[str] | None = None,
    ignored: tuple[int, ...] | Literal["auto"] | None = "auto",
    memory: int | None = None,
    seed: int = 0,
    name: str | None = None,
) -> Dataset:
    """Read images and the class of each of their pixels.

    A mask has the name of its image (`scan7.jpg`, `scan7.png` or `scan7_mask.png`) and its size. Its different values are
    the classes: shades of grey, places of a palette, or colors. Image and mask are cut and resized in the same way, the
    mask by the nearest pixel.

    Args:
        source: a folder of images, or one with `train`, `validation` and `test` folders.
        masks: the folder of masks, with the same folders inside.
        validation, test_fraction: shares of the images that validate and test, where no folder says so.
        test: not for masks; a folder `test` in both is.
        split: "random", or the rows of each split.
        size, channels, background, levels: as for `images`.
        aspect: the way to another shape: "letterbox" adds a border, whose pixels are ignored; "crop", "stretch".
        classes: names of the values, in their order.
        ignored: values of pixels that count for nothing; "auto" takes 255 where the others are 0, 1, 2, ...
        memory: bytes that decoded images may take.
        seed: decides the split.
        name: how reports call the dataset.

    Raises:
        DataError: an image without a mask, a mask of another size, a value that training masks do not have.

    >>> import tempfile
    >>> from PIL import Image as Pillow
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for kind in ("images", "masks"):
    ...         (Path(folder) / kind).mkdir()
    ...         for number in range(10):
    ...             pixels = numpy.zeros((8, 8), numpy.uint8)
    ...             pixels[:4] = 1
    ...             Pillow.fromarray(pixels).save(Path(folder) / kind / f"{number}.png")
    ...     masks(Path(folder) / "images", masks=Path(folder) / "masks")
    Dataset(images: Image -> Mask; train 6, validation 2, test 2)
    """
    root, folder = image_folder(source, "masks"), Path(masks)
    if not folder.exists():
        raise missing_path(folder)
    found = found_images(root)
    how = how_to_split(found, validation, test, test_fraction, split, seed)
    pairs = {key: paired_masks(part, root, folder) for key, part in found.items()}
    spec, rules, decisions = choose_looks(found, size, channels, Rules(aspect, background, levels))
    held, storage = pixels_of(found, spec, rules, memory)
    counts = _value_counts(pairs["train"])
    values, given_up, reason = _values(sorted(counts), ignored)
    target = MaskTarget(_named(values, classes), values, given_up, spec.height, spec.width)
    if given_up:
        said = ", ".join(map(str, given_up))
        decisions.append(Decision("ignored pixels", f"of value {said}", reason, "--set ignored=none"))
    shown = f"the different values of {len(pairs['train']):,} masks: {', '.join(map(called, values[:20]))}"
    shown += _rare({value: counts[value] for value in values})
    decisions.append(Decision("classes", len(values), shown, "--set classes=NAMES, in that order"))
    encoded = {key: encoded_masks(part, target, rules.aspect) for key, part in pairs.items()}
    dataset = collected(
        name or root.name, found, held, encoded, target, spec, rules, how,
        lambda codes: _counted(codes, target), [*decisions, storage],
    )  # fmt: skip
    dataset.summary["sha256"] = _digest(found, pairs)
    return dataset


def encoded_masks(paths: Sequence[Path], target: MaskTarget, aspect: str) -> torch.Tensor:
    """Return the masks as codes at the prepared size, `(masks, height, width)` uint8.

    Raises:
        DataError: a value that no class has.
    """
    found = numpy.empty((len(paths), target.height, target.width), numpy.uint8)
    known = numpy.array(target.values)
    for place, path in enumerate(paths):
        raw = raw_values(path)
        codes, odd = _codes(raw, known, target.ignored)
        if odd.any():
            raise DataError(
                f"the mask {path} has a value that no training mask has",
                expected=", ".join(called(each) for each in target.values),
                received=f"{called(int(raw[odd][0]))} in {counted(int(odd.sum()), 'pixel')}",
                fix="mend the mask, move it to the training part, or name the value with --set ignored=",
            )
        fit = fit_of(raw.shape[1], raw.shape[0], (target.height, target.width), aspect)
        found[place] = fit.mask(codes, IGNORED)
    return torch.from_numpy(found)


def _codes(raw: numpy.ndarray, known: numpy.ndarray, ignored: Sequence[int]) -> tuple[numpy.ndarray, Any]:
    """Return the code of each pixel, and where its value is none of those known."""
    values = numpy.arange(256) if raw.dtype == numpy.uint8 else raw  # of bytes a table says it for all pixels
    codes = numpy.searchsorted(known, values).clip(max=len(known) - 1)
    off = numpy.isin(values, ignored)
    odd, codes = (known[codes] != values) & ~off, numpy.where(off, IGNORED, codes).astype(numpy.uint8)
    return (codes, odd) if values is raw else (codes[raw], odd[raw])


def _value_counts(paths: Sequence[Path]) -> Counter[int]:
    """Return how many pixels of the masks have each value.

    Raises:
        DataError: more values than classes can be.
    """
    found: Counter[int] = Counter()
    for path in paths:
        raw = raw_values(path)
        if raw.dtype == numpy.uint8:
            counts = numpy.bincount(raw.ravel())
            values = numpy.flatnonzero(counts)
            counts = counts[values]
        else:
            values, counts = numpy.unique(raw, return_counts=True)
        found.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        if len(found) > MOST:
            raise DataError(
                f"the masks hold more than {MOST} different values",
                expected="one value for each class",
                received=f"{path.name}: {len(found)} values so far",
                fix="save masks as PNG, not as JPEG, which smears them",
            )
    return found


def _rare(counts: Mapping[int, int]) -> str:
    """Return what to say of classes with hardly a pixel, which may be slips of the pen.

    >>> _rare({0: 900_000, 7: 1, 255: 99_999})
    '; hardly any pixels of 7 (1): --set ignored=7 if these are slips'
    """
    least = sum(counts.values()) * RARE
    rare = {value: count for value, count in counts.items() if count < least}
    if not rare:
        return ""
    shown = ", ".join(f"{called(value)} ({count:,})" for value, count in list(rare.items())[:5])
    return f"; hardly any pixels of {shown}: --set ignored={','.join(map(str, rare))} if these are slips"


def _values(values: Sequence[int], ignored: Any) -> tuple[tuple[int, ...], tuple[int, ...], str]:
    """Return the values that are classes, those that are ignored, and why."""
    given_up, reason = given_up_of(values, ignored)
    kept = tuple(each for each in values if each not in given_up)
    if len(kept) < 2:
        raise DataError(
            "the masks show one class only",
            expected="at least two different values",
            received=", ".join(map(called, kept)) or "none",
            fix="mark what is to be found by another value than the rest",
        )
    return kept, given_up, reason


def given_up_of(values: Sequence[int], ignored: Any = "auto") -> tuple[tuple[int, ...], str]:
    """Return the values of pixels that count for nothing, and why.

    >>> given_up_of([0, 1, 2, 255]), given_up_of([0, 255])[0]
    (((255,), 'the other values are 0 to 2'), ())
    """
    if ignored != "auto":
        return tuple(ignored or ()), "asked for"
    others = [each for each in values if each != IGNORED]
    usual = IGNORED in values and len(others) > 1 and others == list(range(len(others)))
    return ((IGNORED,) if usual else ()), f"the other values are 0 to {len(others) - 1}"


def _named(values: Sequence[int], classes: Sequence[str] | None) -> tuple[str, ...]:
    if classes is None:
        return tuple(map(called, values))
    if len(classes) != len(values) or len(set(classes)) != len(classes):
        raise DataError(
            "the names of classes do not fit the values of the masks",
            expected=f"{len(values)} different names, for the values {', '.join(map(called, values))}",
            received=", ".join(classes),
        )
    return tuple(classes)


def called(value: int) -> str:
    """Return the name of a value of a mask: its number, or the color."""
    return str(value) if value < 65536 else f"#{value:06x}"


def _counted(codes: torch.Tensor, target: MaskTarget) -> dict[str, int]:
    counts = torch.bincount(codes.reshape(-1), minlength=256).tolist()
    return {name: counts[place] for place, name in enumerate(target.classes)}


def _digest(found: Mapping[str, Folder], pairs: Mapping[str, Sequence[Path]]) -> str:
    digest = hashlib.sha256()
    for key, part in sorted(found.items()):
        for path, mask in zip(part.paths, pairs[key], strict=True):
            digest.update(
                f"{key}\0{part.name(path)}\0{path.stat().st_size}\0{mask.stat().st_size}\n".encode()
            )
    return digest.hexdigest()
