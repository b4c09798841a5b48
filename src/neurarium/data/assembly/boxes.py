"""Boxes: a folder of images and a list of what is where in them, as a `Dataset` of `Image` -> `Boxes`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy
import torch

from neurarium.core.errors import DataError
from neurarium.data.assembly.dense import collected, found_images, how_to_split, image_folder, pixels_of
from neurarium.data.assembly.looks import choose_looks
from neurarium.data.assembly.rereading import rereadable
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.preparation.dense_targets import BoxTarget
from neurarium.data.readers.boxes import Listed, named_images, read_boxes
from neurarium.data.readers.encodings import missing_path
from neurarium.data.readers.fitting import fit_of
from neurarium.data.readers.folders import Folder
from neurarium.data.readers.pictures import Rules, header
from neurarium.data.specs import Image

TINY = 4  # pixels, the finest stride of the detector
MOST = 300  # boxes per image; memory and the loss grow with the image that has most


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
    ...     lines = ["image,x_min,y_min,x_max,y_max,label", *(f"{number}.png,1,1,5,4,cat" for number in range(10))]
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
    most = most_boxes(listed, (key for part in keys.values() for key in part))
    if most > MOST:
        raise DataError(
            f"an image has more than {MOST} boxes", expected=f"{MOST} or fewer", received=f"{most:,}",
            fix="cut such images into tiles",
        )  # fmt: skip
    ids = tuple(listed.categories[name] for name in classes) if listed.categories else ()
    target = BoxTarget(classes, max(1, most), spec.height, spec.width, ids)
    held, storage = pixels_of(found, spec, rules, memory)
    encoded = {key: encoded_boxes(found[key], keys[key], listed, target, rules.aspect) for key in found}
    shown = f"the labels of {sum(len(listed.labels[k]) for k in keys['train']):,} boxes"
    decisions.append(Decision("classes", len(classes), shown, "the labels in the list"))
    if left:
        decisions.append(Decision("images left out", left, f"{listing.name} does not name them", "list them"))
    absent = sorted(set(listed.boxes) - {key for part in keys.values() for key in part})
    if absent:
        said = f"{listing.name} names images that are not in {root.name}: {', '.join(absent[:3])}"
        decisions.append(Decision("images missing", len(absent), said, "add them, or take them off the list"))
    decisions += _vanished(keys, listed, encoded, spec)
    if listed.left:
        why = "crowds, in which no box counts as false, or without an area: no single thing can be told from them"
        decisions.append(Decision("boxes left out", len(listed.left), why, "mend them in the list"))
    dataset = collected(
        name or root.name, found, held, encoded, target, spec, rules, how,
        lambda held: _counted(held, target), [*decisions, storage],
    )  # fmt: skip
    digest = hashlib.sha256(listing.read_bytes())
    for part in found.values():
        digest.update("".join(f"{part.name(each)}\0{each.stat().st_size}\n" for each in part.paths).encode())
    dataset.summary["sha256"] = digest.hexdigest()
    return dataset


def _vanished(
    keys: Mapping[str, Sequence[str]], listed: Listed, encoded: Mapping[str, Any], spec: Image
) -> list[Decision]:
    """Say how many boxes are no longer there, or hardly to be seen, at the size of the network.

    Raises:
        DataError: none is left to learn from.
    """
    before = {part: sum(len(listed.boxes[key]) for key in held) for part, held in keys.items()}
    kept = {part: held["boxes"][held["present"]] for part, held in encoded.items()}
    size = f"{spec.height} x {spec.width}"
    if not len(kept["train"]):
        raise DataError(
            f"no training box is left where images become {size}",
            expected="boxes of more than half a pixel there",
            received=f"{before['train']:,} smaller ones, or cut off",
            fix="give --set size=, or mend the list: its numbers are pixels of the files",
        )
    found = []
    lost = sum(before.values()) - sum(map(len, kept.values()))
    if lost:
        reason = (
            f"at {size} they are less than half a pixel, or cut off; they count nowhere, the test included"
        )
        found.append(Decision("boxes lost", lost, reason, "--set size=, --set aspect="))
    shorter = torch.cat([(each[:, 2:] - each[:, :2]).amin(dim=1) for each in kept.values()])
    tiny = int((shorter < TINY).sum())
    if tiny > len(shorter) / 20:
        reason = f"of {len(shorter):,} boxes have a side of less than {TINY} pixels at {size}, and are hardly found"
        found.append(Decision("tiny boxes", tiny, reason, "--set size="))
    return found


def _classes(keys: Mapping[str, Sequence[str]], listed: Listed) -> tuple[str, ...]:
    from neurarium.data.preparation.targets import label_names

    names = {part: {label for key in held for label in listed.labels[key]} for part, held in keys.items()}
    if not names["train"]:
        raise DataError(
            "no training image has a box",
            expected="at least one thing to find",
            received=f"{len(keys['train']):,} training images, all of them empty",
            fix="add boxes to the list; crowds and boxes without an area do not count",
        )
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


def most_boxes(listed: Listed, keys: Iterable[str]) -> int:
    """Return how many boxes the fullest of some images has, its crowds among them."""
    return max((len(listed.boxes[key]) + len(listed.crowds.get(key, ())) for key in keys), default=0)


def encoded_boxes(
    folder: Folder, keys: Sequence[str], listed: Listed, target: BoxTarget, aspect: str
) -> dict[str, torch.Tensor]:
    """Return the targets of a part, as a `Boxes` spec has them, at the prepared size."""
    room = (len(keys), target.most)
    held = {
        "boxes": torch.zeros(*room, 4),
        "labels": torch.zeros(room, dtype=torch.int64),
        "present": torch.zeros(room, dtype=torch.bool),
        "crowd": torch.zeros(room, dtype=torch.bool),
        "areas": torch.zeros(room),
        "pixel_area": torch.ones(len(keys)),
        "frame": torch.tensor([0.0, 0.0, target.width, target.height]).repeat(len(keys), 1),
    }
    codes = {name: code for code, name in enumerate(target.classes)}
    for place, (path, key) in enumerate(zip(folder.paths, keys, strict=True)):
        head = header(path)
        if isinstance(head, str):
            continue
        fit = fit_of(head.width, head.height, (target.height, target.width), aspect)
        held["pixel_area"][place] = fit.pixel_area
        held["frame"][place] = torch.from_numpy(
            fit.boxes(numpy.array([[0.0, 0.0, head.width, head.height]]))[0]
        )
        crowds = [(box, label) for box, label in listed.crowds.get(key, ()) if label in codes]
        own = numpy.array(listed.boxes[key] + [box for box, _ in crowds]).reshape(-1, 4)
        over = (own < -1).any(1) | (own > numpy.array([head.width, head.height] * 2) + 1).any(1)
        if over.any():
            raise DataError(
                f"a box lies outside its image {folder.name(path)}",
                expected=f"left, top, right, bottom within {head.width} x {head.height} pixels",
                received=", ".join(f"{value:g}" for value in own[over][0]),
                fix="mend the list: COCO has left, top, width, height; a CSV the four sides, in pixels",
            )
        moved = fit.boxes(own)
        left = (moved[:, 2:] - moved[:, :2]).prod(1) * fit.pixel_area / (own[:, 2:] - own[:, :2]).prod(1)
        rows = {
            "boxes": moved,
            "labels": numpy.array([codes[each] for each in (*listed.labels[key], *(k for _, k in crowds))], int),
            "present": numpy.arange(len(own)) < len(listed.boxes[key]),
            "crowd": numpy.arange(len(own)) >= len(listed.boxes[key]),
            # of a thing that the frame cuts, as large a part as of its box
            "areas": numpy.array([*listed.areas[key], *(0.0 for _ in crowds)]) * numpy.where(left < 0.99, left, 1),
        }  # fmt: skip
        seen = ((moved[:, 2:] - moved[:, :2]) > 0.5).all(1)  # what was cut off is not there
        for name, values in rows.items():
            held[name][place, : int(seen.sum())] = torch.from_numpy(values[seen]).to(held[name].dtype)
    return held


def _counted(held: Mapping[str, torch.Tensor], target: BoxTarget) -> dict[str, int]:
    counts = torch.bincount(held["labels"][held["present"]], minlength=len(target.classes)).tolist()
    return dict(zip(target.classes, counts, strict=True))
