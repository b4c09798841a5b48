"""Reciprocal rank: where the first relevant item stands."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.ranking import Lists, RankingMetric, first_place


@recorded
class MRR(RankingMetric):
    """Mean reciprocal rank: the mean over queries of `1 / place of the first relevant item` (0 behind place k).

    Scores and relevances `(queries, items)`, or the index of the relevant item `(queries,)`; a float in [0, 1].

    Args:
        k: how many first places count; None for all.

    >>> MRR().value(torch.tensor([[0.9, 0.5, 0.1]]), torch.tensor([1]))
    0.5
    """

    goal = "max"

    def values(self, examples: Lists) -> Tensor:
        chance = first_place(examples)
        place = torch.arange(chance.shape[1], dtype=torch.float64, device=chance.device)
        return torch.where(place < self.places(len(place)), chance / (place + 1), 0.0).sum(dim=1)
