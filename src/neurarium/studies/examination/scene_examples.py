"""Scene examples: some images of a split with what is in them and what was found, side by side, for the report."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

from neurarium.data.dataset import Told
from neurarium.data.geometry import detected, iou
from neurarium.data.readers.fitting import Fit, fit_of
from neurarium.data.readers.pictures import decode, header
from neurarium.data.specs import IGNORED, Boxes, Mask
from neurarium.studies.pictures.drawing import RIGHT, WRONG, framed, overlaid
from neurarium.studies.pictures.thumbnails import picture
from neurarium.studies.prediction.learner import evaluating
from neurarium.training.method import Method

SURE = 0.3
SIDE = 384  # pixels of a picture; smaller images are enlarged
LARGEST = 800  # pixels of a picture as it stands in its file; larger files are made smaller


@dataclasses.dataclass
class View:
    """An image to draw on, and where the places of the prepared image are in it.

    Args:
        pixels: `(height, width, 3)` bytes.
        fit: how its file became the prepared image; None where the picture is the prepared image.
    """

    pixels: numpy.ndarray
    fit: Fit | None = None

    def codes(self, codes: Tensor) -> numpy.ndarray:
        """Bring a mask of the prepared image to the size of the picture."""
        if self.fit is None:
            return codes.numpy()
        found = self.fit.back_mask(codes.numpy().astype(numpy.uint8), IGNORED)
        rows, columns = (
            (numpy.arange(after) + 0.5) * before / after
            for before, after in zip(found.shape, self.pixels.shape, strict=False)
        )
        return found[rows.astype(int)[:, None], columns.astype(int)]

    def boxes(self, boxes: Tensor) -> Tensor:
        """Move boxes `(boxes, 4)` of the prepared image to the picture."""
        if self.fit is None:
            return boxes
        moved = self.fit.back_boxes(boxes.double().numpy())
        return torch.from_numpy(moved * (self.pixels.shape[1] / self.fit.width))


def scene_examples(
    method: Method,
    examples: Any,
    preparation: Any,
    *,
    count: int = 8,
    told: Told | None = None,
    files: Callable[[int], Path] | None = None,
) -> list[dict[str, str]]:
    """Draw examples at equal distances of a split.

    Args:
        method: trained, of masks or boxes.
        examples: the split.
        preparation: says how its images were standardized.
        count: how many.
        told: says which file an example is.
        files: the file itself: pictures then have its size, or one of 800 pixels where it is larger; else that of the
            prepared image.

    Returns:
        For each: `truth` and `found`, pictures as data addresses, `note`, a measure in words, and `name`, its file.
    """
    targets: Any = method.targets
    places = torch.linspace(0, len(examples) - 1, min(count, len(examples))).round().long().unique()
    batch = examples.take(places)
    with evaluating(method) as device:
        outputs = method.predict(batch["inputs"].to(device)).cpu()
    views = [
        (files and _as_filed(files(place), targets, preparation)) or View(shown(each, preparation))
        for place, each in zip(places.tolist(), batch["inputs"], strict=True)
    ]
    drawn = _masks if isinstance(targets, Mask) else _boxes
    rows = drawn(targets, views, outputs, batch["targets"])
    return [
        row | {"name": told(place) if told else ""} for row, place in zip(rows, places.tolist(), strict=True)
    ]


def shown(image: Tensor, preparation: Any) -> numpy.ndarray:
    """Return a standardized image as bytes `(height, width, 3)`."""
    mean, scale = (
        torch.as_tensor(each).float().reshape(-1, 1, 1) for each in (preparation.mean, preparation.scale)
    )
    raw = (image.float() * scale + mean).clamp(0, 255).round().to(torch.uint8)
    return raw.expand(3, -1, -1).permute(1, 2, 0).numpy()


def _as_filed(path: Path, targets: Mask | Boxes, preparation: Any) -> View | None:
    """Return an image as it stands in its file; None where that is no longer there, or no longer an image."""
    head = header(path)
    if isinstance(head, str):
        return None
    less = min(1.0, LARGEST / max(head.width, head.height))
    size = tuple(max(1, round(side * less)) for side in (head.height, head.width))
    pixels = decode(path, 3, size, dataclasses.replace(preparation.rules, aspect="stretch"))  # type: ignore[arg-type]
    if isinstance(pixels, str):
        return None
    fit = fit_of(head.width, head.height, (targets.height, targets.width), preparation.rules.aspect)
    return View(pixels.transpose(1, 2, 0), fit)


def _masks(targets: Mask, views: list[View], outputs: Tensor, truth: Tensor) -> list[dict[str, str]]:
    found = targets.decided(outputs)
    tables = targets.tables(outputs, truth)
    rows = []
    for view, said, real, table in zip(views, found, truth, tables, strict=True):
        right = float(table.diagonal().sum() / table.sum().clamp(min=1))
        # as the figure of the report: over the classes that are there or were found, the ground among them
        both = table.sum(0) + table.sum(1)
        dice = float((2 * table.diagonal() / both.clamp(min=1))[both > 0].mean()) if both.any() else 1.0
        note = f"Dice {dice:.3f}; {right:.1%} of the pixels right"
        seen = _pictured(real) if view.fit is None else (slice(None), slice(None))
        truth_drawn, found_drawn = (
            _grown(overlaid(view.pixels[seen], view.codes(each)[seen])) for each in (real, said)
        )
        rows.append(_row(truth_drawn, found_drawn, note))
    return rows


def _pictured(codes: Tensor) -> tuple[slice, slice]:
    """Return the rows and columns of a mask that hold the picture: without a border all of whose pixels are ignored.

    >>> _pictured(torch.tensor([[255, 255, 255], [255, 0, 1], [255, 255, 255]]))
    (slice(1, 2, None), slice(1, 3, None))
    """
    known = codes != IGNORED
    sides = []
    for axis in (1, 0):
        places = known.any(dim=axis).nonzero().flatten().tolist()
        sides.append(slice(places[0], places[-1] + 1) if places else slice(None))
    return sides[0], sides[1]


def _boxes(
    targets: Boxes, views: list[View], outputs: Tensor, truth: dict[str, Tensor]
) -> list[dict[str, str]]:
    found = detected(outputs, targets)
    rows = []
    for place, view in enumerate(views):
        there, sure = truth["present"][place], found["scores"][place] >= SURE
        real, labels = truth["boxes"][place][there], truth["labels"][place][there]
        said, kinds = found["boxes"][place][sure], found["labels"][place][sure]
        seen, right = matches(said, kinds, real, labels)
        names = [targets.names[label] for label in labels.tolist()]
        told = [
            f"{targets.names[kind]} {score:.2f}"
            for kind, score in zip(kinds.tolist(), found["scores"][place][sure].tolist(), strict=True)
        ]
        missed, wrong = seen.count(False), right.count(False)
        note = f"{len(seen)} there: {seen.count(True)} found, {missed} missed; {wrong} wrong"
        rows.append(
            _row(
                _marked(view.pixels, view.boxes(real), names, seen),
                _marked(view.pixels, view.boxes(said), told, right),
                note,
            )
        )
    return rows


def matches(
    said: Tensor, kinds: Tensor, real: Tensor, labels: Tensor, least: float = 0.5
) -> tuple[list[bool], list[bool]]:
    """Return which things are found and which boxes are right: each, best first, takes the free thing of its class that it
    overlaps most, by an IoU of `least` or more.

    >>> box = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    >>> matches(box.repeat(2, 1), torch.tensor([1, 1]), box, torch.tensor([1]))  # the second is a double
    ([True], [True, False])
    """
    overlap = iou(said[:, None], real[None]) * (kinds[:, None] == labels[None])
    seen, right = [False] * len(real), []
    for row in overlap.tolist():
        free = [(value, place) for place, value in enumerate(row) if value >= least and not seen[place]]
        right.append(bool(free))
        if free:
            seen[max(free)[1]] = True
    return seen, right


def _marked(image: numpy.ndarray, boxes: Tensor, texts: list[str], right: list[bool]) -> numpy.ndarray:
    """Draw boxes on an enlarged picture, so that their names are read; those that are not right in another color."""
    drawn = _grown(image)
    times = len(drawn) // len(image)
    for wanted, color in ((True, RIGHT), (False, WRONG)):
        held = [
            ([times * side for side in box], text)
            for box, text, well in zip(boxes.tolist(), texts, right, strict=True)
            if well == wanted
        ]
        drawn = framed(drawn, held, color)
    return drawn


def _grown(image: numpy.ndarray) -> numpy.ndarray:
    """Enlarge a small picture, pixel by pixel."""
    times = max(1, round(SIDE / max(image.shape[:2])))
    return image.repeat(times, axis=0).repeat(times, axis=1)


def _row(truth: numpy.ndarray, found: numpy.ndarray, note: str) -> dict[str, str]:
    kind: Any = (
        "jpeg" if max(truth.shape) > 1.5 * SIDE else "png"
    )  # sixteen photographs are not to fill the page
    drawn = {"truth": truth, "found": found}
    return {key: picture(each.transpose(2, 0, 1), LARGEST, kind) for key, each in drawn.items()} | {
        "note": note
    }
