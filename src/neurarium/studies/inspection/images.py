"""Images: sizes, modes, broken files, pictures of one color, and how bright they are."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from neurarium.studies.inspection import similar
from neurarium.studies.inspection.finding import Finding, listed
from neurarium.studies.inspection.pictures import Picture, Pictures

MODES = {
    "1": "black and white", "L": "grey", "LA": "grey with transparency", "P": "palette", "RGB": "color",
    "RGBA": "color with transparency", "CMYK": "CMYK", "YCbCr": "YCbCr", "I;16": "16-bit grey", "I": "32-bit grey",
    "F": "float grey", "": "array",
}  # fmt: skip
ENDINGS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"), "PNG": (".png", ".apng"), "GIF": (".gif",), "BMP": (".bmp",),
    "WEBP": (".webp",), "TIFF": (".tif", ".tiff"),
}  # fmt: skip
SAME = {"MPO": "JPEG"}  # two photographs in one file, as telephones make them
RARE = 0.005  # share of files up to which a format is odd among others
ODD = 3.0  # the largest of the shorter sides over the smallest, above which sizes are a finding


def facts(pictures: Pictures) -> dict[str, Any]:
    """Return what the images are: counts, sizes, modes, formats, brightness."""
    seen = pictures.seen
    sizes = Counter((each.height, each.width) for each in seen)
    return {
        "looked_at": pictures.looked_at[0],
        "images": pictures.looked_at[1],
        "classes": pictures.counts,
        "sizes": [[height, width, count] for (height, width), count in sizes.most_common(8)],
        "different_sizes": len(sizes),
        "shorter_side": _range([min(each.height, each.width) for each in seen]),
        "longer_side": _range([max(each.height, each.width) for each in seen]),
        "modes": dict(Counter(MODES.get(each.mode, each.mode) for each in seen).most_common()),
        "formats": dict(Counter(each.form for each in seen if each.form).most_common()),
        "animated": sum(each.frames > 1 for each in seen),
        "turned": sum(each.turned for each in seen),
        "broken": pictures.broken,
        "channels": _channels(seen),
        "near_duplicates": similar.comparable(seen),
    }  # fmt: skip


def _range(values: list[int]) -> list[float]:
    return [min(values), statistics.median(values), max(values)] if values else []


def _channels(seen: list[Picture]) -> dict[str, Any]:
    """Means and deviations per channel, over the images of each split (grey ones count in all channels)."""
    found = {}
    for split in dict.fromkeys(each.split for each in seen):
        rows = [each for each in seen if each.split == split]
        depth = max(len(each.mean) for each in rows)
        means = [[each.mean[channel % len(each.mean)] for each in rows] for channel in range(depth)]
        spreads = [[each.deviation[channel % len(each.mean)] for each in rows] for channel in range(depth)]
        found[split] = {
            "mean": [round(statistics.fmean(values), 1) for values in means],
            "deviation": [round(statistics.fmean(values), 1) for values in spreads],
        }
    return found


def findings(pictures: Pictures) -> Iterator[Finding]:
    """Yield what is wrong with single images."""
    yield from _broken(pictures)
    seen = pictures.seen
    flat = [each for each in seen if each.flat]
    if flat:
        yield Finding(
            "warning", "flat", "images", f"{len(flat):,} images are of one color: {_names(flat)}",
            "there is nothing on them to learn from", "look at them, and remove them", {"images": len(flat)},
            tuple(each.name for each in flat[:20]),
        )  # fmt: skip
    yield from _kinds(seen)
    yield from _sizes(pictures)


def _broken(pictures: Pictures) -> Iterator[Finding]:
    if not pictures.broken:
        return
    total = pictures.looked_at[1] + len(pictures.broken)
    shown = listed([f"{each['file']} ({each['reason']})" for each in pictures.broken], 4)
    yield Finding(
        "warning", "broken", "files", f"{len(pictures.broken):,} of {total:,} files cannot be read: {shown}",
        "training goes on without them", "restore them, or remove them",
        {"broken": len(pictures.broken), "files": total}, tuple(each["file"] for each in pictures.broken[:50]),
    )  # fmt: skip


def _kinds(seen: list[Picture]) -> Iterator[Finding]:
    rules = (
        ("animated", [each for each in seen if each.frames > 1], "are animated", "the first picture of each is taken"),
        ("rotated", [each for each in seen if each.turned], "are turned by what their camera noted (EXIF)",
         "they are turned as noted; other programs may not do it"),
        ("transparent", [each for each in seen if each.mode in ("LA", "La", "PA", "RGBA", "RGBa")],
         "can be transparent", "transparent pixels show white"),
        ("16-bit", [each for each in seen if each.mode.startswith("I") or each.mode == "F"],
         "have more than 8 bits", "they are scaled to 8 bits"),
        ("CMYK", [each for each in seen if each.mode == "CMYK"], "hold the colors of a press (CMYK)",
         "they are turned into red, green and blue without a profile"),
    )  # fmt: skip
    for kind, found, says, matters in rules:
        if found:
            yield Finding(
                "note", kind, "images", f"{len(found):,} of {len(seen):,} images {says}: {_names(found)}", matters,
                "look at some of them, if that is not what you mean", {"images": len(found)},
                tuple(each.name for each in found[:20]),
            )  # fmt: skip
    yield from _misnamed(seen)
    yield from _strange(seen)
    grey = sum(each.mode in ("1", "L", "LA") for each in seen)
    if 0 < grey < len(seen):
        few = [each for each in seen if (each.mode in ("1", "L", "LA")) == (2 * grey <= len(seen))]
        word = "grey" if 2 * grey <= len(seen) else "in color"
        yield Finding(
            "note", "mixed colors", "images", f"{len(few):,} of {len(seen):,} images are {word}: {_names(few)}",
            "all are read in color; where color goes with the class, a network learns that", "look at their classes",
            {"images": len(few)}, tuple(each.name for each in few[:20]),
        )  # fmt: skip


def _misnamed(seen: list[Picture]) -> Iterator[Finding]:
    """Files whose ending says another format than they hold: often a placeholder of a server."""
    held = {suffix: form for form, suffixes in ENDINGS.items() for suffix in suffixes}
    odd = [
        each for each in seen
        if each.form and held.get(PurePath(each.name).suffix.lower(), each.form) not in (each.form, SAME.get(each.form))
    ]  # fmt: skip
    if odd:
        shown = listed([f"{each.name} is {each.form}" for each in odd], 3)
        yield Finding(
            "note", "misnamed", "files", f"{len(odd):,} files hold another format than their name says: {shown}",
            "they are read all the same; such files are often placeholders for a photograph that is gone",
            "look at them", {"files": len(odd)}, tuple(each.name for each in odd[:20]),
        )  # fmt: skip


def _strange(seen: list[Picture]) -> Iterator[Finding]:
    """A few files of another format than all others: screenshots, icons, placeholders."""
    forms = Counter(each.form for each in seen if each.form)
    rare = {form for form, count in forms.items() if count <= max(1, RARE * len(seen))}
    odd = [each for each in seen if each.form in rare]
    if odd and len(seen) >= 50 and forms.most_common(1)[0][1] >= 0.9 * len(seen):
        most = forms.most_common(1)[0][0]
        shown = listed([f"{each.name} ({each.form})" for each in odd], 3)
        yield Finding(
            "note", "odd format", "files", f"{len(odd):,} of {len(seen):,} files are not {most} as the others: {shown}",
            "such files are often no photographs, but placeholders or drawings", "look at them",
            {"files": len(odd)}, tuple(each.name for each in odd[:20]),
        )  # fmt: skip


def _sizes(pictures: Pictures) -> Iterator[Finding]:
    seen = pictures.seen
    sides = [min(each.height, each.width) for each in seen]
    if not sides or max(sides) < ODD * min(sides):
        return
    small = min(seen, key=lambda each: (min(each.height, each.width), each.name))
    yield Finding(
        "note", "sizes", "images",
        f"the shorter sides lie from {min(sides):,} to {max(sides):,} pixels, half of them above "
        f"{statistics.median(sides):,.0f}; the smallest is {small.name}",
        "all become one size: small ones are blurred, large ones lose what is fine", "--set size=N chooses the size",
        {"least": min(sides), "most": max(sides), "median": float(statistics.median(sides))},
    )  # fmt: skip


def uneven(pictures: Pictures) -> Iterator[Finding]:
    """Yield a brightness that gives the split away: images that measure and look darker or lighter than those that train."""
    levels = {
        split: [statistics.fmean(each.mean) for each in pictures.seen if each.split == split]
        for split in ("train", "test")
    }
    if min(len(each) for each in levels.values()) < 30:
        return
    train, test = levels["train"], levels["test"]
    spread = statistics.pstdev(train) or 1.0
    moved = (statistics.fmean(test) - statistics.fmean(train)) / spread
    if abs(moved) >= 0.5:
        yield Finding(
            "warning" if abs(moved) >= 1 else "note", "drift", "brightness",
            f"test images have a mean level of {statistics.fmean(test):.0f}, training images of "
            f"{statistics.fmean(train):.0f} (of 255): {abs(moved):.1f} deviations apart",
            "the test images were taken in another way: expect another quality there",
            "training images like those of the test, or --augment", {"deviations": round(moved, 3)},
        )  # fmt: skip


def _names(found: list[Picture]) -> str:
    return listed([each.name for each in found], 3)
