"""Lists of boxes: a COCO file or a CSV that says what is where in the images of a folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import polars

from neurarium.core.errors import DataError
from neurarium.core.files import read_json
from neurarium.data.readers.folders import Folder

COLUMNS = ("image", "x_min", "y_min", "x_max", "y_max", "label")
# how others write the same columns: those of Pascal VOC and of Open Images turned into tables
OTHER = {
    "filename": "image", "file_name": "image", "xmin": "x_min", "ymin": "y_min", "xmax": "x_max", "ymax": "y_max", "class": "label",
}  # fmt: skip


@dataclasses.dataclass
class Listed:
    """What is in the images of a list.

    Args:
        boxes: for each image its boxes `(boxes, 4)` in pixels of the file.
        labels: for each image the labels of its boxes.
        areas: for each image the areas of its things in pixels of the file: as COCO says them, else those of the boxes.
        crowds: for each image the boxes of its crowds, each with its label: of what lies in one nothing can be said.
        left: boxes that were left out, as (reason, place in the list): "crowd" or "no area".
        sizes: for each image (width, height), where the list says it.
        categories, images: the ids that a COCO file gives to labels and to images.
    """

    boxes: dict[str, list[tuple[float, float, float, float]]] = dataclasses.field(default_factory=dict)
    labels: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    areas: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    crowds: dict[str, list[tuple[tuple[float, float, float, float], str]]] = dataclasses.field(
        default_factory=dict
    )
    left: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    sizes: dict[str, tuple[int, int]] = dataclasses.field(default_factory=dict)
    categories: dict[str, Any] = dataclasses.field(default_factory=dict)
    images: dict[str, Any] = dataclasses.field(default_factory=dict)


def read_boxes(path: Path, faults: list[DataError] | None = None) -> Listed:
    """Read a COCO file or a CSV of boxes.

    Args:
        path: the list.
        faults: takes what is wrong with single boxes, which are then left out; None stops at the first.

    Raises:
        DataError: it is neither, or a box is none, or all are shares of their images.
    """
    found = _from_coco(path, faults) if path.suffix.lower() == ".json" else _from_csv(path, faults)
    _told(_shares(found, path), faults)
    return found


def _shares(found: Listed, path: Path) -> DataError | None:
    """Return what is wrong where all boxes lie within the first pixel of their images: shares of width and height."""
    sides = [side for held in found.boxes.values() for box in held for side in box]
    if not sides or max(sides) > 1:
        return None
    return DataError(
        f"all boxes of {path} lie within 0 to 1: they are shares of the image, not pixels",
        expected="left, top, right, bottom in pixels",
        received=", ".join(f"{side:g}" for side in sides[:4]),
        fix="multiply x by the width and y by the height of its image",
    )


def _told(fault: DataError | None, faults: list[DataError] | None) -> bool:
    """Return whether there is a fault that is kept; raise one that is not."""
    if fault is not None and faults is None:
        raise fault
    if fault is not None and faults is not None:
        faults.append(fault)
    return fault is not None


def _from_coco(path: Path, faults: list[DataError] | None) -> Listed:
    held: Any = read_json(path)
    needed = ("images", "annotations", "categories")
    if not isinstance(held, Mapping) or any(not isinstance(held.get(key), list) for key in needed):
        raise DataError(
            f"{path} is no COCO file of boxes",
            expected="JSON with lists images, annotations, categories",
            received=_received(held, needed),
            fix="export the boxes as COCO detection, or write a CSV with the columns " + ", ".join(COLUMNS),
        )
    found = Listed()
    place = ""
    try:
        names = {each["id"]: str(each["file_name"]) for each in held["images"]}
        kinds = {each["id"]: str(each["name"]) for each in held["categories"]}
        found.images = {name: key for key, name in names.items()}
        found.categories = {name: key for key, name in kinds.items()}
        for each in held["images"]:
            name = str(each["file_name"])
            found.boxes[name], found.labels[name], found.areas[name] = [], [], []
            if each.get("width") and each.get("height"):
                found.sizes[name] = (int(each["width"]), int(each["height"]))
        for number, each in enumerate(held["annotations"]):
            place = f"annotation {number}"
            unknown = [
                _unlisted(each, key, known, f"{place} of {path}")
                for key, known in (("image_id", names), ("category_id", kinds))
            ]
            left, top, width, height = (float(value) for value in each["bbox"])
            if any([_told(fault, faults) for fault in unknown]):
                continue
            box = (left, top, left + width, top + height)
            name, kind = names[each["image_id"]], kinds[each["category_id"]]
            if each.get("iscrowd"):
                found.left.append(("crowd", place))
                if width > 0 and height > 0:
                    found.crowds.setdefault(name, []).append((box, kind))
                continue
            area = float(each.get("area") or 0)
            _told(_add(found, name, box, kind, f"{place} of {path}", area), faults)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path} is damaged: {place or 'its images or categories'}: {error!r}",
            expected="image_id and category_id that are listed, and bbox [left, top, width, height]",
            fix="export it again",
        ) from error
    return found


def _received(held: Any, needed: Sequence[str]) -> str:
    """Return what a JSON file holds in the place of COCO's lists."""
    if not isinstance(held, Mapping):
        return f"a {type(held).__name__}"
    lacking = [key for key in needed if not isinstance(held.get(key), list)]
    return f"{', '.join(map(str, list(held)[:8])) or 'nothing'}; no list {', no list '.join(lacking)}"


