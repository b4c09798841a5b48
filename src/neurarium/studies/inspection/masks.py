"""Masks: missing ones, those of other sizes, empty ones, odd values, and how many pixels each class has."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy

from neurarium.core.errors import DataError
from neurarium.data.assembly.masks import MOST, called, given_up_of
from neurarium.data.readers.masks import matched_masks, raw_values
from neurarium.data.readers.pictures import header, quietly
from neurarium.studies.inspection import balance
from neurarium.studies.inspection.finding import Finding, listed, share
from neurarium.studies.inspection.scenes import Placed, Scenes

STRAY, SELDOM = 1e-4, 0.05  # shares of the pixels and of the masks up to which a value is a slip, no class
UNEVEN, TINY = 0.9, 0.001  # the largest share of a class that is worth a word; the least that is a warning
HALF = 0.5


@dataclasses.dataclass(frozen=True)
class Marked:
    """What is kept of a mask.

    Args:
        image: what it is of.
        mask: the file's name.
        values: how many pixels have each value; empty where it cannot be read.
        digest: of its pixels.
        fault: why it cannot be read.
        sizes: (width, height) of the image and of the mask, where they differ.
    """

    image: Placed
    mask: str
    values: dict[int, int]
    digest: bytes
    fault: str
    sizes: tuple[tuple[int, int], tuple[int, int]] | None

    @property
    def name(self) -> str:
        return self.image.name


def findings(scenes: Scenes, facts: dict[str, Any], most: int) -> Iterator[Finding]:
    """Yield what was noticed in masks.

    Args:
        scenes: images with masks.
        facts: what is told beside the findings goes there, as `masks` and `target`.
        most: masks that are read where there are more.
    """
    images = scenes.images
    pairs, spare = matched_masks([each.path for each in images], scenes.root, scenes.beside)
    lacking = [each.name for each, mask in zip(images, pairs, strict=True) if mask is None]
    yield from _unpaired(lacking, spare, len(images), scenes)
    jobs = [(each, mask) for each, mask in zip(images, pairs, strict=True) if mask is not None]
    chosen = sorted(jobs, key=lambda job: hashlib.blake2b(job[0].name.encode()).digest())[:most]
    with quietly(), concurrent.futures.ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        seen = sorted(
            pool.map(lambda job: _look(job[0], job[1], scenes.beside), chosen), key=lambda each: each.name
        )
    yield from _unfit(seen)
    read = [each for each in seen if each.values]
    if read:
        yield from _of_values(scenes, facts, read, len(images))
        yield from _twice(scenes, read)


def _look(image: Placed, mask: Path, folder: Path) -> Marked:
    shown = mask.relative_to(folder).as_posix()
    try:
        raw = raw_values(mask)
    except DataError as error:
        return Marked(image, shown, {}, b"", str(error.received), None)
    if raw.dtype == numpy.uint8:
        every = numpy.bincount(raw.ravel(), minlength=256)
        different = numpy.flatnonzero(every)
        counts = every[different]
    else:
        different, counts = numpy.unique(raw, return_counts=True)
    head, own = header(image.path), header(mask)
    sizes = None
    if not isinstance(head, str) and not isinstance(own, str):
        both = (head.width, head.height), (own.width, own.height)
        sizes = both if both[0] != both[1] else None
    digest = hashlib.blake2b(numpy.ascontiguousarray(raw).tobytes(), digest_size=16).digest()
    values = dict(zip(different.tolist(), counts.tolist(), strict=True))
    return Marked(image, shown, values, digest, "", sizes)


def _unpaired(lacking: Sequence[str], spare: Sequence[Path], total: int, scenes: Scenes) -> Iterator[Finding]:
    if lacking:
        yield Finding(
            "error", "missing masks", "images", f"{len(lacking):,} of {total:,} images have no mask: {listed(lacking, 3)}",
            "training stops there", f"add their masks to {scenes.beside}, or remove these images",
            {"images": len(lacking), "of": total}, tuple(lacking[:20]),
        )  # fmt: skip
    if spare:
        names = [each.relative_to(scenes.beside).as_posix() for each in spare]
        yield Finding(
            "note", "masks without images", "masks", f"{len(names):,} masks have no image: {listed(names, 3)}",
            "they are not read; are the images lost?", "add the images, or remove the masks", {"masks": len(names)},
            tuple(names[:20]),
        )  # fmt: skip


def _unfit(seen: Sequence[Marked]) -> Iterator[Finding]:
    broken = [each for each in seen if each.fault]
    if broken:
        shown = listed([f"{each.mask} ({each.fault})" for each in broken], 3)
        yield Finding(
            "error", "broken masks", "masks", f"{len(broken):,} of {len(seen):,} masks cannot be read: {shown}",
            "training stops there", "mend them, or remove them and their images", {"masks": len(broken)},
            tuple(each.mask for each in broken[:20]),
        )  # fmt: skip
    other = [(each, each.sizes) for each in seen if each.sizes is not None]
    if other:
        turned = sum(image == mask[::-1] for _, (image, mask) in other)
        told = (
            "; their sides are exchanged, as where one of the two was turned" if turned == len(other) else ""
        )
        shown = listed(
            [f"{each.mask} is {m[0]} x {m[1]}, its image {i[0]} x {i[1]}" for each, (i, m) in other], 2
        )
        yield Finding(
            "error", "mask sizes", "masks",
            f"{len(other):,} of {len(seen):,} masks have another size than their image: {shown}{told}",
            "nobody knows which pixel is meant: training stops there", "export the masks at the size of the images",
            {"masks": len(other), "turned": turned}, tuple(each.mask for each, _ in other[:20]),
        )  # fmt: skip


def _of_values(
    scenes: Scenes, facts: dict[str, Any], read: Sequence[Marked], total: int
) -> Iterator[Finding]:
    pixels: dict[str, Counter[int]] = {}
    holding: dict[str, Counter[int]] = {}
    for each in read:
        pixels.setdefault(each.image.split, Counter()).update(each.values)
        holding.setdefault(each.image.split, Counter()).update(each.values.keys())
    first = "train" if "train" in pixels else next(iter(pixels))
    different = sorted(set().union(*pixels.values()))
    facts["masks"] = {"looked_at": len(read), "images": total, "values": len(different)}
    if len(different) > MOST:
        most = sorted(read, key=lambda each: (-len(each.values), each.mask))
        shown = listed([f"{each.mask} has {len(each.values)}" for each in most], 3)
        yield Finding(
            "error", "shades", "masks", f"the masks hold {len(different):,} different values: {shown}",
            "those are shades of a picture, or edges that JPEG or resizing has smeared, and no classes",
            "save masks as PNG, and resize them by the nearest pixel", {"values": len(different)},
            tuple(each.mask for each in most[:20]),
        )  # fmt: skip
        return
    # the classes are those of the folder of training, of which validation and test may be drawn
    known = sorted(set().union(*(each.values for each in read if each.image.part == "train")))
    ignored = set(given_up_of(known, scenes.options.get("ignored", "auto"))[0])
    names = _names(scenes, [each for each in different if each not in ignored])
    facts["target"] = {
        "task": "segmentation",
        "classes": {
            split: {name: counts.get(value, 0) for value, name in names.items()}
            for split, counts in pixels.items()
        },
    }
    facts["masks"]["ignored"] = sum(counts[value] for counts in pixels.values() for value in ignored)
    yield from _unknown(read, set(known) | ignored)
    slips = list(_stray(read, {value: names[value] for value in names if value in known}))
    yield from slips
    said = {
        each.numbers["value"] for each in slips
    }  # and is not said again as a class of few pixels and masks
    kept = {value: name for value, name in names.items() if value not in said}
    yield from _shares({name: pixels[first][value] for value, name in kept.items()})
    masks_of = {
        split: {name: counts.get(value, 0) for value, name in kept.items()}
        for split, counts in holding.items()
    }
    yield from balance.rare(masks_of[first], "masks")
    yield from balance.absent({"train": masks_of.pop(first), **masks_of}, "mask")
    facts["masks"]["empty"] = sum(len(set(each.values) - ignored) == 1 for each in read)
    yield from _bare(read, ignored, names)


def _names(scenes: Scenes, values: Sequence[int]) -> dict[int, str]:
    """Return the name of each value: those of the training, where it can read the masks."""
    target: Any = getattr(scenes.dataset.preparation, "target", None) if scenes.dataset is not None else None
    known = dict(zip(target.values, target.classes, strict=True)) if target is not None else {}
    return {value: known.get(value, called(value)) for value in values}


def _unknown(read: Sequence[Marked], known: set[int]) -> Iterator[Finding]:
    odd = [(each, sorted(set(each.values) - known)) for each in read if each.image.part != "train"]
    odd = [(each, values) for each, values in odd if values]
    if odd:
        values = sorted({value for _, found in odd for value in found})
        shown = listed([f"{called(found[0])} in {each.mask}" for each, found in odd], 3)
        yield Finding(
            "error", "unknown values", "masks", f"{len(odd):,} masks have values that no training mask has: {shown}",
            "no class was learned for them: training stops there",
            f"mend the masks, move some to the training part, or --set ignored={','.join(map(str, values[:5]))}",
            {"masks": len(odd), "values": len(values)}, tuple(each.mask for each, _ in odd[:20]),
        )  # fmt: skip


def _stray(read: Sequence[Marked], names: dict[int, str]) -> Iterator[Finding]:
    """Values of a handful of pixels in a handful of masks: slips of a brush, or smoothed edges."""
    total = sum(sum(each.values.values()) for each in read)
    for value, name in names.items():
        having = [each for each in read if value in each.values]
        count = sum(each.values[value] for each in having)
        if 0 < count <= STRAY * total and len(having) <= SELDOM * len(read):
            yield Finding(
                "warning", "stray values", f"class {name}",
                f"the value {called(value)} stands in {count:,} pixels of {len(having):,} masks ({share(count, total)} of all)",
                "it is a class of its own, and hardly ever seen; often it is a slip of the brush or a smoothed edge",
                f"mend these masks, or --set ignored={value}", {"value": value, "pixels": count, "masks": len(having)},
                tuple(each.mask for each in having[:20]),
            )  # fmt: skip


def _shares(pixels: dict[str, int]) -> Iterator[Finding]:
    total = sum(pixels.values())
    there = {name: count for name, count in pixels.items() if count}
    if len(there) < 2:
        return
    (name, most), (least, fewest) = (pick(there.items(), key=lambda each: each[1]) for pick in (max, min))
    if most >= UNEVEN * total or fewest <= TINY * total:
        yield Finding(
            "warning" if fewest <= TINY * total else "note", "imbalance", "classes",
            f"'{name}' has {share(most, total)} of the training pixels, '{least}' {share(fewest, total)}",
            f"who always says '{name}' is right for {share(most, total)} of the pixels: read Dice and IoU of each class",
            "--set size= keeps small things visible; crops around them show them more often",
            {"largest": most, "smallest": fewest, "total": total},
        )  # fmt: skip


def _bare(read: Sequence[Marked], ignored: set[int], names: dict[int, str]) -> Iterator[Finding]:
    """Masks that show one class alone, or nothing that counts."""
    nothing = [each for each in read if not set(each.values) - ignored]
    if nothing:
        yield Finding(
            "warning", "ignored masks", "masks",
            f"of {len(nothing):,} masks every pixel is ignored: {listed([each.mask for each in nothing], 3)}",
            "they teach and measure nothing", "mark them, or remove them and their images", {"masks": len(nothing)},
            tuple(each.mask for each in nothing[:20]),
        )  # fmt: skip
    single: dict[int, list[Marked]] = {}
    for each in read:
        left = set(each.values) - ignored
        if len(left) == 1:
            single.setdefault(left.pop(), []).append(each)
    for value, group in sorted(single.items(), key=lambda each: -len(each[1])):
        part = len(group) / len(read)
        yield Finding(
            "warning" if part >= HALF else "note", "empty masks", "masks",
            f"{len(group):,} of {len(read):,} masks ({share(len(group), len(read))}) show '{names[value]}' alone: "
            f"{listed([each.mask for each in group], 3)}",
            "where something is to be seen in these images, they teach to overlook it", "look at them: were they forgotten?",
            {"masks": len(group), "of": len(read)}, tuple(each.mask for each in group[:20]),
        )  # fmt: skip


def _twice(scenes: Scenes, read: Sequence[Marked]) -> Iterator[Finding]:
    """Equal masks of different images: one was saved under the name of another."""
    bytes_of = {each.name: each.digest for each in scenes.pictures.seen}
    groups: dict[bytes, list[Marked]] = {}
    for each in read:
        if len(each.values) > 1 and each.name in bytes_of:
            groups.setdefault(each.digest, []).append(each)
    same = [group for group in groups.values() if len({bytes_of[each.name] for each in group}) > 1]
    if same:
        count = sum(len(group) for group in same)
        shown = listed([" = ".join(each.mask for each in group[:3]) for group in same], 2)
        yield Finding(
            "warning", "equal masks", "masks", f"{count:,} masks of different images are equal, pixel for pixel: {shown}",
            "one of them was probably saved under the wrong name", "look at them", {"masks": count, "groups": len(same)},
            tuple(each.mask for group in same[:10] for each in group[:4]),
        )  # fmt: skip
