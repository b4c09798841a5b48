"""Boxes: overlap, suppression of doubles, and things read off the maps of a detector. (left, top, right, bottom) in pixels.

A detector without anchors gives a map per class and four more for each of its levels, all levels in a row, finest first:
`(batch, classes + 4, cells)`, the rows of a map one after the other. Level k has the stride s_k = 2^k s_0 and maps of
ceil(height / s_k) x ceil(width / s_k) cells. The cell (i, j) stands for the place ((j + 1/2) s, (i + 1/2) s) of the image. The
logits of the classes say whether a thing has its centre there; the last four, r, say how far its sides are:
d = 4 s softplus(r), to the left, top, right and bottom.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from neurarium.core.errors import ShapeError
from neurarium.data.specs import Boxes

REACH = 4  # distances in units of so many strides: what a raw zero means is then the size of a small thing
SPAN = 8  # half the larger side of the largest thing of a level, in strides: 64 pixels at stride 8 (arXiv:1904.01355, 3.2)
LEVELS = 5  # at most
COARSEST = 256  # the largest stride of a finest level


@dataclasses.dataclass(frozen=True)
class Grid:
    """The cells of a level: how many pixels stand between them, and how many there are."""

    stride: int
    rows: int
    columns: int

    @property
    def cells(self) -> int:
        """How many cells the level has."""
        return self.rows * self.columns


def grid(height: int, width: int, stride: int) -> Grid:
    """Return the cells of a level over an image of so many pixels.

    >>> grid(50, 70, 4)
    Grid(stride=4, rows=13, columns=18)
    """
    return Grid(stride, -(-height // stride), -(-width // stride))


def grids(height: int, width: int, cells: int) -> tuple[Grid, ...]:
    """Return the levels that have so many cells together: each stride is twice that of the level before, the first a power of 2.

    Where both sides of an image are longer than the first stride there is one answer of up to five levels.

    Raises:
        ShapeError: no levels have so many cells.

    >>> [each.stride for each in grids(128, 128, 32 * 32 + 16 * 16 + 8 * 8)]
    [4, 8, 16]
    """
    stride = 1
    while stride <= COARSEST:
        levels = [grid(height, width, stride)]
        left = cells - levels[0].cells
        while left > 0 and len(levels) < LEVELS:
            levels.append(grid(height, width, 2 * levels[-1].stride))
            left -= levels[-1].cells
        if left == 0:
            return tuple(levels)
        stride *= 2
    raise ShapeError(
        "the outputs are not those of a detector for images of this size",
        expected=f"the cells of levels over {height} x {width} pixels, each of twice the stride of the one before",
        received=f"{cells} cells",
        fix="flatten the maps of each level, and join them, finest first: (batch, classes + 4, cells)",
    )


def maps_of(outputs: Tensor, levels: Sequence[Grid]) -> list[Tensor]:
    """Return the maps of each level, `(batch, classes + 4, rows, columns)`, of `(batch, classes + 4, cells)`."""
    parts = outputs.split([each.cells for each in levels], dim=2)
    return [part.unflatten(2, (each.rows, each.columns)) for part, each in zip(parts, levels, strict=True)]


def level_of(boxes: Tensor, levels: Sequence[Grid], span: float = SPAN) -> Tensor:
    """Return the level of each box `(..., 4)`: the finest whose span holds half of its larger side, the last for all larger.

    (m_(k-1), m_k] with m_k = span s_k, as Tian et al., "FCOS", arXiv:1904.01355, section 3.2.

    >>> two = torch.tensor([[0.0, 0.0, 64.0, 9.0], [0.0, 0.0, 65.0, 9.0]])
    >>> level_of(two, grids(128, 128, 32 * 32 + 16 * 16)).tolist()
    [0, 1]
    """
    half = (boxes[..., 2:] - boxes[..., :2]).amax(dim=-1) / 2
    ends = torch.tensor([span * each.stride for each in levels[:-1]], device=boxes.device, dtype=boxes.dtype)
    return torch.bucketize(half.contiguous(), ends)


def area(boxes: Tensor) -> Tensor:
    """Return the area of boxes `(..., 4)`; 0 where the sides are exchanged."""
    return (boxes[..., 2] - boxes[..., 0]).clamp(min=0) * (boxes[..., 3] - boxes[..., 1]).clamp(min=0)


def shared(one: Tensor, other: Tensor) -> Tensor:
    """Return the area that boxes `(..., 4)` have in common, elementwise with broadcasting.

    >>> shared(torch.tensor([0.0, 0.0, 2.0, 2.0]), torch.tensor([1.0, 0.0, 3.0, 2.0])).item()
    2.0
    """
    return area(_within(one, other))


def iou(one: Tensor, other: Tensor) -> Tensor:
    """Return the intersection over union of boxes `(..., 4)`, elementwise with broadcasting; 0 where both are empty.

    >>> iou(torch.tensor([0.0, 0.0, 2.0, 2.0]), torch.tensor([1.0, 0.0, 3.0, 2.0])).item()
    0.3333333432674408
    """
    common = shared(one, other)
    return common / (area(one) + area(other) - common).clamp(min=1e-9)


def giou(one: Tensor, other: Tensor) -> Tensor:
    """Return the generalized IoU of boxes `(..., 4)`: IoU - (hull - union) / hull, from -1 to 1.

    Unlike the IoU it has a slope where the boxes do not touch. Rezatofighi et al., arXiv:1902.09630, algorithm 1.

    >>> giou(torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.tensor([2.0, 0.0, 3.0, 1.0])).item()
    -0.3333333432674408
    """
    common = shared(one, other)
    union = (area(one) + area(other) - common).clamp(min=1e-9)
    low = torch.minimum(one[..., :2], other[..., :2])
    high = torch.maximum(one[..., 2:], other[..., 2:])
    hull = area(torch.cat([low, high], dim=-1)).clamp(min=1e-9)
    return common / union - (hull - union) / hull


def suppressed(boxes: Tensor, scores: Tensor, labels: Tensor, most: float = 0.5) -> Tensor:
    """Return which boxes stay when those that overlap a better one of their class are taken away.

    Args:
        boxes: `(batch, boxes, 4)`.
        scores, labels: `(batch, boxes)`; the scores fall from left to right.
        most: an IoU above it is too much.

    Returns:
        `(batch, boxes)` bool.

    >>> pair = torch.tensor([[[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 3.0]]])
    >>> suppressed(pair, torch.tensor([[0.9, 0.8]]), torch.zeros(1, 2)).tolist()
    [[True, False]]
    """
    clash = (iou(boxes[:, :, None], boxes[:, None]) > most) & (labels[:, :, None] == labels[:, None])
    kept = torch.ones_like(scores, dtype=torch.bool)
    later = torch.arange(scores.shape[1], device=scores.device)
    for place in range(scores.shape[1]):
        kept &= ~(kept[:, place : place + 1] & clash[:, place] & (later > place))
    return kept


def reached(raw: Tensor, stride: int) -> Tensor:
    """Return the box of each cell, `(batch, h, w, 4)`, of raw distances `(batch, 4, h, w)`."""
    distances = (REACH * stride) * functional.softplus(raw).permute(0, 2, 3, 1)
    y, x = (
        (torch.arange(count, device=raw.device, dtype=raw.dtype) + 0.5) * stride for count in raw.shape[2:]
    )
    at = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
    return torch.cat([at - distances[..., :2], at + distances[..., 2:]], dim=-1)


def detected(
    outputs: Tensor, spec: Boxes, most: int = 100, least: float = 0.05, overlap: float = 0.5
) -> dict[str, Tensor]:
    """Read the things off a detector's maps.

    A cell counts where its score is the highest of the 3x3 around it in its class and level; the best of all levels are
    taken, and of those that overlap the better ones.

    Args:
        outputs: `(batch, classes + 4, cells)`.
        spec: of the targets.
        most: things per image.
        least: the lowest score that is one.
        overlap: an IoU with a better one of the same class above which a box is a double.

    Returns:
        `boxes` `(batch, most, 4)` cut at the border, `scores` (0 where there is none) and `labels`, `(batch, most)`.

    Raises:
        ShapeError: outputs of another form.
    """
    classes = len(spec.names)
    levels = grids(spec.height, spec.width, outputs.shape[2])
    maps = maps_of(outputs.float(), levels)
    scores = torch.cat([_peaks(torch.sigmoid(each[:, :classes])).flatten(2) for each in maps], dim=2)
    boxes = torch.cat(
        [
            reached(each[:, classes:], level.stride).flatten(1, 2)
            for each, level in zip(maps, levels, strict=True)
        ],
        dim=1,
    )
    cells = scores.shape[2]
    count = min(most, classes * cells)
    best, places = scores.flatten(1).topk(count, dim=1)
    labels, places = places // cells, places % cells
    boxes = boxes.gather(1, places[..., None].expand(-1, -1, 4))
    edge = boxes.new_tensor([spec.width, spec.height, spec.width, spec.height])
    boxes = torch.minimum(boxes.clamp(min=0), edge)
    best = best * (best >= least) * suppressed(boxes, best, labels, overlap)
    room = (0, most - count)
    return {
        "boxes": functional.pad(boxes, (0, 0, *room)),
        "scores": functional.pad(best, room),
        "labels": functional.pad(labels, room),
    }


def _peaks(scores: Tensor) -> Tensor:
    """Keep the cells that are the highest of the 3x3 around them; the others are 0."""
    return scores * (functional.max_pool2d(scores, 3, 1, 1) == scores)


def _within(one: Tensor, other: Tensor) -> Tensor:
    low = torch.maximum(one[..., :2], other[..., :2])
    return torch.cat([low, torch.minimum(one[..., 2:], other[..., 2:])], dim=-1)
