"""Scene examples: some images of a split with what is in them and what was found, side by side, for the report."""

from __future__ import annotations

from typing import Any

import numpy
import torch
from torch import Tensor

from neurarium.data.geometry import detected
from neurarium.data.specs import Boxes, Mask
from neurarium.studies.drawing import COLORS, framed, overlaid
from neurarium.studies.learner import evaluating
from neurarium.studies.mistakes import picture
from neurarium.training.method import Method

SURE = 0.3
SIDE = 256


def scene_examples(
    method: Method, examples: Any, preparation: Any, *, count: int = 8
) -> list[dict[str, str]]:
    """Draw examples at equal distances of a split.

    Args:
        method: trained, of masks or boxes.
        examples: the split.
        preparation: says how its images were standardized.
        count: how many.

    Returns:
        For each: `truth` and `found`, pictures as data addresses, and `note`, a measure in words.
    """
    targets: Any = method.targets
    places = torch.linspace(0, len(examples) - 1, min(count, len(examples))).round().long().unique()
    batch = examples.take(places)
    with evaluating(method) as device:
        outputs = method.predict(batch["inputs"].to(device)).cpu()
    pixels = [shown(each, preparation) for each in batch["inputs"]]
    drawn = _masks if isinstance(targets, Mask) else _boxes
    return drawn(targets, pixels, outputs, batch["targets"])


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
        note = f"{right:.1%} of the pixels right"
        rows.append(_row(overlaid(image, real.numpy()), overlaid(image, said.numpy()), note))
    return rows


def _boxes(
    targets: Boxes, pixels: list[numpy.ndarray], outputs: Tensor, truth: dict[str, Tensor]
) -> list[dict[str, str]]:
    found = detected(outputs, targets)
    rows = []
    for place, image in enumerate(pixels):
        there = truth["present"][place]
        real = [
            (box, targets.names[label])
            for box, label in zip(
                truth["boxes"][place][there].tolist(), truth["labels"][place][there].tolist(), strict=True
            )
        ]
        sure = found["scores"][place] >= SURE
        said = [
            (box, f"{targets.names[label]} {score:.2f}")
            for box, label, score in zip(
                *(found[key][place][sure].tolist() for key in ("boxes", "labels", "scores")), strict=True
            )
        ]
        note = f"{len(real)} there, {len(said)} found with a score of {SURE} or more"
        rows.append(_row(_large(image, real, COLORS[2]), _large(image, said, COLORS[0]), note))
    return rows


def _large(image: numpy.ndarray, boxes: list[Any], color: tuple[int, int, int]) -> numpy.ndarray:
    """Small images are enlarged before boxes are drawn: the names are read then."""
    times = max(1, round(SIDE / max(image.shape[:2])))
    grown = image.repeat(times, axis=0).repeat(times, axis=1)
    return framed(grown, [([times * side for side in box], text) for box, text in boxes], color)


def _row(truth: numpy.ndarray, found: numpy.ndarray, note: str) -> dict[str, str]:
    return {
        "truth": picture(truth.transpose(2, 0, 1), SIDE),
        "found": picture(found.transpose(2, 0, 1), SIDE),
        "note": note,
    }
