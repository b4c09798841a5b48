"""Beam search: the best texts that a network writes token by token, several kept at each step; greedy with one."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from neurarium.core.errors import OptionError
from neurarium.core.steps import finish


class State(Protocol):
    """What a network keeps between steps; rows of one text stand side by side."""

    def take(self, rows: Tensor) -> None:
        """Go on with these rows; each is one of the same text."""


class Beams(NamedTuple):
    """What a search found, the best first.

    Args:
        tokens: `(texts, width, length)` int64, without the end, then padding.
        scores: `(texts, width)`: log p / length^penalty; -inf where fewer were found.
    """

    tokens: Tensor
    scores: Tensor


def search_beams(
    step: Callable[[Tensor, Any], Tensor],
    state: State,
    texts: int,
    *,
    begin: int,
    end: int,
    padding: int = 0,
    longest: int,
    width: int = 5,
    length_penalty: float = 1.0,
    device: Any = None,
) -> Beams:
    """Write several texts at once.

    At each step every unfinished text keeps its `width` most likely beginnings. One that ends among them is set aside with
    score = log p / length^length_penalty (its end counts as a token); a text is finished when `width` have ended, or at the
    longest length, where all end. With width 1 this is greedy search.

    Args:
        step: `step(tokens (texts * width,), state) -> logits (texts * width, vocabulary)` of the next tokens.
        state: of `texts * width` rows; its rows are reordered by `take`.
        texts: how many.
        begin, end, padding: tokens; begin and padding are never written.
        longest: tokens of a text at most, its end among them.
        width: beginnings that are kept.
        length_penalty: 0 prefers short texts, 1 compares the mean log p of tokens.
        device: of the tokens.

    Raises:
        OptionError: no beam, or no token.

    Graves 2012, arXiv:1211.3711, section 2.3; the penalty as in arXiv:1609.08144, section 7, with its constant 5 left out.

    >>> class Nothing:
    ...     def take(self, rows): ...
    >>> always = lambda tokens, state: torch.tensor([0.0, 0.0, 0.0, 2.0]).repeat(len(tokens), 1)  # 3 is the end
    >>> search_beams(always, Nothing(), 1, begin=1, end=3, longest=4, width=1).tokens.tolist()
    [[[0, 0, 0, 0]]]
    """
    return finish(
        searching(
            step, state, texts, begin=begin, end=end, padding=padding, longest=longest, width=width,
            length_penalty=length_penalty, device=device,
        )
    )  # fmt: skip


def searching(
    step: Callable[[Tensor, Any], Tensor], state: State, texts: int, *, begin: int, end: int, padding: int = 0,
    longest: int, width: int = 5, length_penalty: float = 1.0, device: Any = None,
) -> Generator[None, None, Beams]:  # fmt: skip
    """Search as `search_beams` does, and pause after each token; the value is what was found."""
    if width < 1 or longest < 1:
        raise OptionError(
            "a search needs a beam and a token",
            expected="1 or more of both",
            received=f"{width} beams, {longest} tokens",
        )
    search = _Search(texts, width, longest, padding, length_penalty, device)
    tokens = torch.full((texts * width,), begin, dtype=torch.int64, device=device)
    for place in range(longest):
        known = torch.log_softmax(step(tokens, state).float(), dim=-1).reshape(texts, width, -1)
        known[..., [padding, begin]] = -torch.inf
        if place == longest - 1:
            only_end = torch.full_like(known, -torch.inf)
            only_end[..., end] = known[..., end]
            known = only_end
        rows = search.advance(known, end, place)
        if rows is None:
            break
        state.take(rows)
        tokens = search.latest
        yield
    return search.found()


class _Search:
    """What is alive and what has ended, of all texts."""

    def __init__(self, texts: int, width: int, longest: int, padding: int, penalty: float, device: Any):
        self.width, self.penalty = width, penalty
        self.alive = torch.full((texts, width), -torch.inf, device=device)
        self.alive[:, 0] = 0.0  # all beams begin alike: one of them is enough
        self.written = torch.full((texts, width, longest), padding, dtype=torch.int64, device=device)
        self.ended = torch.full((texts, width), -torch.inf, device=device)
        self.results = self.written.clone()
        self.first_row = width * torch.arange(texts, device=device)[:, None]
        self.latest = torch.zeros(0)

    def advance(self, known: Tensor, end: int, place: int) -> Tensor | None:
        """Go one token on from its log-probabilities `(texts, width, vocabulary)`; return which rows go on, None at the end."""
        width, vocabulary = known.shape[1:]
        sums = (self.alive[..., None] + known).flatten(1)
        best, which = sums.topk(min(2 * width, sums.shape[1]), dim=1)
        parents, tokens = which // vocabulary, which % vocabulary
        ends = tokens == end
        self._set_aside(torch.where(ends, best, -torch.inf)[:, :width], parents[:, :width], place)
        finished = (self.ended > -torch.inf).all(dim=1)
        kept, order = torch.where(ends, -torch.inf, best).topk(width, dim=1)
        self.alive = torch.where(finished[:, None], -torch.inf, kept)
        if not bool((self.alive > -torch.inf).any()):
            return None
        parents, tokens = parents.gather(1, order), tokens.gather(1, order)
        self.written = self.written.gather(1, parents[..., None].expand_as(self.written))
        self.written[:, :, place] = tokens
        self.latest = tokens.flatten()
        return (self.first_row + parents).flatten()

    def _set_aside(self, sums: Tensor, parents: Tensor, place: int) -> None:
        scores = torch.cat([self.ended, sums / (place + 1) ** self.penalty], dim=1)
        texts = self.written.gather(1, parents[..., None].expand(-1, -1, self.written.shape[2]))
        self.ended, order = scores.topk(self.width, dim=1)
        both = torch.cat([self.results, texts], dim=1)
        self.results = both.gather(1, order[..., None].expand_as(self.results))

    def found(self) -> Beams:
        return Beams(self.results, self.ended)
