"""Boxes: a folder of images and a list of what is where in them, as a `Dataset` of `Image` -> `Boxes`."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy
import polars
import torch

from neurarium.core.errors import DataError
from neurarium.core.files import read_json
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.preparation.dense import BoxTarget
from neurarium.data.readers.dense import collected, found_images, how_to_split, image_folder, pixels_of
from neurarium.data.readers.encodings import missing_path
from neurarium.data.readers.fitting import fit_of
from neurarium.data.readers.folders import Folder
from neurarium.data.readers.looks import choose_looks
from neurarium.data.readers.pictures import Rules, header
from neurarium.data.rereading import rereadable

COLUMNS = ("image", "x_min", "y_min", "x_max", "y_max", "label")
MOST = 300  # boxes per image; memory and the loss grow with the image that has most


@dataclasses.dataclass
class Listed:
    """What is in the images of a list: for each its boxes `(boxes, 4)` in pixels of the file, and their labels."""

    boxes: dict[str, list[tuple[float, float, float, float]]]
    labels: dict[str, list[str]]
    dropped: int = 0  # boxes of crowds, or without an area


@rereadable
def boxes(
    source: Any,
    *,
    boxes: str | Path,
    test: Any = None,
    validation: float | Any = 0.15,
    test_fraction: float = 0.15,
    split: str | Mapping[str, Sequence[int]] | None = None,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    aspect: Literal["crop", "letterbox", "stretch"] = "letterbox",
    background: Literal["white", "grey", "black"] = "black",
    levels: tuple[float, float] | None = None,
    memory: int | None = None,
    seed: int = 0,
    name: str | None = None,
) -> Dataset:
    """Read images and the boxes of the things in them.

    The list is a COCO file (JSON with `images`, `annotations`, `categories`) or a CSV with the columns image, x_min, y_min,
    x_max, y_max, label; images are named relative to the folder, or by their file name alone. A row without numbers says
    that nothing is in that image. Images that the list does not name are left out: nobody looked at them.

    Args:
        source: a folder of images, or one with `train`, `validation` and `test` folders.
        boxes: the list.
        validation, test_fraction: shares of the images that validate and test, where no folder says so.
        test: not for boxes; a folder `test` is.
        split: "random", or the rows of each split.
        size, channels, aspect, background, levels: as for `masks`; boxes move with their image.
        memory: bytes that decoded images may take.
        seed: decides the split.
        name: how reports call the dataset.

    Raises:
        DataError: a damaged list, a box outside its image, a class that training images do not have.

    >>> import tempfile
    >>> from PIL import Image as Pillow
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for number in range(10):
    ...         Pillow.fromarray(numpy.zeros((8, 8), numpy.uint8)).save(Path(folder) / f"{number}.png")
    ...     lines = [",".join(COLUMNS), *(f"{number}.png,1,1,5,4,cat" for number in range(10))]
    ...     _ = (Path(folder) / "boxes.csv").write_text("\\n".join(lines))
    ...     boxes(folder, boxes=Path(folder) / "boxes.csv", name="cats")
    Dataset(cats: Image -> Boxes; train 6, validation 2, test 2)
    """
    root, listing = image_folder(source, "boxes"), Path(boxes)
    if not listing.exists():
        raise missing_path(listing)
    listed = read_boxes(listing)
    found = found_images(root)
    keys, left = named_images(found, root, listed, listing)
    how = how_to_split(found, validation, test, test_fraction, split, seed)
    spec, rules, decisions = choose_looks(found, size, channels, Rules(aspect, background, levels))
    classes = _classes(keys, listed)
    most = max((len(listed.boxes[key]) for part in keys.values() for key in part), default=0)
    if most > MOST:
        raise DataError(
            f"an image has more than {MOST} boxes", expected=f"{MOST} or fewer", received=f"{most:,}",
            fix="cut such images into tiles",
        )  # fmt: skip
    target = BoxTarget(classes, max(1, most), spec.height, spec.width)
    held, storage = pixels_of(found, spec, rules, memory)
    encoded = {key: encoded_boxes(found[key], keys[key], listed, target, rules.aspect) for key in found}
    shown = f"the labels of {sum(len(listed.labels[k]) for k in keys['train']):,} boxes"
    decisions.append(Decision("classes", len(classes), shown, "the labels in the list"))
    if left:
        decisions.append(Decision("images left out", left, f"{listing.name} does not name them", "list them"))
    if listed.dropped:
        why = "crowds, or without an area: no single thing can be told from them"
        decisions.append(Decision("boxes left out", listed.dropped, why, "mend them in the list"))
    dataset = collected(
        name or root.name, found, held, encoded, target, spec, rules, how,
        lambda held: _counted(held, target), [*decisions, storage],
    )  # fmt: skip
    digest = hashlib.sha256(listing.read_bytes())
    for part in found.values():
        digest.update("".join(f"{part.name(each)}\0{each.stat().st_size}\n" for each in part.paths).encode())
    dataset.summary["sha256"] = digest.hexdigest()
    return dataset


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


def _classes(keys: Mapping[str, Sequence[str]], listed: Listed) -> tuple[str, ...]:
    from neurarium.data.preparation.targets import label_names

    names = {part: {label for key in held for label in listed.labels[key]} for part, held in keys.items()}
    if not names["train"]:
        raise DataError("no training image has a box", expected="at least one thing to find")
    for part, held in names.items():
        unknown = held - names["train"]
        if unknown:
            raise DataError(
                f"the {part} images have a class that the training images do not have",
                expected=", ".join(sorted(names["train"])[:20]),
                received=", ".join(sorted(unknown)[:5]),
                fix="another split (--seed 1), folders train, validation and test, or more images of these classes",
            )
    return label_names(sorted(names["train"]))


def encoded_boxes(
    folder: Folder, keys: Sequence[str], listed: Listed, target: BoxTarget, aspect: str
) -> dict[str, torch.Tensor]:
    """Return the targets of a part: boxes at the prepared size, labels, and which of them are there."""
    sides = torch.zeros(len(keys), target.most, 4)
    labels = torch.zeros(len(keys), target.most, dtype=torch.int64)
    present = torch.zeros(len(keys), target.most, dtype=torch.bool)
    codes = {name: code for code, name in enumerate(target.classes)}
    for place, (path, key) in enumerate(zip(folder.paths, keys, strict=True)):
        head = header(path)
        if isinstance(head, str) or not listed.boxes[key]:
            continue
        own = numpy.array(listed.boxes[key])
        over = (own < -1).any(1) | (own > numpy.array([head.width, head.height] * 2) + 1).any(1)
        if over.any():
            raise DataError(
                f"a box lies outside its image {folder.name(path)}",
                expected=f"left, top, right, bottom within {head.width} x {head.height} pixels",
                received=", ".join(f"{value:g}" for value in own[over][0]),
                fix="mend the list: COCO has left, top, width, height; a CSV the four sides, in pixels",
            )
        fit = fit_of(head.width, head.height, (target.height, target.width), aspect)
        moved = fit.boxes(own)
        seen = ((moved[:, 2:] - moved[:, :2]) > 0.5).all(1)  # what was cut off is not there
        count = int(seen.sum())
        sides[place, :count] = torch.from_numpy(moved[seen]).float()
        labels[place, :count] = torch.tensor(
            [codes[each] for each, on in zip(listed.labels[key], seen, strict=True) if on], dtype=torch.int64
        )
        present[place, :count] = True
    return {"boxes": sides, "labels": labels, "present": present}


def _counted(held: Mapping[str, torch.Tensor], target: BoxTarget) -> dict[str, int]:
    counts = torch.bincount(held["labels"][held["present"]], minlength=len(target.classes)).tolist()
    return dict(zip(target.classes, counts, strict=True))
