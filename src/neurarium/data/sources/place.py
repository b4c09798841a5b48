"""Place: which of how many processes this one is, for sources that cut their batches among them."""

from __future__ import annotations

import torch


def place_of(rank: int | None = None, world: int | None = None) -> tuple[int, int]:
    """Return (rank, world): what was given, else what torch.distributed says.

    >>> place_of(), place_of(1, 4)
    ((0, 1), (1, 4))
    """
    together = torch.distributed.is_available() and torch.distributed.is_initialized()
    if rank is None:
        rank = torch.distributed.get_rank() if together else 0
    if world is None:
        world = torch.distributed.get_world_size() if together else 1
    return rank, world


def share_of(size: int, rank: int, world: int) -> tuple[int, int]:
    """Return where the part of one process begins and ends in a batch of so many examples.

    >>> [share_of(5, rank, 2) for rank in range(2)]
    [(0, 3), (3, 5)]
    """
    low, high = (-(-size * part // world) for part in (rank, rank + 1))
    return low, high