def _unlisted(annotation: Any, key: str, known: Mapping[Any, str], place: str) -> DataError | None:
    """Return what is wrong with an annotation whose image or category the file does not list."""
    if annotation[key] in known:
        return None
    where = "images" if key == "image_id" else "categories"
    return DataError(
        f"{place} has the {key} {annotation[key]!r}, which is none of its {where}",
        expected=", ".join(f"{each!r} ({name})" for each, name in list(known.items())[:5])
        or f"a list of {where}",
        received=annotation[key],
        fix=f"add it to {where}, or remove the annotation",
    )


def _from_csv(path: Path, faults: list[DataError] | None) -> Listed:
    try:
        frame = polars.read_csv(path, infer_schema=False, separator="\t" if path.suffix == ".tsv" else ",")
    except polars.exceptions.PolarsError as error:
        raise DataError(
            f"{path} is no table of boxes: {str(error).splitlines()[0]}",
            expected=f"a CSV with the columns {', '.join(COLUMNS)}",
            fix="save it again as CSV in UTF-8, or give a COCO file (JSON)",
        ) from error
    frame = frame.rename(
        {name: OTHER[name] for name in frame.columns if name in OTHER and OTHER[name] not in frame.columns}
    )
    lacking = [each for each in COLUMNS if each not in frame.columns]
    if lacking:
        raise DataError(
            f"{path} lacks the column{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}",
            expected=", ".join(COLUMNS),
            received=", ".join(frame.columns),
            fix="from the upper left corner and the size: x_max = x + width, y_max = y + height"
            if {"width", "height"} <= set(frame.columns) or {"w", "h"} <= set(frame.columns)
            else "rename the columns of the table",
        )
    found = Listed()
    for number, (image, *sides, label) in enumerate(frame.select(COLUMNS).iter_rows(), start=2):
        found.boxes.setdefault(str(image), [])
        found.labels.setdefault(str(image), [])
        found.areas.setdefault(str(image), [])
        if all(each in (None, "") for each in (*sides, label)):
            continue
        _told(_line(found, str(image), sides, label, f"line {number} of {path}"), faults)
    return found


def _line(found: Listed, image: str, sides: Sequence[Any], label: Any, where: str) -> DataError | None:
    """Add the box of a line of a table, or return what is wrong with it."""
    try:
        left, top, right, bottom = (float(each) for each in sides)
    except (TypeError, ValueError):
        return DataError(
            f"{where} holds no box",
            expected="four numbers and a label; all five empty where nothing is in the image",
            received=", ".join(
                str(each) if each not in (None, "") else "nothing" for each in (*sides, label)
            ),
            fix="write x_min, y_min, x_max, y_max in pixels, or remove the line",
        )
    if label in (None, ""):
        return DataError(
            f"{where} has no label", expected="the name of a class", received="nothing",
            fix="name what is in the box, or remove the line",
        )  # fmt: skip
    return _add(found, image, (left, top, right, bottom), str(label), where)


def _add(
    found: Listed,
    name: str,
    box: tuple[float, float, float, float],
    label: str,
    where: str,
    area: float = 0.0,
) -> DataError | None:
    """Add a box, or return what is wrong with it; an area of 0 stands for that of the box."""
    left, top, right, bottom = box
    if not all(numpy.isfinite(box)) or right < left or bottom < top:
        return DataError(
            f"{where} holds no box: its sides are exchanged, or no numbers",
            expected="x_min <= x_max and y_min <= y_max",
            received=f"x {left:g} to {right:g}, y {top:g} to {bottom:g}",
            fix="mend the list: COCO has left, top, width, height; a CSV the four sides, in pixels",
        )
    if right == left or bottom == top:
        found.left.append(("no area", where.split(" of ")[0]))
        return None
    found.boxes[name].append(box)
    found.labels[name].append(label)
    found.areas[name].append(area if area > 0 else (right - left) * (bottom - top))
    return None


def named_images(
    found: dict[str, Folder], root: Path, listed: Listed, listing: Path
) -> tuple[dict[str, list[str]], int]:
    """Keep the images that the list names; return the name of each there, and how many were left out.

    Raises:
        DataError: none is named.
    """
    by_file: dict[str, list[str]] = {}
    for name in listed.boxes:
        by_file.setdefault(Path(name).name, []).append(name)
    keys, left = {}, 0
    for part, folder in found.items():
        named = []
        for path in folder.paths:
            relative = path.relative_to(root).as_posix()
            alone = by_file.get(path.name, [])
            named.append(relative if relative in listed.boxes else alone[0] if len(alone) == 1 else "")
        kept = [place for place, name in enumerate(named) if name]
        if not kept:
            raise DataError(
                f"{listing} names none of the {len(folder.paths):,} images for {part}",
                expected=f"names relative to {root}, such as {folder.name(folder.paths[0])}",
                received=", ".join(list(listed.boxes)[:3]) or "no image",
            )
        left += len(named) - len(kept)
        if len(kept) < len(named):
            folder.paths = [folder.paths[place] for place in kept]
        keys[part] = [named[place] for place in kept]
    return keys, left
