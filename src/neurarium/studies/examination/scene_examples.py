"""Scene examples: some images of a split with what is in them and what was found, side by side, for the report."""

from __future__ import annotations

from typing import Any

import numpy
import torch
from torch import Tensor

from neurarium.data.dataset import Told
from neurarium.data.geometry import detected, iou
from neurarium.data.specs import IGNORED, Boxes, Mask
from neurarium.studies.pictures.drawing import RIGHT, WRONG, framed, overlaid
from neurarium.studies.pictures.thumbnails import picture
from neurarium.studies.prediction.learner import evaluating
from neurarium.training.method import Method

SURE = 0.3
SIDE = 384  # pixels of a picture; smaller images are enlarged


def scene_examples(
    method: Method, examples: Any, preparation: Any, *, count: int = 8, told: Told | None = None
) -> list[dict[str, str]]:
    """Draw examples at equal distances of a split.

    Args:
        method: trained, of masks or boxes.
        examples: the split.
        preparation: says how its images were standardized.
        count: how many.
        told: says which file an example is.

    Returns:
        For each: `truth` and `found`, pictures as data addresses, `note`, a measure in words, and `name`, its file.
    """
    targets: Any = method.targets
    places = torch.linspace(0, len(examples) - 1, min(count, len(examples))).round().long().unique()
    batch = examples.take(places)
    with evaluating(method) as device:
        outputs = method.predict(batch["inputs"].to(device)).cpu()
    pixels = [shown(each, preparation) for each in batch["inputs"]]
    drawn = _masks if isinstance(targets, Mask) else _boxes
    rows = drawn(targets, pixels, outputs, batch["targets"])
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


def _masks(
    targets: Mask, pixels: list[numpy.ndarray], outputs: Tensor, truth: Tensor
) -> list[dict[str, str]]:
    found = targets.decided(outputs)
    tables = targets.tables(outputs, truth)
    rows = []
    for image, said, real, table in zip(pixels, found, truth, tables, strict=True):
        right = float(table.diagonal().sum() / table.sum().clamp(min=1))
        # as the figure of the report: over the classes that are there or were found, the ground among them
        both = table.sum(0) + table.sum(1)
        dice = float((2 * table.diagonal() / both.clamp(min=1))[both > 0].mean()) if both.any() else 1.0
        note = f"Dice {dice:.3f}; {right:.1%} of the pixels right"
        seen = _pictured(real)
        truth_drawn, found_drawn = (
            _grown(overlaid(image[seen], each.numpy()[seen])) for each in (real, said)
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
    targets: Boxes, pixels: list[numpy.ndarray], outputs: Tensor, truth: dict[str, Tensor]
) -> list[dict[str, str]]:
    found = detected(outputs, targets)
    rows = []
    for place, image in enumerate(pixels):
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
        rows.append(_row(_marked(image, real, names, seen), _marked(image, said, told, right), note))
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
    return {
        "truth": picture(truth.transpose(2, 0, 1), SIDE),
        "found": picture(found.transpose(2, 0, 1), SIDE),
        "note": note,
    }
