"""Watching layers: running statistics of what each module of a network gives, and of the gradients it gets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core import batches
from neurarium.core.seeds import generator

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
WEIGHTED = (nn.Linear, nn.Bilinear, *CONVOLUTIONS, *TRANSPOSED, nn.RNNBase, nn.RNNCellBase)
WHOLE = (nn.RNNBase, nn.MultiheadAttention)
CHANNELS_FIRST = ("Conv", "BatchNorm", "InstanceNorm", "GroupNorm", "Pool")
PROJECTIONS = 3
TOLERANCE = 1e-5


class Moments:
    """Mean and variance of all numbers seen, in float64."""

    def __init__(self) -> None:
        self.count, self.total, self.squares = 0, 0.0, 0.0

    def add(self, values: Tensor) -> None:
        values = values.detach().double()
        count, mean = values.numel(), values.mean().item() if values.numel() else 0.0
        if not count:
            return
        # Chan's update: a sum of squares about zero would cancel where the mean is large.
        shift = mean - self.mean if self.count else 0.0
        self.squares += values.var(unbiased=False).item() * count
        self.squares += shift**2 * self.count * count / (self.count + count)
        self.total, self.count = self.total + mean * count, self.count + count

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else 0.0

    @property
    def variance(self) -> float:
        return self.squares / self.count if self.count else 0.0


class Watch:
    """What was seen of one module, over all of its calls in one pass."""

    def __init__(self, name: str, module: nn.Module):
        self.name, self.module = name, module
        self.weighted = isinstance(module, WEIGHTED) or type(module).__name__.endswith("Linear")
        self.values, self.gradients = Moments(), Moments()
        self.shape: tuple[int, ...] = ()
        self.units = 0
        self._alive: Tensor | None = None
        self._prints: list[Tensor] = []

    def see(self, output: Tensor, axis: int) -> None:
        """Take in one output, whose units lie on the axis."""
        values = output.detach()
        self.values.add(values)
        units = _columns(values, axis)
        alive = (units != 0).any(dim=0)
        if self._alive is None or self._alive.shape == alive.shape:
            self._alive = alive if self._alive is None else self._alive | alive
            self.shape, self.units = tuple(values.shape), units.shape[1]
            self._prints.append(_projected(units))
        if output.requires_grad:
            # A hook on the tensor, set now, sees the gradient before any later in-place change of it.
            output.register_hook(lambda gradient: self._see_gradient(gradient, axis))

    def _see_gradient(self, gradient: Tensor, axis: int) -> None:
        self.gradients.add(gradient)
        units = _columns(gradient, axis)
        if units.shape[1] == self.units:
            self._prints.append(_projected(units))

    @property
    def dead(self) -> int:
        """Units that were 0 throughout."""
        return 0 if self._alive is None else int((~self._alive).sum())

    @property
    def identical(self) -> int:
        """Units with a twin: the same outputs, weights and gradients. (Zeros that end a residual branch on purpose are
        no twins: their gradients differ.)"""
        if not self.weighted or not self._prints:
            return 0
        prints = torch.cat([*self._prints, *_weight_prints(self.module, self.units)])
        return twins(prints)


def twins(prints: Tensor) -> int:
    """Return how many columns of `(numbers, units)` equal another column, up to rounding.

    >>> twins(torch.tensor([[1.0, 2.0, 1.0], [5.0, 5.0, 5.0]]))
    2
    """
    scale = prints.abs().amax(dim=1, keepdim=True)
    prints = prints / torch.where(scale > 0, scale, torch.ones_like(scale))
    # Twins are neighbours in the order of a random projection.
    direction = torch.randn(len(prints), generator=generator(0, "twins"), dtype=prints.dtype)
    ordered = prints[:, (direction.to(prints.device) @ prints).argsort()]
    same = ((ordered[:, 1:] - ordered[:, :-1]).abs() <= TOLERANCE).all(dim=0)
    none = same.new_zeros(1)
    return int((torch.cat([same, none]) | torch.cat([none, same])).sum())


def _columns(values: Tensor, axis: int) -> Tensor:
    """Return `(numbers, units)`."""
    if values.ndim < 2:
        return values.detach().reshape(-1, 1)
    return values.detach().movedim(axis, -1).reshape(-1, values.shape[axis])


def _projected(units: Tensor) -> Tensor:
    """Return random projections `(PROJECTIONS, units)` of each unit's numbers: a print that twins share."""
    source = generator(0, "prints")
    directions = torch.randn(PROJECTIONS, len(units), generator=source, dtype=torch.float64)
    return directions.to(units.device) @ units.double()


def _weight_prints(module: nn.Module, units: int) -> Iterator[Tensor]:
    """Yield prints of the weights that lead to each unit, where they are one row per unit."""
    if not isinstance(module, (nn.Linear, *CONVOLUTIONS)):
        return
    for parameter in (module.weight, module.bias):
        if parameter is not None and parameter.shape[0] == units:
            yield _projected(parameter.detach().reshape(units, -1).T)


@contextlib.contextmanager
def watched(network: nn.Module) -> Iterator[list[Watch]]:
    """Watch every module that computes by itself; the list fills in the order of the first calls."""
    watches: dict[nn.Module, Watch] = {}
    called: list[Watch] = []
    handles, axis = [], [-1]

    def hook(module: nn.Module, inputs: Any, outputs: Any) -> None:
        tensor = next((each for _, each in batches.tensors(outputs) if each.is_floating_point()), None)
        if tensor is None or tensor.ndim == 0:
            return
        axis[0] = _unit_axis(module, tensor, axis[0])
        watch = watches[module]
        if not watch.shape:
            called.append(watch)
        watch.see(tensor, axis[0])

    inner: set[nn.Module] = set()
    for name, module in network.named_modules():
        own = [child for label, child in module.named_children() if label != "parametrizations"]
        if module in inner or (own and not isinstance(module, WHOLE)):
            continue
        inner.update(module.modules())
        watches[module] = Watch(name, module)
        handles.append(module.register_forward_hook(hook))
    try:
        yield called
    finally:
        for handle in handles:
            handle.remove()


def _unit_axis(module: nn.Module, output: Tensor, previous: int) -> int:
    """Return the axis of the units: channels come second in images, last elsewhere; what has no say keeps the order."""
    if output.ndim <= 2:
        return -1
    if any(kind in type(module).__name__ for kind in CHANNELS_FIRST):
        return 1
    keeps = not list(module.parameters(recurse=False)) and not isinstance(module, nn.Flatten)
    return previous if keeps else -1
