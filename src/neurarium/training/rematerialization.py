"""Rematerialization (gradient checkpointing): forget what the layers of a block computed, compute it again in backward."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from neurarium.core.errors import RefusalError

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


class Rematerialized:
    """Mixed into the class of a block: its forward keeps its inputs alone (Chen et al., 2016, arXiv:1604.06174)."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        run = super().forward  # type: ignore[misc]
        if not (torch.is_grad_enabled() and self.training):  # type: ignore[attr-defined]
            return run(*args, **kwargs)
        return _kept_small(self, run, args, kwargs)  # type: ignore[arg-type]


class _Segmented:
    """Mixed into the class of a plain sequence of layers: about as many segments as each of them has layers."""

    def forward(self, inputs: Any) -> Any:
        layers = list(self)  # type: ignore[call-overload]
        if not (torch.is_grad_enabled() and self.training):  # type: ignore[attr-defined]
            return super().forward(inputs)  # type: ignore[misc]
        length = math.ceil(math.sqrt(len(layers)))
        for start in range(0, len(layers), length):
            segment = nn.Sequential(*layers[start : start + length])
            inputs = _kept_small(segment, segment.forward, (inputs,), {})
        return inputs


def _kept_small(block: nn.Module, run: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Run a block so that backward runs it again, with the same chance and the buffers as they were."""
    before = [(owner, name, value.clone()) for owner, name, value in _buffers(block)]

    def contexts() -> tuple[Any, Any]:
        restored = _restored(before)
        for tell in _WATCHERS:
            tell([args, kwargs], restored)
        return contextlib.nullcontext(), restored

    return checkpoint(run, *args, use_reentrant=False, context_fn=contexts, **kwargs)


_WATCHERS: list[Callable[[Any, object], None]] = []


@contextlib.contextmanager
def told(watcher: Callable[[Any, object], None]) -> Iterator[None]:
    """Within this context the watcher is called with the inputs that a block keeps, and what lives as long as they do."""
    _WATCHERS.append(watcher)
    try:
        yield
    finally:
        _WATCHERS.remove(watcher)


def _buffers(block: nn.Module) -> list[tuple[nn.Module, str, torch.Tensor]]:
    return [
        (m, name, value) for m in block.modules() for name, value in m._buffers.items() if value is not None
    ]


@contextlib.contextmanager
def _restored(before: Sequence[tuple[nn.Module, str, torch.Tensor]]) -> Iterator[None]:
    """Give a block the buffers it began with: running statistics must move once, power iterations start alike."""
    now = [(owner, name, owner._buffers[name]) for owner, name, _ in before]
    for owner, name, value in before:
        owner._buffers[name] = value.clone()
    try:
        yield
    finally:
        for owner, name, kept in now:
            owner._buffers[name] = kept


@contextlib.contextmanager
def rematerialized(networks: Sequence[nn.Module]) -> Iterator[int]:
    """Within this context the blocks of some networks keep their inputs alone; gives the number of blocks.

    A block is a module with layers of its own that is no list of such blocks; a plain sequence of layers is cut into
    segments. Names of weights, weights and results stay as they are; one more forward pass is computed per step.

    Raises:
        RefusalError: a network has no block.

    >>> network = nn.Sequential(nn.Sequential(nn.Linear(2, 8), nn.ReLU()), nn.Sequential(nn.Linear(8, 2), nn.ReLU()))
    >>> with rematerialized([network]) as count:
    ...     network(torch.zeros(1, 2)).sum().backward()
    >>> count
    2
    """
    chosen = []
    for network in networks:
        found = blocks(network)
        if not found:
            raise RefusalError(
                f"{type(network).__name__} has no block of layers to compute twice",
                expected="modules with layers of their own, or a sequence of 4 layers and more",
                fix="train without rematerialize, or put its layers into nn.Sequential",
            )
        chosen += found
    held = [(block, type(block)) for block in chosen]
    for block, kind in held:
        block.__class__ = _class(kind, _is_plain(block))
    try:
        yield len(chosen)
    finally:
        for block, kind in held:
            block.__class__ = kind


def blocks(network: nn.Module) -> list[nn.Module]:
    """Return the blocks of a network: the outermost modules with layers of their own, lists of such opened."""
    if type(network) is nn.Sequential and _is_plain(network):
        return [network] if len(network) >= 4 else []
    found: list[nn.Module] = []
    for child in network.children():
        if isinstance(child, _CONTAINERS) and any(_is_composite(each) for each in child.children()):
            found += blocks(child)
        elif _is_composite(child) and any(True for _ in child.parameters()):
            found.append(child)
    return list(dict.fromkeys(found))


def _is_composite(module: nn.Module) -> bool:
    return any(True for _ in module.children())


def _is_plain(module: nn.Module) -> bool:
    """Whether it is a sequence of single layers, long enough to be cut."""
    sequence = type(module) is nn.Sequential or isinstance(module, _Segmented)
    return sequence and len(module) >= 4 and not any(_is_composite(each) for each in module.children())  # type: ignore[arg-type]


_CLASSES: dict[tuple[type, bool], type] = {}


def _class(kind: type, plain: bool) -> type:
    if (kind, plain) not in _CLASSES:
        mixin = _Segmented if plain else Rematerialized
        _CLASSES[kind, plain] = type(f"Rematerialized{kind.__name__}", (mixin, kind), {})
    return _CLASSES[kind, plain]
