"""Told tokens: metrics of texts, read off three numbers per text, so that no split is held as probabilities of tokens."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import ShapeError
from neurarium.core.recipe import recorded
from neurarium.metrics.checks import finite, tensor, weighting
from neurarium.metrics.metric import State, SumMetric


@dataclasses.dataclass(frozen=True)
class Told:
    """Checked rows `(batch, 3)` float64, and a weight per text."""

    rows: Tensor
    weights: Tensor

    def reweighted(self, factors: Tensor) -> Told:
        return dataclasses.replace(self, weights=self.weights * factors)

    def __len__(self) -> int:
        return len(self.rows)


class ToldMetric(SumMetric):
    """A metric of texts, each token told from those before it.

    Predictions are rows `(batch, 3)` (`Text.tokens_told`): the sum of -log p of a text's tokens, how many of them had the
    highest probability, how many there are. Targets are not read. All tokens of all texts count alike.
    """

    def check(self, predictions: Any, targets: Any = None, weights: Any = None) -> Told:
        rows = tensor(predictions, "predictions").double()
        if rows.ndim != 2 or rows.shape[1] != 3:
            raise ShapeError(
                "metrics of told tokens read three numbers per text",
                expected="(batch, 3), as Text.tokens_told gives it",
                received=tuple(rows.shape),
            )
        finite(predictions=rows)
        return Told(rows, weighting(weights, len(rows), rows.device))

    def shares(self) -> Hashable:
        return ToldMetric

    def shares_check(self) -> Hashable:
        return ToldMetric

    def terms(self, examples: Told) -> State:
        return {"told": examples.rows * examples.weights[:, None]}


@recorded
class TokenPerplexity(ToldMetric):
    """Perplexity of texts: `exp(sum(-log p) / tokens)`: among how many equally likely tokens the next one is chosen.

    Predictions `(batch, 3)` as `ToldMetric` reads them; a float of 1 or more.

    >>> import math
    >>> round(TokenPerplexity().value(torch.tensor([[3 * math.log(4), 1.0, 3.0]]), None), 4)
    4.0
    """

    goal = "min"

    def result(self, state: State) -> float:
        nats, _, count = state["told"]
        return float(torch.exp(nats / count))


@recorded
class NextTokenAccuracy(ToldMetric):
    """Share of tokens that had the highest probability, each told from the right ones before it.

    Predictions `(batch, 3)` as `ToldMetric` reads them; a float from 0 to 1.

    >>> NextTokenAccuracy().value(torch.tensor([[9.0, 1.0, 3.0], [1.0, 1.0, 1.0]]), None)
    0.5
    """

    goal = "max"

    def result(self, state: State) -> float:
        _, right, count = state["told"]
        return float(right / count)
