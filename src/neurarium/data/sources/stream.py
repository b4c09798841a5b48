"""Batches from a function: episodes of tasks, simulated data, replay memories."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from neurarium.core.seeds import generator


class Stream:
    """Yield `make(generator)` a fixed number of times per epoch; each batch has a generator of its own.

    Args:
        make: `make(generator: torch.Generator) -> batch`; it draws all its chance from the generator.
        length: batches per epoch.
        seed: the seed of all batches; batch k of epoch e always gets the same generator, another one on each rank.

    >>> stream = Stream(lambda chance: torch.rand(2, generator=chance), length=3, seed=0)
    >>> len(list(stream)), stream.state_dict()
    (3, {'epoch': 1, 'position': 0})
    """

    def __init__(self, make: Callable[[torch.Generator], Any], length: int, *, seed: int = 0):
        self.make, self.length, self.seed = make, length, seed
        self.epoch = self.position = 0
        together = torch.distributed.is_available() and torch.distributed.is_initialized()
        self.rank = (torch.distributed.get_rank(),) if together and torch.distributed.get_rank() else ()

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Any]:
        while self.position < self.length:
            chance = generator(self.seed, "stream", self.epoch, self.position, *self.rank)
            self.position += 1
            yield self.make(chance)
        self.epoch, self.position = self.epoch + 1, 0

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch, self.position = state["epoch"], state["position"]
