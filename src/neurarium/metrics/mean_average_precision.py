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
from neurarium.data.geometry import area
from neurarium.metrics.box_matching import AREAS, OVERLAPS, first_of_each, overlaps_of, taken
from neurarium.metrics.checks import weighting
from neurarium.metrics.metric import KeptMetric, State

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

    Predictions, best first and up to 100 of each image and class, each take the free box of their class that they overlap
    most, if by the threshold; the others are false. Average precision is the mean over recalls 0, 0.01, ..., 1 of the
    highest precision at that recall or above. Classes without a box are left out.

    Predictions `{"boxes": (batch, most, 4), "scores": (batch, most), "labels": (batch, most)}`, a score of 0 where there is
    none (`data.geometry.detected`); targets as those of a `Boxes` spec. Where these hold `crowd`, what lies in a crowd is
    neither right nor false. `areas` (else those of the boxes) and `pixel_area` say how large things are in the picture, for
    the figures of small, medium and large ones: boxes of another size, and predictions of another size that take none, do
    not count there. Predictions are cut at the `frame`, the border of the picture. The most per image must be the same in all batches.

    Lin et al., "Microsoft COCO", arXiv:1405.0312; its evaluation code decides.

    >>> box = torch.tensor([[[0.0, 0.0, 4.0, 4.0]]])
    >>> said = {"boxes": box, "scores": torch.tensor([[0.9]]), "labels": torch.tensor([[0]])}
    >>> MeanAveragePrecision().value(said, {"boxes": box + 1e-3, "labels": said["labels"], "present": said["labels"] == 0})
    1.0
    """

    goal = "max"
    overlaps: ClassVar[tuple[float, ...]] = OVERLAPS
    size: ClassVar[int] = 0  # the place of the range of areas in AREAS

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
        said, there = examples.predictions, _told(examples.targets)
        order = said["scores"].argsort(dim=1, descending=True, stable=True)
        scores, labels = said["scores"].gather(1, order), said["labels"].gather(1, order)
        low, high = (
            there["frame"][:, None, corner].double().repeat(1, 1, 2) for corner in (slice(2), slice(2, 4))
        )
        boxes = said["boxes"].gather(1, order[..., None].expand(-1, -1, 4)).double().clamp(low, high)
        sure = first_of_each(labels, scores > 0)
        known = there["present"] | there["crowd"]
        like = (labels[:, :, None] == there["labels"][:, None]) & known[:, None] & sure[..., None]
        overlap = overlaps_of(boxes, there["boxes"], there["crowd"])
        counted = there["present"][:, None] & _in_ranges(there["areas"])
        hits, aside = taken(torch.where(like, overlap, -1.0), ~counted, there["crowd"])
        own = _in_ranges(area(boxes) * there["pixel_area"][:, None])
        aside |= ~hits & ~own.transpose(1, 2)[..., None]
        return {
            "scores": torch.where(sure, scores, 0.0).double(),
            "labels": labels,
            "hits": hits & ~aside,
            "aside": aside,
            "truth": torch.where(counted, there["labels"][:, None], -1),
            "weights": examples.weights,
        }

    def result(self, state: State) -> float:
        values = self.each(state)
        return float(torch.stack(list(values.values())).mean()) if values else float("nan")

    def each(self, state: State) -> dict[int, Tensor]:
        """Return the figure of each class that has a box, the mean over the thresholds."""
        chosen = [OVERLAPS.index(each) for each in self.overlaps]
        hits, aside = (state[name][:, :, self.size][..., chosen] for name in ("hits", "aside"))
        truth, found = state["truth"][:, self.size], {}
        for label in torch.unique(truth).tolist():
            if label < 0:
                continue
            there = ((truth == label).sum(1).double() * state["weights"]).sum()
            picked = (state["labels"] == label) & (state["scores"] > 0)
            weights = state["weights"][:, None].expand_as(state["scores"])[picked][:, None] * ~aside[picked]
            found[label] = self.figure(state["scores"][picked], hits[picked], weights, there).mean()
        return found

    def figure(self, scores: Tensor, hits: Tensor, weights: Tensor, there: Tensor) -> Tensor:
        """Return the figure of one class at each threshold; arguments as of `average_precision`."""
        return average_precision(scores, hits, weights, there)


@recorded
class MeanAveragePrecision50(MeanAveragePrecision):
    """The mean average precision at an IoU of 0.5 alone.

    >>> box = torch.tensor([[[0.0, 0.0, 4.0, 4.0]]])
    >>> said = {"boxes": box, "scores": torch.tensor([[0.9]]), "labels": torch.tensor([[0]])}
    >>> there = {"boxes": box + 1.0, "labels": said["labels"], "present": said["labels"] == 0}  # IoU 9 / 23
    >>> MeanAveragePrecision50().value(said, there)
    0.0
    """

    overlaps = OVERLAPS[:1]


@recorded
class MeanAveragePrecision75(MeanAveragePrecision):
    """The mean average precision at an IoU of 0.75 alone.

    >>> box = torch.tensor([[[0.0, 0.0, 9.0, 9.0]]])
    >>> said = {"boxes": box, "scores": torch.tensor([[0.9]]), "labels": torch.tensor([[0]])}
    >>> MeanAveragePrecision75().value(said, {"boxes": box, "labels": said["labels"], "present": said["labels"] == 0})
    1.0
    """

    overlaps = OVERLAPS[5:6]


@recorded
class MeanAveragePrecisionSmall(MeanAveragePrecision):
    """The mean average precision of things of up to 32 x 32 pixels of the picture; NaN where there are none.

    >>> box = torch.tensor([[[0.0, 0.0, 20.0, 20.0]]])
    >>> said = {"boxes": box, "scores": torch.tensor([[0.9]]), "labels": torch.tensor([[0]])}
    >>> MeanAveragePrecisionSmall().value(said, {"boxes": box, "labels": said["labels"], "present": said["labels"] == 0})
    1.0
    """

    size = 1


@recorded
class MeanAveragePrecisionMedium(MeanAveragePrecision):
    """The mean average precision of things of 32 x 32 to 96 x 96 pixels of the picture; NaN where there are none.

    >>> box = torch.tensor([[[0.0, 0.0, 50.0, 50.0]]])
    >>> said = {"boxes": box, "scores": torch.tensor([[0.9]]), "labels": torch.tensor([[0]])}
    >>> MeanAveragePrecisionMedium().value(said, {"boxes": box, "labels": said["labels"], "present": said["labels"] == 0})
    1.0
    """

    size = 2


@recorded
class MeanAveragePrecisionLarge(MeanAveragePrecision):
    """The mean average precision of things of 96 x 96 pixels of the picture or more; NaN where there are none.

    >>> box = torch.tensor([[[0.0, 0.0, 120.0, 120.0]]])
    >>> said = {"boxes": box, "scores": torch.tensor([[0.9]]), "labels": torch.tensor([[0]])}
    >>> MeanAveragePrecisionLarge().value(said, {"boxes": box, "labels": said["labels"], "present": said["labels"] == 0})
    1.0
    """

    size = 3


@recorded
class MeanAverageRecall100(MeanAveragePrecision):
    """The mean over classes and IoU thresholds of the share of boxes that are found by up to 100 predictions per image and class.

    >>> box = torch.tensor([[[0.0, 0.0, 4.0, 4.0]]])
    >>> said = {"boxes": box, "scores": torch.tensor([[0.9]]), "labels": torch.tensor([[0]])}
    >>> there = {"boxes": box.repeat(1, 2, 1), "labels": torch.tensor([[0, 0]]), "present": torch.tensor([[True, True]])}
    >>> MeanAverageRecall100().value(said, there)
    0.5
    """

    def figure(self, scores: Tensor, hits: Tensor, weights: Tensor, there: Tensor) -> Tensor:
        return (hits * weights.double()).sum(0) / there


def _told(targets: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Complete targets that say nothing of crowds, and of areas and borders of the picture."""
    beyond = torch.tensor([-1e9, -1e9, 1e9, 1e9])
    plain = {
        "frame": beyond.expand(len(targets["boxes"]), 4),
        "crowd": torch.zeros_like(targets["present"]),
        "pixel_area": targets["boxes"].new_ones(len(targets["boxes"])),
        "areas": area(targets["boxes"].double()),
    }
    return {**plain, **targets}


