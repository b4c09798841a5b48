"""Need: how much memory training takes, estimated from a few examples before it begins."""

from __future__ import annotations

import copy
import dataclasses
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core import batches
from neurarium.core.errors import OptionError
from neurarium.core.seeds import random_state, set_random_state
from neurarium.data.dataset import Dataset
from neurarium.training import rematerialization
from neurarium.training.context import Context
from neurarium.training.method import Method


@dataclasses.dataclass(frozen=True)
class Need:
    """Bytes that training holds.

    Args:
        batch_size: examples per step.
        parts: into how many micro-batches the largest descent splits a step.
        parameters: weights and buffers of all networks.
        gradients: of what is trained.
        optimizer: states of the optimizers, and the moving averages.
        batch: one batch.
        activations: what the forward pass keeps for backward, at its peak.
        per_example: the part of `activations` that grows with the examples, for one of them.
    """

    batch_size: int
    parts: int
    parameters: int
    gradients: int
    optimizer: int
    batch: int
    activations: int
    per_example: float

    @property
    def total(self) -> int:
        """All of it together; the workspace of single operations comes on top."""
        return self.parameters + self.gradients + self.optimizer + self.batch + self.activations

    def largest_batch(self, available: int) -> int:
        """Return how many examples per micro-batch fit into so many bytes; 0 where not one does."""
        fixed = self.total - self.batch - self.per_example * self.batch_size / self.parts
        each = self.batch / self.batch_size + self.per_example
        return max(0, int((available - fixed) / each)) if each else self.batch_size

    def __str__(self) -> str:
        rows = [
            (name, getattr(self, name))
            for name in ("parameters", "gradients", "optimizer", "batch", "activations")
        ]
        told = ", ".join(f"{name} {readable(value)}" for name, value in rows)
        return f"{readable(self.total)} for batches of {self.batch_size}: {told}"


