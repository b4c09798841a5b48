"""Kernel distance: how far apart two sets of features are, seen by a polynomial kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.features import FeatureMetric, Features
from neurarium.metrics.metric import State


@recorded
class KernelDistance(FeatureMetric):
    """Kernel distance: the squared maximum mean discrepancy with a polynomial kernel, without bias (Binkowski et al. 2018,
    arXiv:1801.01401, section 3.1).

    `mean k(x, x') + mean k(y, y') - 2 mean k(x, y)` over pairs of different examples, `k(x, y) = (gamma x.y + c)^degree`.
    Free of bias it can fall below 0 for equal sets. It is computed over all examples rather than over random subsets:
    no chance is in it. NaN with fewer than two examples on a side.

    Args:
        degree: of the polynomial.
        gamma: of the kernel; None: 1 / features.
        offset: the constant c.

    >>> set_a, set_b = torch.tensor([[0.0], [2.0]]), torch.tensor([[3.0], [5.0]])
    >>> KernelDistance(degree=1).value(set_a, set_b)
    7.0
    """

    def __init__(self, degree: int = 3, gamma: float | None = None, offset: float = 1.0):
        super().__init__()
        self.degree, self.gamma, self.offset = degree, gamma, offset

    def contribution(self, examples: Features) -> State:
        return dict(examples)

    def joined(self, parts: Sequence[State]) -> State:
        sides = {side for part in parts for side in part}
        return {side: torch.cat([part[side] for part in parts if side in part]) for side in sorted(sides)}

    def result(self, state: State) -> float:
        if len(state) < 2 or any(len(values) < 2 for values in state.values()):
            return math.nan
        one, two = state["generated"], state["real"]
        within = sum(
            self._total(each, each, skip=True) / (len(each) * (len(each) - 1)) for each in (one, two)
        )
        return float(within - 2 * self._total(one, two) / (len(one) * len(two)))

    def _total(self, one: Tensor, two: Tensor, *, skip: bool = False) -> Tensor:
        """Sum the kernel over all pairs in blocks, without the diagonal where `skip`."""
        gamma = 1 / one.shape[1] if self.gamma is None else self.gamma
        total = one.new_zeros(())
        for block in one.split(2048):
            total = total + (gamma * block @ two.T + self.offset).pow(self.degree).sum()
        if skip:
            total = total - (gamma * one.square().sum(dim=1) + self.offset).pow(self.degree).sum()
        return total
