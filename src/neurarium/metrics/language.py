"""Language: metrics of language models, read off four numbers per example, so that no split is held as probabilities."""

from __future__ import annotations

import math

from neurarium.core.recipe import recorded
from neurarium.metrics.counted import CountedMetric
from neurarium.metrics.metric import State


class LanguageMetric(CountedMetric):
    """A metric of language models. Predictions are rows `(batch, 4)` (`NextToken.surprise`): nats, tokens, characters, bytes.

    All tokens of all examples count alike.
    """

    goal = "min"

    shape = (4,)
    read = "metrics of language models read four numbers per example"
    given = "(batch, 4), as NextToken.surprise gives it"


@recorded
class LanguagePerplexity(LanguageMetric):
    """Perplexity: `exp(sum(-log p) / tokens)`: among how many equally likely tokens the network chooses.

    Predictions `(batch, 4)` as `LanguageMetric` reads them; a float of 1 or more.

    >>> import torch
    >>> round(LanguagePerplexity().value(torch.tensor([[3 * math.log(4), 3.0, 6.0, 6.0]]), None), 4)
    4.0
    """

    def result(self, state: State) -> float:
        nats, tokens, _, _ = state["counts"].tolist()
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
        nats, _, characters, _ = state["counts"].tolist()
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
        nats, _, _, bytes_ = state["counts"].tolist()
        return nats / math.log(2) / bytes_ if bytes_ else math.nan
