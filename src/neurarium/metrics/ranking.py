"""Ranking: where the relevant items stand in a list sorted by score.

Scores `(queries, items)`; targets `(queries, items)` relevances of 0 or more (below 0: there is no such item, padding), or
`(queries,)` the index of the one relevant item. Items of equal score have no order: each metric is its mean over all
orders of them, so a constant score earns what chance earns. A query without a relevant item is left out.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import OptionError, ShapeError
from neurarium.metrics.checks import finite, require_targets, tensor, weighting
from neurarium.metrics.metric import MeanMetric


@dataclasses.dataclass(frozen=True)
class Lists:
    """Checked lists: scores `(queries, items)`, relevances `(queries, items)` float64, weights `(queries,)`.

    An item that is not there has the score -infinity and the relevance 0.
    """

    scores: Tensor
    relevances: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.scores)


class RankingMetric(MeanMetric):
    """A mean over queries.

    Args:
        k: how many first places count; None for all.
    """

    def __init__(self, k: int | None = None):
        super().__init__()
        if k is not None and k < 1:
            raise OptionError("k is too small", expected="1 or more", received=k)
        self.k = k

    def check(self, predictions: Any, targets: Any, weights: Any = None) -> Lists:
        require_targets(targets)
        scores = tensor(predictions, "predictions").to(torch.float64)
        targets = tensor(targets, "targets").to(scores.device)
        if scores.ndim == 2 and targets.shape == scores.shape[:1] and not targets.is_floating_point():
            targets = torch.nn.functional.one_hot(targets.to(torch.int64), scores.shape[1])
        if scores.ndim != 2 or targets.shape != scores.shape:
            raise ShapeError(
                "scores and relevances do not match",
                expected="(queries, items) each, or targets (queries,) of item indices",
                received=f"{tuple(scores.shape)} and {tuple(targets.shape)}",
            )
        relevances = targets.to(torch.float64)
        there = relevances >= 0
        finite(targets=relevances, predictions=torch.where(there, scores, 0.0))
        weights = weighting(weights, len(scores), scores.device)
        relevances = torch.where(there, relevances, 0.0)
        # A query without a relevant item has no place to look at: it counts for nothing.
        weights = torch.where((relevances > 0).any(dim=1), weights, 0.0)
        return Lists(torch.where(there, scores, -torch.inf), relevances, weights)

    def places(self, items: int) -> int:
        """Return how many places count."""
        return items if self.k is None else min(self.k, items)


def groups(scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sort each list and number its groups of equal score.

    Returns:
        order `(queries, items)`, the group of each place `(queries, items)`, the size of each group
        `(queries, items)` (0 behind the last).
    """
    ordered, order = scores.sort(dim=1, descending=True)
    fresh = torch.ones_like(ordered, dtype=torch.int64)
    fresh[:, 1:] = (ordered[:, 1:] != ordered[:, :-1]).to(torch.int64)
    group = fresh.cumsum(dim=1) - 1
    sizes = torch.zeros_like(scores).scatter_add_(1, group, torch.ones_like(scores))
    return order, group, sizes


def first_place(examples: Lists) -> Tensor:
    """Return the chance that the first relevant item stands at each place, `(queries, items)`.

    In the group of equal scores that holds the first relevant item, with `before` items before it, `size` items in it
    and `relevant` relevant ones among them, the place `before + j` (j from 1) has the chance
    `C(size - j, relevant - 1) / C(size, relevant)`.
    """
    order, group, sizes = groups(examples.scores)
    relevant = (examples.relevances > 0).double().gather(1, order)
    per_group = torch.zeros_like(relevant).scatter_add_(1, group, relevant)
    first = (per_group > 0).to(torch.int64).argmax(dim=1, keepdim=True)
    size, count = sizes.gather(1, first), per_group.gather(1, first)
    before = torch.where(group < first, 1.0, 0.0).sum(dim=1, keepdim=True)
    place = torch.arange(relevant.shape[1], dtype=torch.float64, device=relevant.device)
    j = place - before + 1
    possible = (j >= 1) & (j <= size - count + 1) & (count > 0)
    left = torch.where(possible, size - j, size)
    chance = torch.exp(_choose(left, (count - 1).clamp(min=0)) - _choose(size, count))
    return torch.where(possible, chance, 0.0)


def _choose(n: Tensor, k: Tensor) -> Tensor:
    """Return the logarithm of the binomial coefficient."""
    return torch.lgamma(n + 1) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)
