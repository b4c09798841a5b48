"""Told tokens: metrics of texts, read off three numbers per text, so that no split is held as probabilities of tokens."""

from __future__ import annotations

import torch

from neurarium.core.recipe import recorded
from neurarium.metrics.counted import CountedMetric
from neurarium.metrics.metric import State


class ToldMetric(CountedMetric):
    """A metric of texts, each token told from those before it.

    Predictions are rows `(batch, 3)` (`Text.tokens_told`): the sum of -log p of a text's tokens, how many of them had the
    highest probability, how many there are. Targets are not read. All tokens of all texts count alike.
    """

    shape = (3,)
    read = "metrics of told tokens read three numbers per text"
    given = "(batch, 3), as Text.tokens_told gives it"


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
        nats, _, count = state["counts"]
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
        _, right, count = state["counts"]
        return float(right / count)
