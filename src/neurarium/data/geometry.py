"""Boxes: overlap, suppression of doubles, and things read off the maps of a detector. (left, top, right, bottom) in pixels.

A detector without anchors gives one map per class and four more, `(batch, classes + 4, h, w)`. The cell (i, j) stands for the
place ((j + 1/2) s, (i + 1/2) s) of the image, with s the stride. The logits of the classes say whether a thing has its centre
there; the last four, r, say how far its sides are: d = 4 s softplus(r), to the left, top, right and bottom.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from neurarium.data.specs import Boxes

REACH = 4  # distances in units of so many strides: what a raw zero means is then the size of a small thing


def area(boxes: Tensor) -> Tensor:
    """Return the area of boxes `(..., 4)`; 0 where the sides are exchanged."""
    return (boxes[..., 2] - boxes[..., 0]).clamp(min=0) * (boxes[..., 3] - boxes[..., 1]).clamp(min=0)


def iou(one: Tensor, other: Tensor) -> Tensor:
    """Return the intersection over union of boxes `(..., 4)`, elementwise with broadcasting; 0 where both are empty.

    >>> iou(torch.tensor([0.0, 0.0, 2.0, 2.0]), torch.tensor([1.0, 0.0, 3.0, 2.0])).item()
    0.3333333432674408
    """
    common = area(_within(one, other))
    return common / (area(one) + area(other) - common).clamp(min=1e-9)


def giou(one: Tensor, other: Tensor) -> Tensor:
    """Return the generalized IoU of boxes `(..., 4)`: IoU - (hull - union) / hull, from -1 to 1.

    Unlike the IoU it has a slope where the boxes do not touch. Rezatofighi et al., arXiv:1902.09630, algorithm 1.

    >>> giou(torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.tensor([2.0, 0.0, 3.0, 1.0])).item()
    -0.3333333432674408
    """
    common = area(_within(one, other))
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


def stride_of(height: int, rows: int) -> int:
    """Return how many pixels stand between the cells of a map.

    >>> stride_of(128, 32), stride_of(100, 25)
    (4, 4)
    """
    return max(1, round(height / rows))


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

    A cell counts where its score is the highest of the 3x3 around it in its class; the best are taken, and of those that
    overlap the better ones.

    Args:
        outputs: `(batch, classes + 4, h, w)`.
        spec: of the targets.
        most: things per image.
        least: the lowest score that is one.
        overlap: an IoU with a better one of the same class above which a box is a double.

    Returns:
        `boxes` `(batch, most, 4)` cut at the border, `scores` (0 where there is none) and `labels`, `(batch, most)`.
    """
    classes = len(spec.names)
    outputs = outputs.float()
    scores = torch.sigmoid(outputs[:, :classes])
    scores = scores * (functional.max_pool2d(scores, 3, 1, 1) == scores)
    cells = outputs.shape[2] * outputs.shape[3]
    count = min(most, classes * cells)
    best, places = scores.flatten(1).topk(count, dim=1)
    labels, places = places // cells, places % cells
    stride = stride_of(spec.height, outputs.shape[2])
    boxes = reached(outputs[:, classes:], stride).flatten(1, 2)
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


def _within(one: Tensor, other: Tensor) -> Tensor:
    low = torch.maximum(one[..., :2], other[..., :2])
    return torch.cat([low, torch.minimum(one[..., 2:], other[..., 2:])], dim=-1)
