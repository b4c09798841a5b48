"""Boxes: lines that hold none, boxes outside their image, doubled or tiny ones, and how many each class has."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy

from neurarium.core.errors import DataError
from neurarium.data.readers.boxes import Listed, read_boxes
from neurarium.data.readers.fitting import fit_of
from neurarium.studies.inspection import balance
from neurarium.studies.inspection.finding import Finding, listed, share
from neurarium.studies.inspection.scenes import Scenes

OVER = 1.0  # pixels that a box may reach over its image; training cuts them off
SAME = 0.9  # intersection over union of one thing that was marked twice
TINY = 4.0  # pixels at the size of training: a step of the finest map of the usual detector
WHOLE = 0.98  # a box of this share of its image says nothing of a place
HALF, SOME = 0.5, 0.01


@dataclasses.dataclass
class Things:
    """The boxes of an image.

    Args:
        name: of the image.
        split: where it stands.
        width, height: in pixels, as it is shown; 0 where it was not looked at.
        boxes: `(boxes, 4)`, left, top, right, bottom.
        labels: of each.
    """

    name: str
    split: str
    width: int
    height: int
    boxes: numpy.ndarray
    labels: list[str]


def findings(scenes: Scenes, facts: dict[str, Any]) -> Iterator[Finding]:
    """Yield what was noticed in a list of boxes.

    Args:
        scenes: images with boxes.
        facts: what is told beside the findings goes there, as `boxes` and `target`.
    """
    faults: list[DataError] = []
    held = read_boxes(scenes.beside, faults)
    yield from _faulty(faults, held)
    things, absent, unnamed = _things(scenes, held)
    yield from _unmatched(absent, unnamed, held, scenes)
    counts = {split: Counter[str]() for split in dict.fromkeys(each.split for each in things)}
    for each in things:
        counts[each.split].update(each.labels)
    names = sorted(set().union(*counts.values())) if counts else []
    numbers = [len(each.boxes) for each in things]
    facts["boxes"] = {
        "boxes": sum(numbers), "images": len(things), "bare": numbers.count(0), "most": max(numbers, default=0),
        "median": float(numpy.median(numbers)) if numbers else 0.0,
    }  # fmt: skip
    if not names:
        return
    by_split = {split: {name: count[name] for name in names} for split, count in counts.items()}
    facts["target"] = {"task": "detection", "classes": by_split}
    looked_at = [each for each in things if each.width]
    yield from _resized(looked_at, held)
    yield from _places(looked_at)
    yield from _sizes(scenes, looked_at)
    yield from _twice(things)
    yield from _bare(things)
    yield from _spelled(names)
    yield from _counted(by_split)


def _things(scenes: Scenes, held: Listed) -> tuple[list[Things], list[str], list[str]]:
    """Return the images with their boxes; names of the list without a file; files that the list does not name."""
    seen = {each.name: each for each in scenes.pictures.seen}
    by_file: dict[str, list[str]] = {}
    for name in held.boxes:
        by_file.setdefault(Path(name).name, []).append(name)
    things, unnamed, met = [], [], set()
    for path, name, _, split in scenes.images:
        relative, alone = path.relative_to(scenes.root).as_posix(), by_file.get(path.name, [])
        key = relative if relative in held.boxes else alone[0] if len(alone) == 1 else ""
        if not key:
            unnamed.append(name)
            continue
        met.add(key)
        own = numpy.array(held.boxes[key], dtype=float).reshape(-1, 4)
        width, height = (seen[name].width, seen[name].height) if name in seen else (0, 0)
        things.append(Things(name, split, width, height, own, held.labels[key]))
    return things, [name for name in held.boxes if name not in met], unnamed


def _faulty(faults: Sequence[DataError], held: Listed) -> Iterator[Finding]:
    if faults:
        shown = listed([each.problem for each in faults], 2)
        yield Finding(
            "error", "no box", "list", f"{len(faults):,} entries hold no box: {shown}", "training stops there",
            faults[0].fix or "mend them in the list, or remove them", {"entries": len(faults)},
            tuple(each.problem for each in faults[:20]),
        )  # fmt: skip
    for reason, severity, said, matters in (
        ("no area", "warning", "have no area", "they are left out; something was meant to be marked there"),
        ("crowd", "note", "mark a crowd", "they are left out: no single thing can be told from them"),
    ):
        places = [place for why, place in held.left if why == reason]
        if places:
            yield Finding(
                severity, reason, "boxes", f"{len(places):,} boxes {said}: {listed(places, 3)}", matters,
                "mend them in the list, or remove them", {"boxes": len(places)}, tuple(places[:20]),
            )  # fmt: skip


def _unmatched(
    absent: Sequence[str], unnamed: Sequence[str], held: Listed, scenes: Scenes
) -> Iterator[Finding]:
    if absent:
        yield Finding(
            "warning", "missing images", "list",
            f"{len(absent):,} of {len(held.boxes):,} images of the list are not in the folder: {listed(absent, 3)}",
            "their boxes teach nothing", f"add them to {scenes.root}, or mend their names", {"images": len(absent)},
            tuple(absent[:20]),
        )  # fmt: skip
    left = [*unnamed, *scenes.unlisted]
    if left:
        yield Finding(
            "note", "unlisted images", "images", f"{len(left):,} images are not in the list: {listed(left, 3)}",
            "nobody looked at them, so they are left out; where nothing is on them, they would teach that",
            "list those without a thing by a line without numbers", {"images": len(left)}, tuple(left[:20]),
        )  # fmt: skip


def _resized(things: Sequence[Things], held: Listed) -> Iterator[Finding]:
    """Images of another size than the list says: they were resized, and their boxes were not."""
    said = {Path(name).name: size for name, size in held.sizes.items()} | held.sizes
    other = []
    for each in things:
        size = said.get(each.name, said.get(Path(each.name).name))
        if size is not None and size != (each.width, each.height):
            other.append(f"{each.name} is {each.width} x {each.height}, listed as {size[0]} x {size[1]}")
    if other:
        yield Finding(
            "error", "image sizes", "list", f"{len(other):,} of {len(things):,} images have another size than the list says: {listed(other, 2)}",
            "their boxes are of the other size, and mark other places", "take the images that were marked, or scale their boxes",
            {"images": len(other)}, tuple(other[:20]),
        )  # fmt: skip


def _places(things: Sequence[Things]) -> Iterator[Finding]:
    """Boxes that reach over their image; all of them, where sides or units were mistaken."""
    total = sum(len(each.boxes) for each in things)
    shares = sum(int((each.boxes <= 1.0).all(1).sum()) for each in things if min(each.width, each.height) > 1)
    if total and shares == total:
        yield Finding(
            "error", "units", "boxes", f"no number of the {total:,} boxes is above 1",
            "they are shares of the sides, as YOLO writes them, and would be boxes of less than a pixel",
            "multiply them by the width and the height of the images", {"boxes": total},
        )  # fmt: skip
        return
    over, much = [], 0
    for each in things:
        limits = numpy.array([each.width, each.height] * 2)
        beyond = numpy.maximum(-each.boxes, each.boxes - limits).max(1, initial=0.0)
        much += int((beyond > OVER).sum())
        over += [
            f"{each.name}: {_shown(box)}" for box, far in zip(each.boxes, beyond, strict=True) if far > 0
        ]
    if not over:
        return
    mistaken = (
        "; so many are a sign of another order: is it left, top, width, height?"
        if much >= HALF * total
        else ""
    )
    yield Finding(
        "error" if much else "note", "outside", "boxes",
        f"{len(over):,} of {total:,} boxes reach over their image, {much:,} of them by more than a pixel: {listed(over, 2)}{mistaken}",
        "training stops there" if much else "what lies outside is cut off",
        "mend the list: COCO has left, top, width, height; a CSV the four sides, in pixels",
        {"boxes": len(over), "far": much, "of": total}, tuple(over[:20]),
    )  # fmt: skip


def _sizes(scenes: Scenes, things: Sequence[Things]) -> Iterator[Finding]:
    """Boxes that are too small at the size of training to be seen, and those of a whole image."""
    total = sum(len(each.boxes) for each in things)
    whole = [
        each.name
        for each in things
        for left, top, right, bottom in each.boxes
        if (right - left) * (bottom - top) >= WHOLE * each.width * each.height
    ]
    if whole and len(whole) >= SOME * total:
        yield Finding(
            "note", "whole images", "boxes", f"{len(whole):,} of {total:,} boxes are as large as their image: {listed(whole, 3)}",
            "they say what it is, and not where", "look at them", {"boxes": len(whole)}, tuple(whole[:20]),
        )  # fmt: skip
    if scenes.dataset is None:
        return
    spec, rules = scenes.dataset.inputs, getattr(scenes.dataset.preparation, "rules", None)
    size = (getattr(spec, "height", 0), getattr(spec, "width", 0))
    aspect = getattr(rules, "aspect", "letterbox")
    tiny = []
    for each in things:
        moved = fit_of(each.width, each.height, size, aspect).boxes(each.boxes)
        sides = (moved[:, 2:] - moved[:, :2]).min(1, initial=numpy.inf) if len(moved) else numpy.empty(0)
        tiny += [
            f"{each.name}: {_shown(box)}" for box, side in zip(each.boxes, sides, strict=True) if side < TINY
        ]
    if tiny:
        yield Finding(
            "warning" if len(tiny) >= SOME * total else "note", "tiny", "boxes",
            f"{len(tiny):,} of {total:,} boxes ({share(len(tiny), total)}) are under {TINY:g} pixels wide or high in images of "
            f"{size[0]} x {size[1]}: {listed(tiny, 2)}",
            "so little of a thing can hardly be found", "--set size=N reads the images larger; or cut them into tiles",
            {"boxes": len(tiny), "of": total}, tuple(tiny[:20]),
        )  # fmt: skip


def _twice(things: Sequence[Things]) -> Iterator[Finding]:
    """One thing that was marked twice, by one label or by several."""
    double: list[str] = []
    torn: list[str] = []
    for each in things:
        overlap = _overlaps(each.boxes)
        for one, two in zip(*numpy.nonzero(numpy.triu(overlap >= SAME, 1)), strict=True):
            pair = each.labels[one], each.labels[two]
            if pair[0] == pair[1]:
                double.append(f"{each.name}: {_shown(each.boxes[two])} {pair[1]}")
            else:
                torn.append(f"{each.name}: {_shown(each.boxes[one])} {pair[0]} and {pair[1]}")
    total = sum(len(each.boxes) for each in things)
    if double:
        yield Finding(
            "warning" if len(double) >= SOME * total else "note", "duplicates", "boxes",
            f"{len(double):,} of {total:,} boxes repeat another of their label: {listed(double, 2)}",
            "what finds the thing once is counted as having missed one", "remove the copies from the list",
            {"boxes": len(double), "of": total}, tuple(double[:20]),
        )  # fmt: skip
    if torn:
        yield Finding(
            "warning", "conflicting labels", "boxes", f"{len(torn):,} places have boxes of two labels: {listed(torn, 2)}",
            "one of the labels is probably wrong", "look at them, and mend the labels", {"places": len(torn)},
            tuple(torn[:20]),
        )  # fmt: skip


def _overlaps(boxes: numpy.ndarray) -> numpy.ndarray:
    """Return the intersection over union of each pair, `(boxes, boxes)`."""
    low = numpy.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = numpy.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    both = (high - low).clip(0).prod(2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return both / numpy.maximum(area[:, None] + area[None, :] - both, 1e-12)


def _bare(things: Sequence[Things]) -> Iterator[Finding]:
    bare = [each.name for each in things if not len(each.boxes)]
    if bare:
        part = len(bare) / len(things)
        yield Finding(
            "warning" if part >= HALF else "note", "no boxes", "images",
            f"{len(bare):,} of {len(things):,} images ({share(len(bare), len(things))}) have no box: {listed(bare, 3)}",
            "they teach that nothing is there; where something is, they teach to overlook it", "look at them: were they forgotten?",
            {"images": len(bare), "of": len(things)}, tuple(bare[:20]),
        )  # fmt: skip


def _spelled(names: Sequence[str]) -> Iterator[Finding]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(" ".join(name.casefold().split()).rstrip("."), []).append(name)
    same = [group for group in groups.values() if len(group) > 1]
    if same:
        shown = listed([" = ".join(f"'{name}'" for name in group) for group in same], 3)
        yield Finding(
            "warning", "spellings", "labels", f"the same but for case, blanks or a full stop: {shown}",
            "each spelling is a class of its own, with fewer boxes to learn from", "write them in one way", {"labels": len(same)},
        )  # fmt: skip


def _counted(counts: Mapping[str, Mapping[str, int]]) -> Iterator[Finding]:
    first = "train" if "train" in counts else next(iter(counts))
    train = counts[first]
    total = sum(train.values())
    (name, most), (least, fewest) = (pick(train.items(), key=lambda each: each[1]) for pick in (max, min))
    if len(train) > 1 and most >= balance.UNEVEN * total:
        yield Finding(
            "note", "imbalance", "classes",
            f"{share(most, total)} of the training boxes are '{name}', {share(fewest, total)} '{least}' ({fewest:,} boxes)",
            "read the average precision of each class: their mean weighs all alike", "more images of the rare ones",
            {"largest": most, "smallest": fewest, "total": total},
        )  # fmt: skip
    yield from balance.rare(train, "boxes")
    yield from balance.absent(
        {"train": train, **{key: each for key, each in counts.items() if key != first}}, "box"
    )


def _shown(box: Sequence[float] | numpy.ndarray) -> str:
    return "(" + ", ".join(f"{value:g}" for value in box) + ")"
