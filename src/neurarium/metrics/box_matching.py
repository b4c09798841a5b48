"""Box matching: which predicted boxes take which true ones, as COCO's evaluation code has it."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.data.geometry import area, shared

OVERLAPS = tuple(0.5 + 0.05 * step for step in range(10))
# Areas in pixels of the picture: all, small, medium, large; a box on a bound is on both sides.
AREAS = ((0.0, 1e10), (0.0, 32.0**2), (32.0**2, 96.0**2), (96.0**2, 1e10))
MOST = 100  # predictions of an image and a class


def overlaps_of(said: Tensor, there: Tensor, crowd: Tensor) -> Tensor:
    """Return how far predictions overlap what is there, `(batch, predictions, boxes)` float64.

    The IoU; of a crowd the share of the prediction that lies in it.

    Args:
        said: `(batch, predictions, 4)`.
        there: `(batch, boxes, 4)`.
        crowd: `(batch, boxes)`, which of them are crowds.
    """
    said, there = said[:, :, None].double(), there[:, None].double()
    common, own = shared(said, there), area(said)
    union = torch.where(crowd[:, None], own, own + area(there) - common)
    return common / union.clamp(min=1e-9)


def first_of_each(labels: Tensor, sure: Tensor, most: int = MOST) -> Tensor:
    """Return which predictions are among the first `most` of their image and class, `(batch, predictions)`.

    >>> first_of_each(torch.tensor([[0, 1, 0, 0]]), torch.tensor([[True, True, False, True]]), 1).tolist()
    [[True, True, False, False]]
    """
    like = (labels[:, :, None] == labels[:, None]) & sure[:, None] & sure[:, :, None]
    return sure & (like.tril(-1).sum(2) < most)


def taken(overlap: Tensor, ignored: Tensor, crowd: Tensor) -> tuple[Tensor, Tensor]:
    """Return which predictions take a box at each threshold, and which of these take one that is ignored.

    Each prediction, best first, takes the free box that it overlaps most, if by the threshold; one that is ignored only
    where no other is left. A crowd is taken any number of times.

    Args:
        overlap: `(batch, predictions, boxes)`, best predictions first; below 0 where the two cannot be one.
        ignored: `(batch, ranges, boxes)`, the boxes that do not count in a range of areas.
        crowd: `(batch, boxes)`.

    Returns:
        Two of `(batch, predictions, ranges, thresholds)` bool.
    """
    (count, predictions, boxes), ranges = overlap.shape, ignored.shape[1]
    hits = torch.zeros(count, predictions, ranges, len(OVERLAPS), dtype=torch.bool)
    aside = torch.zeros_like(hits)
    if not boxes:
        return hits, aside
    # Of equal overlaps COCO's code takes the last box: turned round, it is the first of the greatest.
    overlap, ignored, crowd = overlap.flip(2), ignored.flip(2)[:, :, None], crowd.flip(1)[:, None, None]
    least = torch.tensor(OVERLAPS, dtype=overlap.dtype)[:, None] - 1e-12
    free = torch.ones(count, ranges, len(OVERLAPS), boxes, dtype=torch.bool)
    numbers = torch.arange(boxes)
    for place in range(predictions):
        own = overlap[:, place, None, None]
        able = free & (own >= least)
        best, which = torch.where(able & ~ignored, own, -1.0).max(dim=3)
        other, beside = torch.where(able & ignored, own, -1.0).max(dim=3)
        aside[:, place] = (best < 0) & (other >= 0)
        hits[:, place] = (best >= 0) | (other >= 0)
        which = torch.where(aside[:, place], beside, which)
        free &= crowd | ~(hits[:, place, ..., None] & (numbers == which[..., None]))
    return hits, aside
