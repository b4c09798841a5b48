"""Nested batches: dicts, lists and tuples of tensors that share their first axis.

A batch for supervised learning is `{"inputs": tensor or flat dict, "targets": ..., "weights": ..., "index": ...}`; a
method may define any other nest. These functions are all that anything needs to know of nests.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import ShapeError


def map_tensors(function: Callable[[Tensor], Any], nest: Any) -> Any:
    """Apply a function to each tensor of a nest; anything else stays as it is."""
    if isinstance(nest, Tensor):
        return function(nest)
    if isinstance(nest, dict):
        return {key: map_tensors(function, value) for key, value in nest.items()}
    if isinstance(nest, tuple) and hasattr(nest, "_fields"):
        return type(nest)(*(map_tensors(function, value) for value in nest))
    if isinstance(nest, list | tuple):
        return type(nest)(map_tensors(function, value) for value in nest)
    return nest


def tensors(nest: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield (dotted name, tensor) for each tensor of a nest, in order."""
    if isinstance(nest, Tensor):
        yield name, nest
    elif isinstance(nest, dict):
        for key, value in nest.items():
            yield from tensors(value, f"{name}.{key}" if name else str(key))
    elif isinstance(nest, list | tuple):
        for position, value in enumerate(nest):
            yield from tensors(value, f"{name}.{position}" if name else str(position))


def size(nest: Any) -> int:
    """Return the number of examples: the length of the first axis.

    Raises:
        ShapeError: no tensor at all, or tensors that disagree.

    >>> size({"inputs": torch.zeros(3, 2), "targets": torch.zeros(3)})
    3
    """
    lengths = {name: tensor.shape[0] for name, tensor in tensors(nest) if tensor.ndim}
    if not lengths:
        raise ShapeError("the batch holds no tensor with a first axis")
    if len(set(lengths.values())) > 1:
        raise ShapeError("the tensors of a batch disagree on the number of examples", received=lengths)
    return next(iter(lengths.values()))


def is_empty(nest: Any) -> bool:
    """Return whether a batch has tensors, and no example in any of them.

    >>> is_empty({"x": torch.zeros(0, 2)}), is_empty({"x": torch.zeros(1, 2)}), is_empty(None)
    (True, False, False)
    """
    lengths = [tensor.shape[0] for _, tensor in tensors(nest) if tensor.ndim]
    return bool(lengths) and not any(lengths)


def stand_in(nest: Any) -> Any:
    """Return a batch of one made-up example in the shapes of an empty one: ones, valid as length, mask and code."""
    return map_tensors(
        lambda tensor: tensor.new_ones((1, *tensor.shape[1:])) if tensor.ndim else tensor, nest
    )


def take(nest: Any, indices: Tensor | slice | Sequence[int]) -> Any:
    """Return the examples at the indices (a slice gives views); a tensor without axes stays as it is.

    >>> take({"x": torch.arange(5)}, slice(1, 3))
    {'x': tensor([1, 2])}
    """
    if isinstance(indices, slice):
        return map_tensors(lambda tensor: tensor[indices] if tensor.ndim else tensor, nest)
    chosen = torch.as_tensor(indices, dtype=torch.int64)
    return map_tensors(
        lambda tensor: tensor.index_select(0, chosen.to(tensor.device)) if tensor.ndim else tensor, nest
    )


def concatenate(nests: Sequence[Any]) -> Any:
    """Join nests of one structure along the first axis."""
    first = nests[0]
    if isinstance(first, Tensor):
        return torch.cat(list(nests))
    if isinstance(first, dict):
        return {key: concatenate([nest[key] for nest in nests]) for key in first}
    if isinstance(first, list | tuple):
        joined = [concatenate(list(parts)) for parts in zip(*nests, strict=True)]
        return type(first)(*joined) if hasattr(first, "_fields") else type(first)(joined)
    return first


def stack(nests: Sequence[Any]) -> Any:
    """Stack nests of one structure along a new first axis."""
    return concatenate([map_tensors(lambda tensor: tensor.unsqueeze(0), nest) for nest in nests])


def unstack(nest: Any) -> list[Any]:
    """Return the examples of a batch one by one, without the first axis: the inverse of `stack`.

    >>> unstack({"x": torch.arange(2)})
    [{'x': tensor(0)}, {'x': tensor(1)}]
    """
    return [map_tensors(functools.partial(_row, n), nest) for n in range(size(nest))]


def _row(number: int, tensor: Tensor) -> Tensor:
    return tensor[number] if tensor.ndim else tensor


def split(nest: Any, parts: int) -> list[Any]:
    """Split a batch into at most `parts` micro-batches of nearly the same size, in order (views)."""
    if parts <= 1:
        return [nest]
    total = size(nest)
    if total == 0:
        return [nest]
    bounds = [round(total * part / parts) for part in range(parts + 1)]
    return [take(nest, slice(a, b)) for a, b in itertools.pairwise(bounds) if b > a]


def to(nest: Any, device: torch.device | str) -> Any:
    """Move a nest to a device; pinned memory moves without waiting."""
    return map_tensors(lambda tensor: tensor.to(device, non_blocking=True), nest)


def detach(nest: Any) -> Any:
    """Detach every tensor of a nest."""
    return map_tensors(lambda tensor: tensor.detach(), nest)
