"""Sum gradients over ranks while the backward pass is still running.

Parameters are put in buckets in reverse order (the order in which backward fills them). When all gradients of a bucket
are there, and all earlier buckets are on their way, it is flattened and sent; the rest goes in `finish`. The buckets
leave in the same order on all ranks, or the ranks would wait for each other for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

BUCKET_BYTES = 4 << 20


class Exchange:
    """Sums the gradients of some parameters over all ranks, overlapped with backward.

    Args:
        parameters: the same ones, in the same order, on each rank.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]):
        self.buckets = _buckets(list(reversed(parameters)))
        self.parameters = [each for bucket in self.buckets for each in bucket]
        self.place = {id(each): number for number, bucket in enumerate(self.buckets) for each in bucket}
        self.active = False
        self.sent = 0
        self.overlapped = 0  # buckets that left before backward ended, for tests and profiles
        self.handles = [each.register_post_accumulate_grad_hook(self._arrived) for each in parameters]

    def start(self) -> None:
        """Expect the last backward pass before the update (none at all where gradients are given ready)."""
        self.active, self.sent = True, 0
        self.missing = [{id(each) for each in bucket} for bucket in self.buckets]
        self.flying: list[tuple[Tensor, Any]] = []

    def finish(self, scalars: Tensor) -> Tensor:
        """Send what is left, wait for all, write the sums into the gradients; return the scalars summed over ranks."""
        self.active = False
        self.overlapped = self.sent
        while self.sent < len(self.buckets):
            self._send()
        used = torch.tensor([each.grad is not None for each in self.parameters], dtype=scalars.dtype)
        flags = torch.cat([scalars, used.to(scalars.device)])
        dist.all_reduce(flags)
        for (flat, work), bucket in zip(self.flying, self.buckets, strict=True):
            work.wait()
            for each, part in zip(bucket, flat.split([p.numel() for p in bucket]), strict=True):
                _receive(each, part.view_as(each))
        for each, count in zip(self.parameters, flags[len(scalars) :].tolist(), strict=True):
            if count == 0:  # no rank used it: optimizers must leave it alone
                each.grad = None
        return flags[: len(scalars)]

    def close(self) -> None:
        """Stop listening to the parameters."""
        for handle in self.handles:
            handle.remove()

    def _arrived(self, parameter: nn.Parameter) -> None:
        if not self.active:
            return
        self.missing[self.place[id(parameter)]].discard(id(parameter))
        while self.sent < len(self.buckets) and not self.missing[self.sent]:
            self._send()

    def _send(self) -> None:
        bucket = self.buckets[self.sent]
        parts = [(torch.zeros_like(each) if each.grad is None else each.grad).reshape(-1) for each in bucket]
        flat = torch.cat(parts)
        self.flying.append((flat, dist.all_reduce(flat, async_op=True)))
        self.sent += 1


def _receive(parameter: nn.Parameter, total: Tensor) -> None:
    """Write a summed gradient; in the memory format of its parameter, which fused optimizers rely on."""
    if parameter.is_contiguous():
        parameter.grad = total
    else:
        parameter.grad = torch.empty_like(parameter).copy_(total)


def _buckets(parameters: list[nn.Parameter]) -> list[list[nn.Parameter]]:
    """Group neighbours of one type up to the bucket size; the first bucket is small, so that sending begins early."""
    made: list[list[nn.Parameter]] = []
    room = 0
    for each in parameters:
        size = each.numel() * each.element_size()
        if not made or size > room or made[-1][0].dtype != each.dtype:
            made.append([])
            room = BUCKET_BYTES if len(made) > 1 else BUCKET_BYTES // 8
        made[-1].append(each)
        room -= size
    return made
