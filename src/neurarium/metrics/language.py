"""Language: metrics of language models, read off four numbers per example, so that no split is held as probabilities."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Hashable
from typing import Any

from torch import Tensor

from neurarium.core.errors import ShapeError
from neurarium.core.recipe import recorded
from neurarium.metrics.checks import finite, tensor, weighting
from neurarium.metrics.metric import State, SumMetric


@dataclasses.dataclass(frozen=True)
class Surprises:
    """Checked rows `(batch, 4)` float64: nats, tokens, characters, bytes; and a weight per example."""

    rows: Tensor
    weights: Tensor

    def reweighted(self, factors: Tensor) -> Surprises:
        return dataclasses.replace(self, weights=self.weights * factors)

    def __len__(self) -> int:
        return len(self.rows)


class LanguageMetric(SumMetric):
    """A metric of language models. Predictions are rows `(batch, 4)` (`NextToken.surprise`); targets are not read.

    All tokens of all examples count alike.
    """

    goal = "min"

    def check(self, predictions: Any, targets: Any = None, weights: Any = None) -> Surprises:
        rows = tensor(predictions, "predictions").double()
        if rows.ndim != 2 or rows.shape[1] != 4:
            raise ShapeError(
                "metrics of language models read four numbers per example",
                expected="(batch, 4), as NextToken.surprise gives it",
                received=tuple(rows.shape),
            )
        finite(predictions=rows)
        return Surprises(rows, weighting(weights, len(rows), rows.device))

    def shares(self) -> Hashable:
        return LanguageMetric

    def shares_check(self) -> Hashable:
        return LanguageMetric

    def terms(self, examples: Surprises) -> State:
        return {"sums": examples.rows * examples.weights[:, None]}


@recorded
class LanguagePerplexity(LanguageMetric):
    """Perplexity: `exp(sum(-log p) / tokens)`: among how many equally likely tokens the network chooses.

    Predictions `(batch, 4)` as `LanguageMetric` reads them; a float of 1 or more.

    >>> import torch
    >>> round(LanguagePerplexity().value(torch.tensor([[3 * math.log(4), 3.0, 6.0, 6.0]]), None), 4)
    4.0
    """

    def result(self, state: State) -> float:
        nats, tokens, _, _ = state["sums"].tolist()
        return math.exp(min(nats / tokens, 700.0)) if tokens else math.nan


@recorded
class BitsPerCharacter(LanguageMetric):
    """Bits per character: `sum(-log2 p) / characters`; it compares networks whatever their tokens are.

    Predictions `(batch, 4)` as `LanguageMetric` reads them; a float of 0 or more.

    >>> import torch
    >>> round(BitsPerCharacter().value(torch.tensor([[3 * math.log(4), 3.0, 6.0, 6.0]]), None), 4)
    1.0
    """

    def result(self, state: State) -> float:
        nats, _, characters, _ = state["sums"].tolist()
        return nats / math.log(2) / characters if characters else math.nan


@recorded
class BitsPerByte(LanguageMetric):
    """Bits per byte of the text in UTF-8: `sum(-log2 p) / bytes`.

    Predictions `(batch, 4)` as `LanguageMetric` reads them; a float of 0 or more.

    >>> import torch
    >>> round(BitsPerByte().value(torch.tensor([[3 * math.log(4), 3.0, 6.0, 12.0]]), None), 4)
    0.5
    """

    def result(self, state: State) -> float:
        nats, _, _, bytes_ = state["sums"].tolist()
        return nats / math.log(2) / bytes_ if bytes_ else math.nan
