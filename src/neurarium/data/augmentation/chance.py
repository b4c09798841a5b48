"""Chance for augmentation: numbers that depend on (seed, epoch, example) and on nothing else."""

from __future__ import annotations

import numpy
import torch
from torch import Tensor

from neurarium.core.seeds import derive, generator


class Chance:
    """Random numbers for one batch.

    Each example has numbers of its own, whatever batch, worker or rank it meets: a counter-based generator
    (splitmix64: Steele, Lea, Flood, OOPSLA 2014) of (seed, epoch, example, use).

    Args:
        seed, epoch: of the source.
        indices: `(batch,)` int64, the examples' places in the split.
        number: the batch's place in the epoch.

    >>> first = Chance(0, 1, torch.tensor([5, 7]), 0).uniform("crop", 2)
    >>> again = Chance(0, 1, torch.tensor([7]), 3).uniform("crop", 2)
    >>> torch.equal(first[1], again[0])
    True
    """

    def __init__(self, seed: int, epoch: int, indices: Tensor, number: int):
        self.seed, self.epoch, self.indices, self.number = seed, epoch, indices, number

    def uniform(self, use: str, count: int = 1) -> Tensor:
        """Return `(batch, count)` float32 numbers in [0, 1) for a named use."""
        start = numpy.uint64(derive(self.seed, "example", self.epoch, use))
        examples = self.indices.cpu().numpy().astype(numpy.uint64)[:, None]
        places = examples * numpy.uint64(count) + numpy.arange(count, dtype=numpy.uint64)[None, :]
        with numpy.errstate(over="ignore"):  # arithmetic modulo 2**64 is the point
            mixed = start + (places + numpy.uint64(1)) * numpy.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
            mixed = mixed ^ (mixed >> numpy.uint64(31))
        values = (mixed >> numpy.uint64(40)).astype(numpy.float32) / numpy.float32(1 << 24)
        return torch.from_numpy(values).to(self.indices.device)

    def generator(self, use: str) -> torch.Generator:
        """Return a generator for what couples a batch (the pairs of mixup): drawn from (seed, epoch, batch)."""
        return generator(self.seed, "batch", self.epoch, self.number, use)
