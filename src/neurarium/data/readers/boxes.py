"""Lists of boxes: a COCO file or a CSV that says what is where in the images of a folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy
import polars

from neurarium.core.errors import DataError
from neurarium.core.files import read_json
from neurarium.data.readers.folders import Folder

COLUMNS = ("image", "x_min", "y_min", "x_max", "y_max", "label")


@dataclasses.dataclass
class Listed:
    """What is in the images of a list: for each its boxes `(boxes, 4)` in pixels of the file, and their labels."""

    boxes: dict[str, list[tuple[float, float, float, float]]]
    labels: dict[str, list[str]]
    dropped: int = 0  # boxes of crowds, or without an area


def read_boxes(path: Path) -> Listed:
    """Read a COCO file or a CSV of boxes.

    Raises:
        DataError: it is neither, or a box is none.
    """
    return _from_coco(path) if path.suffix.lower() == ".json" else _from_csv(path)


def _from_coco(path: Path) -> Listed:
    held: Any = read_json(path)
    needed = ("images", "annotations", "categories")
    if not isinstance(held, Mapping) or any(not isinstance(held.get(key), list) for key in needed):
        raise DataError(
            f"{path} is no COCO file of boxes",
            expected="JSON with lists images, annotations, categories",
            received=", ".join(held) if isinstance(held, Mapping) else type(held).__name__,
        )
    found = Listed({}, {})
    place = ""
    try:
        names = {each["id"]: str(each["file_name"]) for each in held["images"]}
        kinds = {each["id"]: str(each["name"]) for each in held["categories"]}
        for name in names.values():
            found.boxes[name], found.labels[name] = [], []
        for number, each in enumerate(held["annotations"]):
            place = f"annotation {number}"
            _listed(each, "image_id", names, "images", f"{place} of {path}")
            _listed(each, "category_id", kinds, "categories", f"{place} of {path}")
            left, top, width, height = (float(value) for value in each["bbox"])
            if each.get("iscrowd"):
                found.dropped += 1
                continue
            box = (left, top, left + width, top + height)
            _add(found, names[each["image_id"]], box, kinds[each["category_id"]], f"{place} of {path}")
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path} is damaged: {place or 'its images or categories'}: {error!r}",
            expected="image_id and category_id that are listed, and bbox [left, top, width, height]",
            fix="export it again",
        ) from error
    return found


def _listed(annotation: Any, key: str, known: Mapping[Any, str], where: str, place: str) -> None:
    """Refuse an annotation whose image or category the file does not list.

    Raises:
        DataError: it is not listed.
    """
    if annotation[key] not in known:
        raise DataError(
            f"{place} has the {key} {annotation[key]!r}, which is none of its {where}",
            expected=", ".join(f"{each!r} ({name})" for each, name in list(known.items())[:5])
            or f"a list of {where}",
            received=annotation[key],
            fix=f"add it to {where}, or remove the annotation",
        )


def _from_csv(path: Path) -> Listed:
    try:
        frame = polars.read_csv(path, infer_schema=False, separator="\t" if path.suffix == ".tsv" else ",")
    except polars.exceptions.PolarsError as error:
        raise DataError(f"{path} is no table of boxes: {str(error).splitlines()[0]}") from error
    lacking = [each for each in COLUMNS if each not in frame.columns]
    if lacking:
        raise DataError(
            f"{path} lacks the column{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}",
            expected=", ".join(COLUMNS),
            received=", ".join(frame.columns),
            fix="rename the columns of the table",
        )
    found = Listed({}, {})
    for number, (image, *sides, label) in enumerate(frame.select(COLUMNS).iter_rows(), start=2):
        found.boxes.setdefault(str(image), [])
        found.labels.setdefault(str(image), [])
        if all(each in (None, "") for each in (*sides, label)):
            continue
        try:
            left, top, right, bottom = (float(each) for each in sides)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"line {number} of {path} holds no box", expected="four numbers and a label", received=sides
            ) from error
        if label in (None, ""):
            raise DataError(f"line {number} of {path} has no label", expected="the name of a class")
        _add(found, str(image), (left, top, right, bottom), str(label), f"line {number} of {path}")
    return found


def _add(found: Listed, name: str, box: tuple[float, float, float, float], label: str, where: str) -> None:
    left, top, right, bottom = box
    if not all(numpy.isfinite(box)) or right < left or bottom < top:
        raise DataError(
            f"{where} holds no box: its sides are exchanged, or no numbers",
            expected="x_min <= x_max and y_min <= y_max",
            received=f"x {left:g} to {right:g}, y {top:g} to {bottom:g}",
            fix="mend the list: COCO has left, top, width, height; a CSV the four sides, in pixels",
        )
    if right == left or bottom == top:
        found.dropped += 1
        return
    found.boxes[name].append(box)
    found.labels[name].append(label)


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