def estimate_need(
    method: Method, data: Any, *, batch_size: int = 128, rematerialize: bool = False, examples: int = 8
) -> Need:
    r"""Estimate how much memory training takes.

    A copy of the method takes one step on half of a few examples and one on all of them. What autograd saves
    (`saved_tensors_hooks`) is counted by storage, at its peak; the straight line through the two counts gives

    .. math:: activations(n) = constant + per\_example \cdot n

    It is right to 5 % for networks of linear and convolutional layers and attention, to 20 % for fused recurrent layers,
    which round their workspace up (tests/training/test_need.py). Losses that compare all pairs of a batch grow faster.
    The method stays bitwise as it is.

    Args:
        method: what will be trained.
        data: a dataset, or one batch of at least two examples.
        batch_size: examples per step.
        rematerialize: as `fit` will be told.
        examples: how many are tried.

    Raises:
        OptionError: fewer than two examples.

    >>> import neurarium as nr
    >>> method = nr.methods.Supervised(nn.Linear(4, 1), loss=nr.losses.MeanSquaredError())
    >>> estimate_need(method, {"inputs": torch.zeros(8, 4), "targets": torch.zeros(8, 1)}).gradients
    20
    """
    dataset = data if isinstance(data, Dataset) else None
    batch = dataset.train[: min(examples, len(dataset.train))] if dataset else data
    count = min(batches.size(batch), examples)
    if count < 2:
        raise OptionError("the need is estimated from two examples or more", received=count)
    state = random_state()
    try:
        tried = _tried(method, dataset)
        device = next((each.device for each in tried.parameters()), torch.device("cpu"))
        batch = batches.to(batches.take(batch, slice(0, count)), device)
        peaks = {}
        with rematerialization.rematerialized(_trained(tried)) if rematerialize else nullcontext():
            for size in (count // 2, count):
                part = batches.take(batch, slice(0, size))
                with watched(tried, part) as saved:
                    tried.step(part)
                peaks[size] = saved.peak
    finally:
        set_random_state(state)
    each = (peaks[count] - peaks[count // 2]) / (count - count // 2)
    constant = max(0.0, peaks[count] - each * count)
    return _need(method, tried, batch, count, batch_size, constant, each)


def _tried(method: Method, dataset: Dataset | None) -> Method:
    """Return a copy that has begun and takes whole batches."""
    tried = copy.deepcopy(method)
    for descent in tried.descents():
        descent.accumulate = 1
    context = Context(steps=2, device=next((p.device for p in tried.parameters()), torch.device("cpu")))
    if dataset is not None:
        context.inputs, context.targets, context.train = dataset.inputs, dataset.targets, dataset.train
    tried.begin(context)
    return tried.train()


def _need(
    method: Method, tried: Method, batch: Any, count: int, batch_size: int, constant: float, each: float
) -> Need:
    descents = tried.descents()
    parts = max((descent.accumulate for descent in method.descents()), default=1)
    moved = {id(p): p for descent in descents for p in descent.moved}
    held = [*tried.parameters(), *tried.buffers()]
    row = sum(_bytes(tensor) for _, tensor in batches.tensors(batch)) / count
    return Need(
        batch_size=batch_size,
        parts=parts,
        parameters=sum(map(_bytes, held)),
        gradients=sum(map(_bytes, moved.values())),
        optimizer=sum(map(_state_bytes, descents)),
        batch=round(row * batch_size),
        activations=round(constant + each * -(-batch_size // parts)),
        per_example=each,
    )


def _state_bytes(descent: Any) -> int:
    """Count the states of a descent's optimizers; L-BFGS fills its history later."""
    total = 0 if descent.average is None else sum(map(_bytes, descent.average.values))
    for optimizer in descent.optimizers:
        total += sum(_bytes(tensor) for _, tensor in batches.tensors(_plain(optimizer.state)))
        if isinstance(optimizer, torch.optim.LBFGS):
            history = optimizer.param_groups[0]["history_size"]
            total += 2 * history * sum(map(_bytes, descent.moved))
    return total


def _plain(state: Any) -> dict[str, Any]:
    return {str(number): dict(held) for number, held in enumerate(state.values())}


def _trained(method: Method) -> list[nn.Module]:
    return [each for _, each in method.networks() if any(p.requires_grad for p in each.parameters())]


class Saved:
    """Counts the bytes of storages that autograd keeps: now, and at the peak.

    Args:
        known: storages that are there anyway: weights, buffers, the batch.
    """

    def __init__(self, known: set[int]):
        self.known, self.now, self.peak = known, 0, 0
        self._uses: dict[int, int] = {}

    def keep(self, tensor: Tensor, holder: object) -> None:
        """Count a tensor for as long as the holder lives."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self.known:
            return
        self._uses[key] = self._uses.get(key, 0) + 1
        if self._uses[key] == 1:
            self.now += size
            self.peak = max(self.peak, self.now)
        weakref.finalize(holder, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self._uses[key] -= 1
        if self._uses[key] == 0:
            del self._uses[key]
            self.now -= size


class _Holder:
    """What autograd keeps in place of a tensor; its end is the end of the tensor's use."""

    def __init__(self, tensor: Tensor):
        self.tensor = tensor


@contextmanager
def watched(module: nn.Module, batch: Any = None) -> Iterator[Saved]:
    """Count what autograd saves within this context, but for a module's own tensors and those of a batch."""
    own = [*module.parameters(), *module.buffers(), *(tensor for _, tensor in batches.tensors(batch))]
    saved = Saved({tensor.untyped_storage()._cdata for tensor in own})

    def pack(tensor: Tensor) -> _Holder:
        holder = _Holder(tensor)
        saved.keep(tensor, holder)
        return holder

    def unpack(holder: _Holder) -> Tensor:
        return holder.tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack), rematerialization.told(_inputs_to(saved)):
        yield saved


def _inputs_to(saved: Saved) -> Callable[[Any, object], None]:
    def keep(inputs: Any, holder: object) -> None:
        for _, tensor in batches.tensors(inputs):
            saved.keep(tensor, holder)

    return keep


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def readable(value: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.3g} {unit}"
        value /= 1000
    return ""
