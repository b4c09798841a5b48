"""NDCG: how much of the relevance stands at the top of a ranking."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.metrics.ranking import Lists, RankingMetric, groups


@recorded
class NDCG(RankingMetric):
    """Normalized discounted cumulative gain: `DCG / ideal DCG`, `DCG = sum_i gain_i / log2(1 + place_i)`.

    Scores and relevances `(queries, items)`, or the index of the relevant item `(queries,)`; a float in [0, 1].

    Args:
        k: how many first places count; None for all.
        gain: `linear`: the relevance (Jarvelin and Kekalainen 2002); `exponential`: `2^relevance - 1` (Burges 2005).

    >>> round(NDCG().value(torch.tensor([[0.9, 0.5, 0.1]]), torch.tensor([[0.0, 1.0, 0.0]])), 4)
    0.6309
    """

    goal = "max"

    def __init__(self, k: int | None = None, gain: Literal["linear", "exponential"] = "linear"):
        super().__init__(k)
        if gain not in ("linear", "exponential"):
            raise OptionError("there is no such gain", expected="linear or exponential", received=gain)
        self.gain = gain

    def values(self, examples: Lists) -> Tensor:
        gains = examples.relevances if self.gain == "linear" else torch.exp2(examples.relevances) - 1
        order, group, sizes = groups(examples.scores)
        mean = torch.zeros_like(gains).scatter_add_(1, group, gains.gather(1, order)) / sizes.clamp(min=1)
        items = gains.shape[1]
        place = torch.arange(items, dtype=torch.float64, device=gains.device)
        discount = torch.where(place < self.places(items), 1 / torch.log2(place + 2), 0.0)
        ideal = (gains.sort(dim=1, descending=True).values * discount).sum(dim=1)
        reached = (mean.gather(1, group) * discount).sum(dim=1)
        return torch.where(ideal > 0, reached / torch.where(ideal > 0, ideal, 1.0), 0.0)
