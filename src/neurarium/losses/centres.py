"""The loss of detectors without anchors: where centres are, and how the boxes there fit."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.data.geometry import SPAN, area, giou, grids, level_of, maps_of, reached
from neurarium.losses.base import Loss, precise


@recorded
class Centres(Loss):
    r"""A focal loss of the centres of each class, plus the generalized IoU of the boxes around them.

    With p the score of a class at a cell and Y = exp(-dx^2 / (2 sx^2) - dy^2 / (2 sy^2)) around the centre of a thing of
    that class (1 at its cell, sx and sy a sixth of its sides), v is, over the n things of an image,

    .. math:: \frac{1}{n} \Big( -\sum_{Y = 1} (1 - p)^2 \log p - \sum_{Y < 1} (1 - Y)^4 p^2 \log (1 - p)
              + \lambda \sum_b \frac{\sum_i Y_{bi} (1 - GIoU_{bi})}{\sum_i Y_{bi}} \Big)

    where the cells i of a box b are those with Y_b above 0.3 that no nearer box claims. With several levels each box is
    looked for in one alone, by its size (`data.geometry.level_of`), and all cells of all levels are counted.

    Args:
        height, width: of the images, in pixels: they tell the levels.
        box_weight: lambda.
        span: half the larger side of the largest thing of a level, in strides.

    Shapes: outputs `(batch, classes + 4, cells)` as `data.geometry` reads them; targets those of a `Boxes` spec. Values
    `(batch,)`.

    Raises:
        OptionError: a negative weight, no span.
        ShapeError: outputs that are no maps, targets that are no boxes.

    Zhou et al., "Objects as points", arXiv:1904.07850, equation 1; the boxes as Liu et al., "TTFNet", arXiv:1909.00700,
    equations 3 to 6, with two differences: Y there is narrower (alpha = 0.54 of the sides for 1 here), and large boxes count more
    (log of the area); here each box counts alike; the levels as Tian et al., "FCOS", arXiv:1904.01355, section 3.2.

    >>> targets = {"boxes": torch.tensor([[[0.0, 0.0, 8.0, 8.0]]]), "labels": torch.zeros(1, 1, dtype=torch.int64),
    ...            "present": torch.ones(1, 1, dtype=torch.bool)}
    >>> maps = torch.full((1, 5, 4, 4), -20.0)
    >>> maps[:, 0, 1, 1] = 20.0  # the cell whose corner is the centre; raw distances of almost nothing
    >>> round(Centres(16, 16, box_weight=0.0).elementwise(maps.flatten(2), targets).item(), 4)
    0.0
    """

    tasks = ("detection",)

    def __init__(self, height: int, width: int, box_weight: float = 5.0, span: float = SPAN):
        super().__init__()
        for name, value, fits in (("box_weight", box_weight, box_weight >= 0), ("span", span, span > 0)):
            if not fits:
                raise OptionError(
                    f"'{name}' of the loss of centres is too small",
                    expected="0 or more" if name == "box_weight" else "more than 0",
                    received=value,
                )
        self.height, self.width, self.box_weight, self.span = height, width, box_weight, span

    def align(self, outputs: Tensor, targets: Any) -> tuple[Tensor, Any]:
        if outputs.ndim != 3 or not isinstance(targets, dict) or "boxes" not in targets:
            raise ShapeError(
                "the outputs and targets are not those of a detector",
                expected="outputs (batch, classes + 4, cells), targets with boxes, labels and present",
                received=f"outputs {tuple(outputs.shape)}, targets {type(targets).__name__}",
            )
        return precise(outputs), targets

    def values(self, outputs: Tensor, targets: Any) -> Tensor:
        levels = grids(self.height, self.width, outputs.shape[2])
        own = level_of(targets["boxes"].to(outputs.dtype), levels, self.span)
        total = outputs.new_zeros(len(outputs))
        for number, (level, maps) in enumerate(zip(levels, maps_of(outputs, levels), strict=True)):
            total = total + self._level(maps, targets, targets["present"] & (own == number), level.stride)
        return total / targets["present"].sum(dim=1).clamp(min=1)

    def _level(self, maps: Tensor, targets: Any, present: Tensor, stride: int) -> Tensor:
        """Return the loss of one level's maps, `(batch,)`, where the things of that level are."""
        classes = maps.shape[1] - 4
        spread = bumps(targets["boxes"].to(maps.dtype), stride, maps.shape[2], maps.shape[3])
        spread = spread * present[..., None, None]
        wanted = torch.stack(
            [
                (spread * (targets["labels"] == label)[..., None, None]).amax(dim=1)
                for label in range(classes)
            ],
            dim=1,
        )
        return self._centres(maps[:, :classes], wanted) + self.box_weight * self._sides(
            maps[:, classes:], targets, spread, stride
        )

    def _centres(self, logits: Tensor, wanted: Tensor) -> Tensor:
        scores = torch.sigmoid(logits)
        found = (1 - scores).square() * functional.logsigmoid(logits)
        none = (1 - wanted).pow(4) * scores.square() * functional.logsigmoid(-logits)
        return -torch.where(wanted == 1, found, none).flatten(1).sum(1)

    def _sides(self, raw: Tensor, targets: Any, spread: Tensor, stride: int) -> Tensor:
        boxes = targets["boxes"].to(raw.dtype)
        claimed = spread * (spread > 0.3)
        # Where two things claim a cell it is the smaller one's: the larger has more cells.
        small = torch.where(claimed > 0, 1 / (1 + area(boxes))[..., None, None], claimed.new_zeros(()))
        claimed = claimed * (small == small.amax(dim=1, keepdim=True))
        missed = 1 - giou(reached(raw, stride)[:, None], boxes[:, :, None, None])
        weight = claimed.flatten(2).sum(2)
        return ((claimed * missed).flatten(2).sum(2) / weight.clamp(min=1e-6)).sum(1)


def bumps(boxes: Tensor, stride: int, rows: int, columns: int) -> Tensor:
    """Return Y for each box alone, `(batch, boxes, rows, columns)`; exactly 1 at the cell that holds its centre."""
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2 / stride
    sides = (boxes[..., 2:] - boxes[..., :2]) / stride
    cell = centre.floor()
    across = torch.arange(columns, device=boxes.device, dtype=boxes.dtype) - cell[..., :1].clamp(
        0, columns - 1
    )
    down = torch.arange(rows, device=boxes.device, dtype=boxes.dtype) - cell[..., 1:].clamp(0, rows - 1)
    sigma = (sides / 6).clamp(min=0.3)
    x = (across / sigma[..., :1]).square()
    y = (down / sigma[..., 1:]).square()
    return torch.exp(-(y[..., :, None] + x[..., None, :]) / 2)
