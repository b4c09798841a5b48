"""Continuation: the logits of the next token, again and again, with what a network keeps of the tokens before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Continuation:
    """Read tokens one after the other, and know the logits of the one that follows.

    A network that keeps keys and values, or a state (`new_cache`, `advance`), reads each token once. One with a context reads
    at most so many: where it is full, it goes on from the newer half of it, read anew, so that no token sees fewer than half
    a context before it. A network without a cache reads everything again for each token; the logits are the same.

    Args:
        network: in eval mode.
        tokens: the beginning, one at least; `rows` texts begin with it.
        context: tokens that the network sees at most; None for any number.
        rows: how many texts go on side by side.
        cached: False reads everything again for each token, whatever the network keeps.
        longest: how many tokens will be read in all, if that is known: the room for keys and values.

    >>> from neurarium.networks import Decoder
    >>> text = Continuation(Decoder(7, context=4, width=8, blocks=1, heads=2).eval(), [1, 2, 3], context=4)
    >>> text.read(torch.tensor([4])).shape, text.slid, text.read(torch.tensor([5])).shape, text.slid
    (torch.Size([1, 7]), 0, torch.Size([1, 7]), 1)
    """

    def __init__(
        self, network: nn.Module, tokens: Sequence[int], *, context: int | None, rows: int = 1,
        cached: bool = True, longest: int | None = None,
    ):  # fmt: skip
        self.network: Any = network
        self.context, self.longest = context, longest
        self.cached = cached and hasattr(network, "new_cache")
        device = next((each.device for each in network.parameters()), torch.device("cpu"))
        self.slid = 0
        seen = torch.tensor([list(tokens)] * rows, dtype=torch.int64, device=device)
        self.seen = seen if context is None else seen[:, -context:]
        self.cache: Any = None
        self.logits = self._begin()

    def _begin(self) -> Tensor:
        """Read all that is seen at once."""
        if not self.cached:
            return self._last(self.network({"tokens": self.seen}))
        rows, length = self.seen.shape
        room = self.context or max(self.longest or 0, length)
        if self.context is not None and self.longest is not None:
            room = min(room, max(self.longest, length))
        self.cache = self.network.new_cache(rows, room)
        return self._last(self.network.advance(self.seen, self.cache))

    def read(self, tokens: Tensor) -> Tensor:
        """Read the next token of each text, `(rows,)`; return the logits of those that follow, `(rows, vocabulary)`."""
        self.seen = torch.cat([self.seen, tokens[:, None]], dim=1)
        if self.context is not None and self.seen.shape[1] > self.context:
            self.seen = self.seen[:, -max(1, self.context // 2) :]
            self.slid += 1
            self.logits = self._begin()
        elif self.cached:
            self.logits = self._last(self.network.advance(tokens[:, None], self.cache))
        else:
            self.logits = self._begin()
        return self.logits

    def take(self, rows: Tensor) -> None:
        """Go on with these texts: row i becomes what row `rows[i]` was."""
        self.seen, self.logits = self.seen[rows], self.logits[rows]
        for part in self.cache or ():
            part.take(rows)

    @staticmethod
    def _last(logits: Tensor) -> Tensor:
        return logits[:, -1]
