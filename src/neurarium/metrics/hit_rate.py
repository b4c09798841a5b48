"""Hit rate: whether a relevant item stands among the first."""

from __future__ import annotations

from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.ranking import Lists, RankingMetric, first_place


@recorded
class HitRate(RankingMetric):
    """Hit rate: the share of queries with a relevant item among the first k.

    Scores and relevances `(queries, items)`, or the index of the relevant item `(queries,)`; a float in [0, 1].

    Args:
        k: how many first places count; None for all, where it is 1.

    >>> import torch
    >>> HitRate(k=2).value(torch.tensor([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1]]), torch.tensor([1, 2]))
    0.5
    """

    goal = "max"

    def __init__(self, k: int | None = 10):
        super().__init__(k)

    def values(self, examples: Lists) -> Tensor:
        chance = first_place(examples)
        return chance[:, : self.places(chance.shape[1])].sum(dim=1)
