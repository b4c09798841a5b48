"""Several processes: who am I, how many are we, start and stop. `torchrun` sets the environment that this reads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from neurarium.core import batches, codec

_mode = {"alone": False, "absent": False}


def together() -> bool:
    """Return whether this process works with others: a process group is up, and no `alone` holds."""
    return not _mode["alone"] and dist.is_available() and dist.is_initialized()


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Work as if this were the only process.

    For what a rank does with its own tasks or clients while the others do something else: an inner loop of
    meta-learning, the local training of federated clients, the search for a NaN. Nothing communicates inside.
    """
    with _set("alone"):
        yield


@contextlib.contextmanager
def absent() -> Iterator[None]:
    """Evaluate for the others' sake only: a rank without an example takes part in all communication, with weight 0."""
    with _set("absent"):
        yield


def is_absent() -> bool:
    return _mode["absent"]


@contextlib.contextmanager
def _set(name: str) -> Iterator[None]:
    before, _mode[name] = _mode[name], True
    try:
        yield
    finally:
        _mode[name] = before


def rank() -> int:
    return dist.get_rank() if together() else 0


def world() -> int:
    return dist.get_world_size() if together() else 1


def first() -> bool:
    """Return whether this process is the one that writes."""
    return rank() == 0


@contextlib.contextmanager
def process_group(device: str | torch.device = "cpu") -> Iterator[None]:
    """Join the group that torchrun describes, if it does; leave it at the end. NCCL for tensors on GPUs, else gloo."""
    if together() or not (dist.is_available() and "WORLD_SIZE" in os.environ and "RANK" in os.environ):
        yield
        return
    on_gpu = torch.device(device).type == "cuda" and dist.is_nccl_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def broadcast_state(module: nn.Module) -> None:
    """Give every rank the first one's parameters and buffers."""
    for tensor in (*module.parameters(), *module.buffers()):
        dist.broadcast(tensor.detach(), src=0)  # in place; the ranks hold the same layout


def total(value: Tensor) -> Tensor:
    """Return the sum over ranks."""
    if together():
        value = value.clone()
        dist.all_reduce(value)
    return value


def same(text: str) -> str:
    """Return the first rank's text on every rank (a folder's name, a decision)."""
    if not together():
        return text
    bytes_ = text.encode()
    length = torch.tensor([len(bytes_)])
    dist.broadcast(length, src=0)
    held = (
        torch.frombuffer(bytearray(bytes_), dtype=torch.uint8)
        if first()
        else torch.zeros(int(length), dtype=torch.uint8)
    )
    dist.broadcast(held, src=0)
    return bytes(held.tolist()).decode()


def barrier() -> None:
    if together():
        dist.barrier()


def filled(parts: list[Any], count: int) -> tuple[list[Any], list[bool]]:
    """Return exactly `count` micro-batches, and which of them are there; the others are stand-ins that count nothing.

    Networks may communicate (synchronised BatchNorm, sharded parameters), so that a rank whose share of a short last
    batch is empty evaluates one made-up example for the others' sake.
    """
    present = [not batches.is_empty(part) for part in parts]
    parts = [part if there else batches.stand_in(part) for part, there in zip(parts, present, strict=True)]
    spare = [batches.take(parts[0], slice(0, 1))] * (count - len(parts)) if parts else []
    return [*parts, *spare], [*present, *[False] * len(spare)]


def everyones(tree: Any) -> list[Any]:
    """Return the trees of all ranks, in their order; a tree is whatever the file codec writes."""
    if not together():
        return [tree]
    own = torch.frombuffer(bytearray(codec.to_bytes(tree)), dtype=torch.uint8)
    lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(world())]
    dist.all_gather(lengths, torch.tensor([len(own)]))
    padded = own.new_zeros(int(max(lengths)))
    padded[: len(own)] = own
    parts = [torch.empty_like(padded) for _ in range(world())]
    dist.all_gather(parts, padded)
    trees = [part[: int(length)].numpy().tobytes() for part, length in zip(parts, lengths, strict=True)]
    return [codec.from_bytes(each) for each in trees]
