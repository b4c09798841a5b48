"""Batches of streamed examples: pieces prepared by a thread ahead of time, cut into batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.data.assembly.streaming import StreamedExamples
from neurarium.data.sources.prefetching import prefetched

AHEAD = 1  # buffers that are prepared while one is used


def streamed_batches(
    examples: StreamedExamples,
    spans: Sequence[tuple[int, int]],
    *,
    shuffle: bool,
    seed: int,
    epoch: int,
    ahead: int = AHEAD,
) -> Iterator[tuple[Tensor, dict[str, Any]]]:
    """Yield (places in the split, batch) for each span of an epoch's order.

    Args:
        spans: (first, end) of each batch in the order, rising.
        shuffle, seed, epoch: the order; see `StreamedExamples.pieces`.
        ahead: how many buffers are prepared ahead; it changes nothing of what is yielded.
    """
    if not spans:
        return
    begin = spans[0][0]
    pieces = prefetched(
        examples.pieces(shuffle=shuffle, seed=seed, epoch=epoch, start=begin),
        ahead,
    )
    held: tuple[Tensor, Any] | None = None
    end = begin  # where the held piece ends in the order
    for first, last in spans:
        parts: list[tuple[Tensor, Any]] = []
        while first < last or not parts:
            if held is None or end <= first < last:
                held = next(pieces)
                end += len(held[0])
                continue
            size = len(held[0])
            part = slice(first - (end - size), min(last, end) - (end - size))
            parts.append((held[0][part], batches.take(held[1], part)))
            first = min(last, end)
        yield parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: list[tuple[Tensor, Any]]) -> tuple[Tensor, Any]:
    return torch.cat([places for places, _ in parts]), batches.concatenate([batch for _, batch in parts])
