"""Several processes: who am I, how many are we, start and stop. `torchrun` sets the environment that this reads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from neurarium.core import batches


def together() -> bool:
    """Return whether a process group is up."""
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    return dist.get_rank() if together() else 0


def world() -> int:
    return dist.get_world_size() if together() else 1


def first() -> bool:
    """Return whether this process is the one that writes."""
    return rank() == 0


@contextlib.contextmanager
def process_group(device: str | torch.device = "cpu") -> Iterator[None]:
    """Join the group that torchrun describes, if it does; leave it at the end. NCCL on GPUs, gloo elsewhere."""
    if together() or not (dist.is_available() and "WORLD_SIZE" in os.environ and "RANK" in os.environ):
        yield
        return
    on_gpu = torch.device(device).type == "cuda" and dist.is_nccl_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def broadcast_state(module: nn.Module) -> None:
    """Give every rank the first one's parameters and buffers."""
    for tensor in (*module.parameters(), *module.buffers()):
        dist.broadcast(tensor.detach(), src=0)


def total(value: Tensor) -> Tensor:
    """Return the sum over ranks."""
    if together():
        value = value.clone()
        dist.all_reduce(value)
    return value


def gathered(tensor: Tensor) -> Tensor:
    """Return the tensors of all ranks joined along the first axis, whatever their lengths."""
    if not together():
        return tensor
    lengths = [torch.zeros(1, dtype=torch.int64, device=tensor.device) for _ in range(world())]
    dist.all_gather(lengths, torch.tensor([len(tensor)], device=tensor.device))
    longest = int(max(lengths))
    padded = tensor.new_zeros((longest, *tensor.shape[1:]))
    padded[: len(tensor)] = tensor
    parts = [torch.empty_like(padded) for _ in range(world())]
    dist.all_gather(parts, padded)
    return torch.cat([part[: int(length)] for part, length in zip(parts, lengths, strict=True)])


def same(text: str) -> str:
    """Return the first rank's text on every rank (a folder's name, a decision)."""
    if not together():
        return text
    bytes_ = text.encode()
    length = torch.tensor([len(bytes_)])
    dist.broadcast(length, src=0)
    held = torch.frombuffer(bytearray(bytes_), dtype=torch.uint8) if first() else torch.zeros(int(length), dtype=torch.uint8)
    dist.broadcast(held, src=0)
    return bytes(held.tolist()).decode()


def barrier() -> None:
    if together():
        dist.barrier()


def everyones(nest: Any) -> list[Any]:
    """Return the nests of all ranks, in their order; the structure is the same everywhere, lengths may differ."""
    if not together():
        return [nest]
    copies: list[dict[str, Tensor]] = [{} for _ in range(world())]
    for name, tensor in batches.tensors(nest):
        shapes = [torch.zeros(8, dtype=torch.int64) for _ in range(world())]
        own = torch.zeros(8, dtype=torch.int64)
        own[: tensor.ndim + 1] = torch.tensor([tensor.ndim, *tensor.shape])
        dist.all_gather(shapes, own)
        for source, shape in enumerate(shapes):
            size = shape[1 : 1 + int(shape[0])].tolist()
            held = tensor.detach().contiguous().cpu() if source == rank() else torch.empty(size, dtype=tensor.dtype)
            dist.broadcast(held, src=source)
            copies[source][name] = held
    return [_filled(nest, copy) for copy in copies]


def _filled(nest: Any, values: dict[str, Tensor], name: str = "") -> Any:
    if isinstance(nest, Tensor):
        return values[name]
    if isinstance(nest, dict):
        return {key: _filled(value, values, f"{name}.{key}" if name else str(key)) for key, value in nest.items()}
    if isinstance(nest, list | tuple):
        return type(nest)(_filled(v, values, f"{name}.{i}" if name else str(i)) for i, v in enumerate(nest))
    return nest
