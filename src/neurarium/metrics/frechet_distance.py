"""Fréchet distance: how far apart the Gaussians of two sets of features are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.features import FeatureMetric, Features
from neurarium.metrics.metric import FoldedMetric, State


@recorded
class FrechetDistance(FeatureMetric, FoldedMetric):
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
