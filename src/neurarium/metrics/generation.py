"""Distances between generated and real data, in a space of features; bits per dimension."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import OptionError, RefusalError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.metrics.checks import finite, tensor, weighting
from neurarium.metrics.metric import MeanMetric, Metric, State

Features = dict[str, Tensor]


class FeatureMetric(Metric):
    """A distance between two sets of features: predictions are generated, targets are real.

    `update(generated, real)`, each `(batch, features)` or None where one side has nothing; the sizes may differ.
    Weights are refused.
    """

    goal = "min"

    def check(self, predictions: Any, targets: Any, weights: Any = None) -> Features:
        if weights is not None:
            raise OptionError("a distance between sets takes no weights", expected="weights=None")
        given = {"generated": predictions, "real": targets}
        found = {
            name: tensor(value, name).to(torch.float64) for name, value in given.items() if value is not None
        }
        for name, value in found.items():
            if value.ndim != 2:
                raise ShapeError(
                    f"the {name} features are no table",
                    expected="(batch, features)",
                    received=tuple(value.shape),
                )
            finite(**{f"{name} features": value})
        if len({value.shape[1] for value in found.values()}) > 1:
            raise ShapeError(
                "generated and real features have different lengths",
                received={name: tuple(value.shape) for name, value in found.items()},
            )
        return found

    def many(self, examples: Features, weightings: Tensor) -> Tensor:
        raise RefusalError(
            f"{type(self).__name__} cannot be resampled: it is biased for sets with repeated examples",
            fix="compare several independent samples of the generator instead",
        )


@recorded
class FrechetDistance(FeatureMetric):
    """Fréchet distance between Gaussians fitted to two sets of features (Heusel et al. 2017, arXiv:1706.08500, eq. 6).

    `|mean_1 - mean_2|^2 + trace(S_1 + S_2 - 2 (S_1 S_2)^(1/2))` with covariances divided by n - 1. With features of an
    Inception network it is the FID; with others its numbers have another scale. It is biased upwards for few examples:
    compare equal sizes only. NaN with fewer than two examples on a side.

    >>> set_a, set_b = torch.tensor([[0.0], [2.0]]), torch.tensor([[3.0], [5.0]])
    >>> round(FrechetDistance().value(set_a, set_b), 6)
    9.0
    """

    def contribution(self, examples: Features) -> State:
        state: State = {}
        for side, values in examples.items():
            mean = values.mean(dim=0) if len(values) else values.new_zeros(values.shape[1])
            apart = values - mean
            state |= {
                f"{side}.count": values.new_tensor(float(len(values))),
                f"{side}.mean": mean,
                f"{side}.scatter": apart.T @ apart,
            }
        return state

    def absorb(self, part: State) -> None:
        self._parts = [self.joined([*self._parts, part])]

    def joined(self, parts: Sequence[State]) -> State:
        whole: State = {}
        for part in parts:
            for side in ("generated", "real"):
                if f"{side}.count" in part:
                    whole |= _merged(whole, part, side)
        return whole

    def result(self, state: State) -> float:
        sides = [
            side for side in ("generated", "real") if f"{side}.count" in state and state[f"{side}.count"] > 1
        ]
        if len(sides) < 2:
            return math.nan
        apart = state["generated.mean"] - state["real.mean"]
        one, two = (state[f"{side}.scatter"] / (state[f"{side}.count"] - 1) for side in sides)
        # trace((S1 S2)^(1/2)) as the singular values of S1^(1/2) S2^(1/2): stable where S1 S2 is singular.
        cross = torch.linalg.svdvals(_root(one) @ _root(two)).sum()
        return max(0.0, float(apart @ apart + one.trace() + two.trace() - 2 * cross))


def _root(matrix: Tensor) -> Tensor:
    """Return the symmetric square root of a positive semidefinite matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


def _merged(whole: State, part: State, side: str) -> State:
    """Merge counts, means and scatter matrices (Chan, Golub and LeVeque 1979)."""
    new = {key: part[f"{side}.{key}"] for key in ("count", "mean", "scatter")}
    if f"{side}.count" in whole:
        old = {key: whole[f"{side}.{key}"] for key in new}
        count = old["count"] + new["count"]
        share = new["count"] / count.clamp(min=1)
        apart = new["mean"] - old["mean"]
        new = {
            "count": count,
            "mean": old["mean"] + apart * share,
            "scatter": old["scatter"] + new["scatter"] + torch.outer(apart, apart) * old["count"] * share,
        }
    return {f"{side}.{key}": value for key, value in new.items()}


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


@recorded
class BitsPerDimension(MeanMetric):
    """Bits per dimension: `-mean(log p(x)) / (dimensions log 2) + log2(levels)`.

    Predictions: log-likelihoods in nats, `(batch,)`; targets: None, or the number of dimensions of each example
    `(batch,)` where they differ (the mean is then over dimensions).

    Args:
        dimensions: of an example (3 x 32 x 32 = 3072); 1 with targets.
        levels: of the data before it was scaled to [0, 1) with uniform noise (256 for bytes); 1 when the likelihood is of
            the data as it is.

    >>> metric = BitsPerDimension(dimensions=2)
    >>> metric.update(torch.tensor([-math.log(4.0)]))
    >>> round(metric.compute(), 6)
    1.0
    """

    goal = "min"

    def __init__(self, dimensions: int = 1, levels: int = 1):
        super().__init__()
        if dimensions < 1 or levels < 1:
            raise OptionError(
                "too few dimensions or levels", expected="1 or more", received=(dimensions, levels)
            )
        self.dimensions, self.levels = dimensions, levels

    def update(self, predictions: Any, targets: Any = None, weights: Any = None) -> None:
        super().update(predictions, targets, weights)

    def check(self, predictions: Any, targets: Any = None, weights: Any = None) -> Likelihoods:
        values = tensor(predictions, "predictions").to(torch.float64)
        if values.ndim != 1:
            raise ShapeError(
                "one log-likelihood per example is needed", expected="(batch,)", received=tuple(values.shape)
            )
        finite(predictions=values)
        weights = weighting(weights, len(values), values.device)
        if targets is None:
            return Likelihoods(values, torch.full_like(values, float(self.dimensions)), weights)
        sizes = weighting(targets, len(values), values.device) * self.dimensions
        return Likelihoods(values, sizes, weights)

    def values(self, examples: Likelihoods) -> Tensor:
        return examples.values

    def terms(self, examples: Likelihoods) -> State:
        return {"total": examples.weights * examples.values, "weight": examples.weights * examples.sizes}

    def finish(self, means: Tensor) -> Tensor:
        return math.log2(self.levels) - means / math.log(2)


class Likelihoods:
    """Checked log-likelihoods, numbers of dimensions and weights, each `(batch,)` float64."""

    def __init__(self, values: Tensor, sizes: Tensor, weights: Tensor):
        self.values, self.sizes, self.weights = values, sizes, weights

    def __len__(self) -> int:
        return len(self.values)
