"""Sampling: from logits to the next token, by temperature, by the k likeliest, by the nucleus of a share p."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from neurarium.core.errors import OptionError


def tempered(logits: Tensor, temperature: float) -> Tensor:
    """Return logits / temperature: below 1 the likely become likelier, above 1 all more alike.

    Args:
        logits: `(..., vocabulary)`.
        temperature: above 0.

    >>> torch.softmax(tempered(torch.tensor([0.0, 1.0]), 0.5), dim=-1)
    tensor([0.1192, 0.8808])
    """
    return logits / temperature


def only_top_k(logits: Tensor, count: int) -> Tensor:
    """Return logits in which all but the `count` largest are -inf; of equal ones at the border all stay.

    Fan, Lewis and Dauphin 2018, arXiv:1805.04833, section 5.2.

    >>> only_top_k(torch.tensor([3.0, 1.0, 2.0]), 2)
    tensor([3., -inf, 2.])
    """
    if count >= logits.shape[-1]:
        return logits
    border = logits.topk(count, dim=-1).values[..., -1:]
    return logits.masked_fill(logits < border, -torch.inf)


def only_top_p(logits: Tensor, share: float) -> Tensor:
    """Return logits in which only the nucleus is left: the fewest likeliest tokens that have the share p together.

    The likeliest always stays. Holtzman et al. 2020, arXiv:1904.09751, equation 2.

    >>> only_top_p(torch.tensor([0.5, 0.3, 0.2]).log(), 0.6).exp()
    tensor([0.5000, 0.3000, 0.0000])
    """
    ordered, places = logits.sort(dim=-1, descending=True)
    masses = ordered.softmax(dim=-1)
    before = masses.cumsum(dim=-1) - masses
    outside = before >= share
    outside[..., 0] = False
    return logits.masked_fill(outside.scatter(-1, places, outside), -torch.inf)


def penalized(logits: Tensor, used: Tensor, penalty: float) -> Tensor:
    """Return logits in which tokens that are there already are less likely: x / penalty above 0, x * penalty below.

    Keskar et al. 2019, arXiv:1909.05858, section 4.1, which finds about 1.2 a balance.

    Args:
        logits: `(..., vocabulary)`.
        used: `(vocabulary,)` bool.
        penalty: above 1 against repetition, 1 for none.

    >>> penalized(torch.tensor([2.0, -1.0, 2.0]), torch.tensor([True, True, False]), 2.0)
    tensor([ 1., -2.,  2.])
    """
    return torch.where(used, torch.where(logits > 0, logits / penalty, logits * penalty), logits)


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How the next token is drawn.

    Args:
        temperature: 0 takes the likeliest.
        top_k: draw from so many; None from all.
        top_p: draw from the nucleus of this share, above 0 and at most 1; None from all.
        repetition_penalty: above 1, tokens of the prompt and of what was written are less likely; see `penalized`.

    Raises:
        OptionError: a number outside of its range.

    >>> Sampling(temperature=0).choose(torch.tensor([[0.0, 2.0, 1.0]]), torch.Generator())
    tensor([1])
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise OptionError(
                "the temperature is out of range", expected="0 for the likeliest token, or a number above it",
                received=self.temperature, fix="--temperature 0.8",
            )  # fmt: skip
        if self.top_k is not None and self.top_k < 1:
            raise OptionError(
                "top-k leaves no token", expected="1 or more", received=self.top_k, fix="leave out --top-k: all tokens",
            )  # fmt: skip
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise OptionError(
                "top-p is no share", expected="above 0, at most 1", received=self.top_p, fix="--top-p 0.95"
            )
        if not 0 < self.repetition_penalty < float("inf"):
            raise OptionError(
                "the repetition penalty is out of range", expected="above 0; 1 for none, 1.2 is usual",
                received=self.repetition_penalty, fix="--repetition-penalty 1.2",
            )  # fmt: skip

    def choose(self, logits: Tensor, chance: torch.Generator, used: Tensor | None = None) -> Tensor:
        """Return a token for each row of logits `(batch, vocabulary)`: `(batch,)` int64 on the same device.

        `used` `(vocabulary,)` says which tokens are there already; it is read where repetition has a penalty. The draw is made on the CPU in float32, so that it is the same wherever the network computes.
        """
        if used is not None and self.repetition_penalty != 1:
            logits = penalized(logits, used, self.repetition_penalty)
        if self.temperature == 0:
            return logits.argmax(dim=-1)
        kept = tempered(logits.float().cpu(), self.temperature)
        if self.top_k is not None:
            kept = only_top_k(kept, self.top_k)
        if self.top_p is not None:
            kept = only_top_p(kept, self.top_p)
        drawn = torch.multinomial(kept.softmax(dim=-1), 1, generator=chance)[:, 0]
        return drawn.to(logits.device)
