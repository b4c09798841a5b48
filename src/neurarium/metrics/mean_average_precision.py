"""Mean average precision: how good the boxes of a detector are, and how well its scores rank them."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import numpy
import torch
from torch import Tensor

from neurarium.core.errors import ShapeError
from neurarium.core.recipe import recorded
from neurarium.data.geometry import iou
from neurarium.metrics.checks import weighting
from neurarium.metrics.metric import KeptMetric, State

OVERLAPS = tuple(0.5 + 0.05 * step for step in range(10))
RECALLS = 101


@dataclasses.dataclass(frozen=True)
class Found:
    """Boxes that were predicted and boxes that are there, of the same images, and a weight per image."""

    predictions: Mapping[str, Tensor]
    targets: Mapping[str, Tensor]
    weights: Tensor

    def reweighted(self, factors: Tensor) -> Found:
        return dataclasses.replace(self, weights=self.weights * factors)

    def __len__(self) -> int:
        return len(self.weights)


@recorded
class MeanAveragePrecision(KeptMetric):
    """The mean over classes and over IoU thresholds 0.50, 0.55, ..., 0.95 of the average precision, as COCO counts it.

    Predictions, best first, each take the free box of their class that they overlap most, if by the threshold; the others
    are false. Average precision is the mean over recalls 0, 0.01, ..., 1 of the highest precision at that recall or above.
    Classes without a box are left out.

    Predictions `{"boxes": (batch, most, 4), "scores": (batch, most), "labels": (batch, most)}`, a score of 0 where there is
    none (`data.geometry.detected`); targets as those of a `Boxes` spec. The most per image must be the same in all batches.

    Lin et al., "Microsoft COCO", arXiv:1405.0312; its evaluation code decides.

    >>> box = torch.tensor([[[0.0, 0.0, 4.0, 4.0]]])
    >>> said = {"boxes": box, "scores": torch.tensor([[0.9]]), "labels": torch.tensor([[0]])}
    >>> MeanAveragePrecision().value(said, {"boxes": box + 1e-3, "labels": said["labels"], "present": said["labels"] == 0})
    1.0
    """

    goal = "max"
    overlaps: ClassVar[tuple[float, ...]] = OVERLAPS

    def check(self, predictions: Any, targets: Any, weights: Any = None) -> Found:
        needed = ({"boxes", "scores", "labels"}, {"boxes", "labels", "present"})
        if any(
            not isinstance(each, Mapping) or not names <= set(each)
            for each, names in zip((predictions, targets), needed, strict=True)
        ):
            raise ShapeError(
                "mean average precision compares boxes",
                expected="predictions with boxes, scores, labels; targets with boxes, labels, present",
                received=f"{type(predictions).__name__}, {type(targets).__name__}",
            )
        held = [{key: value.detach().cpu() for key, value in each.items()} for each in (predictions, targets)]
        return Found(held[0], held[1], weighting(weights, len(held[0]["scores"]), torch.device("cpu")))

    def shares(self) -> Hashable:
        return MeanAveragePrecision

    def shares_check(self) -> Hashable:
        return MeanAveragePrecision

    def contribution(self, examples: Found) -> State:
        said, there = examples.predictions, examples.targets
        order = said["scores"].argsort(dim=1, descending=True, stable=True)
        scores, labels = said["scores"].gather(1, order), said["labels"].gather(1, order)
        boxes = said["boxes"].gather(1, order[..., None].expand(-1, -1, 4))
        overlap = iou(boxes[:, :, None].double(), there["boxes"][:, None].double())
        like = (labels[:, :, None] == there["labels"][:, None]) & there["present"][:, None]
        hits = taken(torch.where(like & (scores > 0)[..., None], overlap, -1.0))
        truth = torch.where(there["present"], there["labels"], -1)
        return {
            "scores": scores.double(),
            "labels": labels,
            "hits": hits,
            "truth": truth,
            "weights": examples.weights,
        }

    def result(self, state: State) -> float:
        values = self.each(state)
        return float(torch.stack(list(values.values())).mean()) if values else float("nan")

    def each(self, state: State) -> dict[int, Tensor]:
        """Return the average precision of each class that has a box, the mean over the thresholds."""
        chosen = [OVERLAPS.index(each) for each in self.overlaps]
        found = {}
        for label in torch.unique(state["truth"]).tolist():
            if label < 0:
                continue
            there = ((state["truth"] == label).sum(1).double() * state["weights"]).sum()
            picked = (state["labels"] == label) & (state["scores"] > 0)
            weights = state["weights"][:, None].expand_as(state["scores"])[picked]
            found[label] = average_precision(
                state["scores"][picked], state["hits"][picked][:, chosen], weights, there
            ).mean()
        return found


@recorded
class MeanAveragePrecision50(MeanAveragePrecision):
    """The mean average precision at an IoU of 0.5 alone.

    >>> box = torch.tensor([[[0.0, 0.0, 4.0, 4.0]]])
    >>> said = {"boxes": box, "scores": torch.tensor([[0.9]]), "labels": torch.tensor([[0]])}
    >>> there = {"boxes": box + 1.0, "labels": said["labels"], "present": said["labels"] == 0}  # IoU 9 / 23
    >>> MeanAveragePrecision50().value(said, there)
    0.0
    """

    overlaps = (0.5,)


def taken(overlap: Tensor) -> Tensor:
    """Return which predictions take a box, at each threshold.

    Args:
        overlap: `(batch, predictions, boxes)`, best predictions first; below 0 where the two cannot be one.

    Returns:
        `(batch, predictions, thresholds)` bool.
    """
    count, predictions, boxes = overlap.shape
    least = torch.tensor(OVERLAPS, dtype=overlap.dtype)[:, None] - 1e-12
    free = torch.ones(count, len(OVERLAPS), boxes, dtype=torch.bool)
    hits = torch.zeros(count, predictions, len(OVERLAPS), dtype=torch.bool)
    if not boxes:
        return hits
    for place in range(predictions):
        own = overlap[:, place, None]
        best, which = torch.where(free & (own >= least), own, -1.0).max(dim=2)
        hits[:, place] = best >= 0
        free &= ~(hits[:, place, :, None] & (torch.arange(boxes) == which[..., None]))
    return hits


def average_precision(scores: Tensor, hits: Tensor, weights: Tensor, there: Tensor) -> Tensor:
    """Return the average precision at each threshold, interpolated at 101 recalls.

    Args:
        scores, weights: `(predictions,)`.
        hits: `(predictions, thresholds)`, whether each takes a box.
        there: how many boxes there are, above 0.

    >>> ap = average_precision(torch.tensor([0.9, 0.8]), torch.tensor([[True], [False]]), torch.ones(2), torch.tensor(2.0))
    >>> round(ap.item(), 4)  # precision 1 up to recall 1/2: 51 of 101 places
    0.505
    """
    order = scores.argsort(descending=True, stable=True)
    right = (hits[order].double() * weights[order, None].double()).cumsum(0)
    all_ = weights[order].double().cumsum(0)[:, None]
    recall, precision = right / there, right / all_.clamp(min=1e-12)
    highest = precision.flip(0).cummax(0).values.flip(0) if len(precision) else precision
    padded = torch.cat([highest, highest.new_zeros(1, highest.shape[1])])
    # COCO's code compares as the numbers were rounded; of weights that are no counts, what was rounded off is given back.
    slack = 0.0 if bool((weights == weights.round()).all()) else 1e-12
    wanted = torch.from_numpy(numpy.linspace(0.0, 1.0, RECALLS))
    places = torch.searchsorted(recall.T.contiguous() + slack, wanted.expand(hits.shape[1], -1).contiguous())
    return padded.gather(0, places.T).mean(0)
