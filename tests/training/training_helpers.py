"""What the tests of training share: a small problem, a method on it, bitwise comparison of states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

import neurarium as nr
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.specs import Array, Classes
from neurarium.losses import MeanSquaredError
from neurarium.training.callbacks.callback import Callback


def network(seed: int = 0, *, dropout: float = 0.0, norm: bool = False, width: int = 8) -> nn.Sequential:
    """A small network, the same for the same seed."""
    torch.manual_seed(seed)
    layers = [nn.Linear(4, width), *([nn.BatchNorm1d(width)] if norm else []), nn.Tanh(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(width, 1))


def regression(seed: int = 0, **options: Any) -> Any:
    """Supervised regression of `network(seed)`; options are those of `network` and of `Descent`."""
    built = {name: options.pop(name) for name in ("dropout", "norm", "width") if name in options}
    return nr.methods.Supervised(network(seed, **built), loss=MeanSquaredError(), **options)


def examples(count: int = 64, seed: int = 1, **more: Tensor) -> Examples:
    """Rows whose target is the sum of their numbers."""
    inputs = torch.randn(count, 4, generator=torch.Generator().manual_seed(seed))
    return Examples({"inputs": inputs, "targets": inputs.sum(dim=1, keepdim=True), **more})


def source(count: int = 64, batch_size: int = 16, **options: Any) -> Any:
    """Minibatches of `examples`."""
    return nr.data.sources.Minibatches(examples(count), batch_size, **options)


def classes(count: int = 96, seed: int = 2) -> Dataset:
    """A dataset of three classes in memory, prepared."""
    chance = torch.Generator().manual_seed(seed)

    def part(size: int) -> Examples:
        targets = torch.randint(0, 3, (size,), generator=chance)
        return Examples(
            {"inputs": torch.randn(size, 4, generator=chance) + targets[:, None], "targets": targets}
        )

    return Dataset(
        "three", Array((4,)), Classes(("a", "b", "c")), part(count), part(count // 2), part(count // 2)
    )


def classifier(seed: int = 0, **options: Any) -> Any:
    torch.manual_seed(seed)
    return nr.methods.Supervised(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), **options)


class StopAt(Callback):
    """Asks the loop to end after a step."""

    def __init__(self, step: int):
        self.at = step

    def step(self, loop: Any, metrics: dict[str, Any]) -> None:
        if loop.step == self.at:
            loop.stop("the test says so")


def difference(first: Any, second: Any, place: str = "state") -> str | None:
    """Return the first place where two trees are not bitwise the same; None where they are."""
    if type(first) is not type(second) and not (isinstance(first, Mapping) and isinstance(second, Mapping)):
        return f"{place}: {type(first).__name__} and {type(second).__name__}"
    if isinstance(first, Tensor):
        same = first.dtype == second.dtype and first.shape == second.shape
        return None if same and torch.equal(first, second) else f"{place}: {first} and {second}"
    if isinstance(first, Mapping):
        if list(first) != list(second):
            return f"{place}: keys {list(first)} and {list(second)}"
        found = (difference(first[key], second[key], f"{place}.{key}") for key in first)
        return next((each for each in found if each), None)
    if isinstance(first, list | tuple):
        if len(first) != len(second):
            return f"{place}: {len(first)} and {len(second)} parts"
        pairs = enumerate(zip(first, second, strict=True))
        return next((each for n, (a, b) in pairs if (each := difference(a, b, f"{place}.{n}"))), None)
    return (
        None if first == second or (first != first and second != second) else f"{place}: {first} and {second}"
    )


def descend(method: Any, batch: Any, times: int) -> list[float]:
    """Take steps on one batch; return the losses."""
    return [float(method.step(batch)["loss"]) for _ in range(times)]
