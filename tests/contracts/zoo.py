"""The zoo: one small network of each shape that a contract has to bear, and data that each of them can learn.

An MLP, a CNN with BatchNorm, an LSTM with lengths, a transformer with a mask, a network of two inputs, a network with
tied weights. They are plain modules, as a user would write them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from neurarium.core.recipe import recorded
from neurarium.core.seeds import generator
from neurarium.layers.attention import Attention

FEATURES, LENGTH = 6, 5


@recorded
class Dense(nn.Module):
    def __init__(self, outputs: int = 3, width: int = 8):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(FEATURES, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh())
        self.head = nn.Linear(width, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.body(inputs))


@recorded
class Convolutional(nn.Module):
    def __init__(self, outputs: int = 3, width: int = 4):
        super().__init__()
        self.convolution = nn.Conv2d(1, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.head = nn.Linear(4 * width, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        maps = torch.tanh(self.norm(self.convolution(inputs)))
        return self.head(nn.functional.avg_pool2d(maps, 2).flatten(1))


@recorded
class Recurrent(nn.Module):
    def __init__(self, outputs: int = 3, width: int = 6):
        super().__init__()
        self.cell = nn.LSTM(3, width, batch_first=True)
        self.head = nn.Linear(width, outputs)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(
            inputs["series"], inputs["lengths"].cpu(), batch_first=True, enforce_sorted=False
        )
        return self.head(self.cell(packed)[1][0][-1])


@recorded
class Attentive(nn.Module):
    def __init__(self, outputs: int = 3, width: int = 8):
        super().__init__()
        self.embedding = nn.Linear(3, width)
        self.attention = Attention(width, heads=2)
        self.norm = nn.LayerNorm(width)
        self.forth = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.head = nn.Linear(width, outputs)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        mask = inputs["mask"]
        words = self.embedding(inputs["series"])
        words = self.norm(words + self.attention(words, padding=mask))
        words = (words + self.forth(words)) * mask.unsqueeze(-1)
        return self.head(words.sum(1) / mask.sum(1, keepdim=True))


@recorded
class TwoInputs(nn.Module):
    def __init__(self, outputs: int = 3, width: int = 6):
        super().__init__()
        self.left, self.right = nn.Linear(4, width), nn.Linear(2, width)
        self.head = nn.Linear(width, outputs)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        return self.head(torch.tanh(self.left(inputs["left"]) + self.right(inputs["right"])))


@recorded
class Tied(nn.Module):
    """One parameter under two names: the second layer is the first."""

    def __init__(self, outputs: int = 3):
        super().__init__()
        self.first, self.second = nn.Linear(FEATURES, FEATURES), nn.Linear(FEATURES, FEATURES)
        self.second.weight = self.first.weight
        self.head = nn.Linear(FEATURES, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(torch.tanh(self.second(torch.tanh(self.first(inputs)))))


class Kind(NamedTuple):
    network: Callable[..., nn.Module]
    inputs: Callable[[int, torch.Generator], Any]


def _numbers(count: int, chance: torch.Generator) -> Tensor:
    return torch.randn(count, FEATURES, generator=chance)


def _images(count: int, chance: torch.Generator) -> Tensor:
    return torch.randn(count, 1, 4, 4, generator=chance)


def _lengths(count: int, chance: torch.Generator) -> Tensor:
    return torch.randint(2, LENGTH + 1, (count,), generator=chance)


def _series(count: int, chance: torch.Generator) -> dict[str, Tensor]:
    lengths = _lengths(count, chance)
    return {"series": torch.randn(count, LENGTH, 3, generator=chance), "lengths": lengths}


def _masked(count: int, chance: torch.Generator) -> dict[str, Tensor]:
    lengths = _lengths(count, chance)
    mask = torch.arange(LENGTH) < lengths[:, None]
    return {"series": torch.randn(count, LENGTH, 3, generator=chance), "mask": mask}


def _pairs(count: int, chance: torch.Generator) -> dict[str, Tensor]:
    return {"left": torch.randn(count, 4, generator=chance), "right": torch.randn(count, 2, generator=chance)}


KINDS: dict[str, Kind] = {
    "mlp": Kind(Dense, _numbers),
    "cnn": Kind(Convolutional, _images),
    "lstm": Kind(Recurrent, _series),
    "transformer": Kind(Attentive, _masked),
    "two-inputs": Kind(TwoInputs, _pairs),
    "tied": Kind(Tied, _numbers),
}


def network(kind: str, outputs: int = 3, seed: int = 0, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Return a network of the zoo with weights drawn from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return KINDS[kind].network(outputs=outputs).to(dtype)


def floats(nest: Any, function: Callable[[Tensor], Tensor]) -> Any:
    """Apply a function to the real numbers of inputs; lengths and masks stay."""
    if isinstance(nest, dict):
        return {name: floats(value, function) for name, value in nest.items()}
    return function(nest) if nest.is_floating_point() else nest


def batch(kind: str, count: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    """Return inputs with targets of 3 classes that a fixed linear rule of the inputs decides."""
    inputs = KINDS[kind].inputs(count, generator(seed, "zoo", kind))
    seen = _summary(inputs)
    rule = torch.randn(4, 3, generator=generator(0, "rule"))[: seen.shape[1]]
    targets = (seen @ rule).argmax(1)
    return {"inputs": floats(inputs, lambda each: each.to(dtype)), "targets": targets}


def _summary(inputs: Any) -> Tensor:
    """Return the few numbers that decide: those of a sequence do not depend on the order of its real positions."""
    if isinstance(inputs, Tensor):
        return inputs.flatten(1)[:, :4]
    if "left" in inputs:
        return inputs["left"]
    mask = inputs.get("mask")
    mask = torch.arange(LENGTH) < inputs["lengths"][:, None] if mask is None else mask
    return (inputs["series"] * mask[..., None]).sum(1)


@recorded
class Imitator(nn.Module):
    """A generator for any inputs: each real number comes from the noise in its place; lengths and masks stay."""

    def __init__(self, width: int = 4):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.body = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, noise: Any) -> Any:
        return floats(noise, lambda each: self.body(each.unsqueeze(-1)).squeeze(-1))