def _in_ranges(areas: Tensor) -> Tensor:
    """Return in which ranges areas `(batch, boxes)` lie, `(batch, ranges, boxes)`."""
    low, high = torch.tensor(AREAS, dtype=torch.float64).unbind(1)
    return (areas[:, None] >= low[:, None]) & (areas[:, None] <= high[:, None])


def average_precision(scores: Tensor, hits: Tensor, weights: Tensor, there: Tensor) -> Tensor:
    """Return the average precision at each threshold, interpolated at 101 recalls.

    Args:
        scores: `(predictions,)`.
        hits: `(predictions, thresholds)`, whether each takes a box.
        weights: `(predictions, thresholds)`, 0 for what does not count, or `(predictions,)`.
        there: how many boxes there are, above 0.

    >>> ap = average_precision(torch.tensor([0.9, 0.8]), torch.tensor([[True], [False]]), torch.ones(2), torch.tensor(2.0))
    >>> round(ap.item(), 4)  # precision 1 up to recall 1/2: 51 of 101 places
    0.505
    """
    order = scores.argsort(descending=True, stable=True)
    weights = (weights if weights.ndim == 2 else weights[:, None])[order].double()
    right, all_ = (hits[order] * weights).cumsum(0), weights.cumsum(0)
    recall, precision = right / there, right / all_.clamp(min=1e-12)
    highest = precision.flip(0).cummax(0).values.flip(0) if len(precision) else precision
    padded = torch.cat([highest, highest.new_zeros(1, highest.shape[1])])
    # COCO's code compares as the numbers were rounded; of weights that are no counts, what was rounded off is given back.
    slack = 0.0 if bool((weights == weights.round()).all()) else 1e-12
    wanted = torch.from_numpy(numpy.linspace(0.0, 1.0, RECALLS))
    places = torch.searchsorted(recall.T.contiguous() + slack, wanted.expand(hits.shape[1], -1).contiguous())
    return padded.gather(0, places.T).mean(0)
