"""Similar pictures: equal files, and those that only look equal, in one split, across splits, across classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy

from neurarium.studies.inspection.finding import Finding, listed, share
from neurarium.studies.inspection.pictures import Picture, Pictures

BITS = 6  # of 64 that may differ
APART = (
    6.0  # mean difference of the thumbnails in shades of 256, after their mean and contrast were made equal
)
ROOT = (
    15.0  # root of the mean squared difference: a small thing elsewhere before the same ground makes it large
)
TINT = 16.0  # shades that the mean color may be apart
SIDE = 32  # smaller pictures hold too little to look equal by accident of one object
CONTRAST = 8.0  # nearly flat pictures look all the same
CHUNK = 2048
SOME = 0.01


def findings(pictures: Pictures) -> Iterator[Finding]:
    """Yield pictures that are there more than once."""
    seen = pictures.seen
    exact = equal(seen)
    near = alike(seen, exact) if comparable(seen) else []
    yield from _told(pictures, exact, "equal", "duplicates")
    yield from _told(pictures, near, "nearly equal", "near duplicates")


def comparable(seen: Sequence[Picture]) -> bool:
    """Return whether the pictures are large enough to say that two of them look equal."""
    return bool(seen) and all(min(each.height, each.width) >= SIDE for each in seen)


def equal(seen: Sequence[Picture]) -> list[list[int]]:
    """Return groups of pictures with the same bytes."""
    places: dict[bytes, list[int]] = {}
    for place, each in enumerate(seen):
        places.setdefault(each.digest, []).append(place)
    return [group for group in places.values() if len(group) > 1]


def alike(seen: Sequence[Picture], exact: Sequence[Sequence[int]] = ()) -> list[list[int]]:
    """Return groups of pictures that look equal: hashes within six bits, and thumbnails of nearly the same shades.

    Args:
        seen: the pictures.
        exact: groups of equal ones, of which one is looked at.
    """
    left = {place for group in exact for place in group[1:]}
    places = [
        place for place, each in enumerate(seen) if place not in left and max(each.deviation) >= CONTRAST
    ]
    if len(places) < 2:
        return []
    hashes = numpy.array([seen[place].hash for place in places], dtype=">u8")
    bits = numpy.unpackbits(hashes.view(numpy.uint8).reshape(-1, 8), axis=1).astype(numpy.float32) * 2 - 1
    thumbs = numpy.stack([_evened(seen[place].thumb) for place in places])
    tints = numpy.stack([_tint(seen[place].mean) for place in places])
    groups = _Groups(len(places))
    for start in range(0, len(places), CHUNK):
        close = bits[start : start + CHUNK] @ bits[start:].T >= 64 - 2 * BITS
        for a, b in zip(*(each + start for each in numpy.nonzero(close)), strict=True):
            if a < b and _is_near(thumbs[a] - thumbs[b]) and numpy.abs(tints[a] - tints[b]).max() <= TINT:
                groups.join(int(a), int(b))
    return [[places[each] for each in group] for group in groups.all()]


def _is_near(difference: numpy.ndarray) -> bool:
    return bool(numpy.abs(difference).mean() <= APART and numpy.square(difference).mean() <= ROOT**2)


def _tint(mean: Sequence[float]) -> numpy.ndarray:
    """Return how far each channel's mean is from grey, `(3,)`: light changes it little, other things are of other colors."""
    channels = numpy.resize(numpy.asarray(mean, dtype=numpy.float32)[:3], 3)
    return channels - channels.mean()


def _evened(thumb: numpy.ndarray) -> numpy.ndarray:
    """Return a thumbnail with mean 128 and contrast 48, so that exposure does not count."""
    values = thumb.astype(numpy.float32)
    spread = float(values.std())
    return (values - values.mean()) * (48 / max(spread, 1.0)) + 128


class _Groups:
    """Sets that are joined (union-find)."""

    def __init__(self, count: int):
        self.above = list(range(count))

    def root(self, place: int) -> int:
        while self.above[place] != place:
            self.above[place] = self.above[self.above[place]]
            place = self.above[place]
        return place

    def join(self, a: int, b: int) -> None:
        first, second = sorted((self.root(a), self.root(b)))
        self.above[second] = first

    def all(self) -> list[list[int]]:
        found: dict[int, list[int]] = {}
        for place in range(len(self.above)):
            found.setdefault(self.root(place), []).append(place)
        return [group for group in found.values() if len(group) > 1]


def _told(pictures: Pictures, groups: list[list[int]], word: str, kind: str) -> Iterator[Finding]:
    seen = pictures.seen
    whole = [[seen[place] for place in group] for group in groups]
    crossing = [group for group in whole if len({each.split for each in group}) > 1]
    split_by_label = [group for group in whole if len({each.label for each in group}) > 1]
    inside = [group for group in whole if group not in crossing and group not in split_by_label]
    if crossing:
        yield _across(pictures, crossing, word, kind)
    if split_by_label:
        count = sum(len(group) for group in split_by_label)
        yield Finding(
            "warning", f"{kind} across classes", "images",
            f"{count:,} {word} images in {len(split_by_label):,} groups stand in different classes: "
            f"{_names(split_by_label)}",
            "one of the labels is wrong, and no network can be right on both", "look at them, and mend the labels",
            {"images": count, "groups": len(split_by_label)}, _files(split_by_label),
        )  # fmt: skip
    if inside:
        extra = sum(len(group) - 1 for group in inside)
        yield Finding(
            "warning" if extra >= max(3, SOME * len(seen)) else "note", kind, "images",
            f"{extra:,} of {len(seen):,} images repeat another of their split: {_names(inside)}",
            "repeated images count more than once, in learning and in measuring", "remove them",
            {"repeated": extra, "groups": len(inside)}, _files(inside),
        )  # fmt: skip


def _across(pictures: Pictures, groups: list[list[Picture]], word: str, kind: str) -> Finding:
    """Examples that measure and have an equal in training, or between validation and test."""
    measured = [each for group in groups for each in group if each.split != "train"]
    total = sum(each.split != "train" for each in pictures.seen)
    return Finding(
        "error" if len(measured) >= max(3, 0.1 * total) else "warning", f"{kind} across splits", "images",
        f"{len(measured):,} of {total:,} validation and test images ({share(len(measured), total)}) have an {word} one "
        f"in another split: {_names(groups)}".replace("an nearly", "a nearly"),
        "what was learned by heart counts as understood: the measured quality is too high",
        "remove them from one side, or put all images of one thing into one split",
        {"images": len(measured), "measured": total, "groups": len(groups)}, _files(groups),
    )  # fmt: skip


def _names(groups: Sequence[Sequence[Picture]]) -> str:
    return listed([" = ".join(each.name for each in group[:3]) for group in groups], 2)


def _files(groups: Sequence[Sequence[Picture]]) -> tuple[str, ...]:
    return tuple(each.name for group in groups[:10] for each in group[:4])
