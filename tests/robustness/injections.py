"""Injections: a NaN or an infinity put into training at one place, at a known step."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import neurarium as nr
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.specs import Array, Classes, Image, Quantity, Spec, Table
from neurarium.training.callbacks.callback import Callback

AFTER = 5  # good steps; with 4 batches per epoch the next one is the second of the second epoch
BATCH, ROWS = 16, 64


@dataclasses.dataclass(frozen=True)
class Site:
    """A place.

    Args:
        network: on which of the networks.
        place: what is spoiled.
        says: what the message names.
        change: spoils the method between two steps; None where the data holds it.
        value: NaN or an infinity.
        options: of the method.
        late: it shows only at the evaluation or after one step more, in which weights are lost.
    """

    network: str
    place: str
    says: str
    change: Callable[[Any], None] | None = None
    value: float = math.nan
    options: tuple[tuple[str, Any], ...] = ()
    late: bool = False

    def __str__(self) -> str:
        return f"{self.network}: {self.place} {self.value}"


class At(Callback):
    """Calls a function after a step, and counts the steps."""

    def __init__(self, change: Callable[[Any], None] | None):
        self.change, self.steps = change, 0

    def step(self, loop: Any, metrics: Any) -> None:
        self.steps = loop.step
        if loop.step == AFTER and self.change is not None:
            self.change(loop.method)


def inputs_of(network: str, rows: int, chance: torch.Generator) -> tuple[Any, Spec]:
    if network == "cnn":
        return torch.randn(rows, 1, 8, 8, generator=chance), Image(1, 8, 8)
    if network == "ft-transformer":
        codes = torch.randint(0, 3, (rows, 1), generator=chance)
        return {"numeric": torch.randn(rows, 3, generator=chance), "categorical": codes}, Table(
            ("a", "b", "c"), ("d",), (3,)
        )
    return torch.randn(rows, 4, generator=chance), Array((4,))


def dataset(network: str, spoil: Callable[[dict[str, Any]], None] | None = None) -> Dataset:
    """Return random data for a network; `spoil` changes its training batch."""
    chance = torch.Generator().manual_seed(3)
    targets: Spec = Quantity(("y",)) if network == "mlp" else Classes(("a", "b", "c"))
    parts = []
    for rows in (ROWS, 32, 32):
        inputs, spec = inputs_of(network, rows, chance)
        wanted = (
            torch.randn(rows, 1, generator=chance)
            if network == "mlp"
            else torch.randint(0, 3, (rows,), generator=chance)
        )
        parts.append({"inputs": inputs, "targets": wanted, "weights": torch.ones(rows)})
    if spoil is not None:
        spoil(parts[0])
    return Dataset(network, spec, targets, *(Examples(each) for each in parts))


def method(network: str, data: Dataset, **options: Any) -> Any:
    torch.manual_seed(0)
    small = {
        "mlp": {"widths": (8, 8)},
        "cnn": {"widths": (4, 4)},
        "ft-transformer": {"width": 8, "blocks": 1, "heads": 2},
        "residual-mlp": {"width": 8, "blocks": 1},
    }
    builder = {
        "mlp": nr.networks.MLP,
        "cnn": nr.networks.SmallCNN,
        "ft-transformer": nr.networks.FTTransformer,
        "residual-mlp": nr.networks.ResidualMLP,
    }
    return nr.methods.Supervised(
        builder[network].for_data(data.inputs, data.targets, **small[network]), **options
    )


def weight(name: str, value: float = math.nan) -> Callable[[Any], None]:
    return lambda method: dict(method.network.named_parameters())[name].data.view(-1)[:1].fill_(value)


def gradient(name: str, value: float) -> Callable[[Any], None]:
    return lambda method: dict(method.network.named_parameters())[name].register_hook(
        lambda each: each * value
    )


def output(name: str, value: float) -> Callable[[Any], None]:
    return lambda method: dict(method.network.named_modules())[name].register_forward_hook(
        lambda m, i, each: each * value
    )


def memory(key: str) -> Callable[[Any], None]:
    def change(method: Any) -> None:
        first = method.descent.moved[0]
        state = next(each.state[first] for each in method.descent.optimizers if first in each.state)
        state[key].view(-1)[:1].fill_(math.nan)

    return change


def rate(key: str, value: float) -> Callable[[Any], None]:
    return lambda method: method.descent.optimizers[0].param_groups[0].update({key: value})


def schedule(method: Any) -> None:
    method.descent.schedule_name, method.descent.factor = "cosine", lambda progress: math.nan


def statistics(method: Any) -> None:
    next(each for name, each in method.network.named_buffers() if name.endswith("running_mean")).fill_(
        math.nan
    )


def loss(method: Any) -> None:
    method.loss.register_forward_hook(lambda m, i, each: (each[0] * math.nan, each[1]))


class Penalty:
    """A regularizer that breaks."""

    def penalty(self, named: Any) -> Tensor:
        return sum(each.square().sum() for _, each in named) * math.nan


def penalize(method: Any) -> None:
    method.descent.regularizers = (Penalty(),)


def average(method: Any) -> None:
    method.descent.average.values[0].fill_(math.nan)


def layers(network: str) -> tuple[list[str], list[str]]:
    """Return the names of the weights of a network, and of its layers that compute something with them."""
    built = method(network, dataset(network)).network
    modules = [
        name for name, each in built.named_modules() if not list(each.children()) and list(each.parameters())
    ]
    return [name for name, _ in built.named_parameters()], modules


def sites() -> list[Site]:
    """Return all of them."""
    found = []
    for value in (math.nan, math.inf):
        found += [
            Site(name, "an input", "the batch: 'inputs", value=value)
            for name in ("mlp", "cnn", "ft-transformer", "residual-mlp")
        ]
        found += [
            Site("mlp", "a target", "the batch: 'targets'", value=value),
            Site("cnn", "an example's weight", "the batch: 'weights'", value=value),
        ]
    for name in ("mlp", "cnn", "ft-transformer", "residual-mlp"):
        weights, modules = layers(name)
        found += [
            Site(name, f"the weight {each}", f"the weights of the network: '{each}'", weight(each))
            for each in (weights[0], weights[-2])
        ]
        found += [
            Site(
                name,
                f"the gradient of {each}",
                f"the gradient of the network: '{each}'",
                gradient(each, value),
                value,
            )
            for each, value in ((weights[0], math.nan), (weights[-1], math.inf))
        ]
        found += [
            Site(
                name,
                f"the output of {each}",
                f"the output of layer 'network.{each}'",
                output(each, value),
                value,
            )
            for each, value in ((modules[0], math.nan), (modules[-1], math.inf))
        ]
        found += [Site(name, "the loss", "the loss itself", loss)]
    found += [
        Site("mlp", "the penalty", "the loss itself", penalize),
        Site("mlp", "the learning rate", "the learning rate is not finite", rate("lr", math.nan)),
        Site("cnn", "the learning rate", "the learning rate is not finite", rate("lr", math.inf), math.inf),
        Site("mlp", "the weight decay", "the weight_decay is not finite", rate("weight_decay", math.nan)),
        Site("residual-mlp", "the schedule", "the learning rate is not finite", schedule),
        Site("mlp", "the first moment", "of the optimizer's memory of", memory("exp_avg"), late=True),
        Site("cnn", "the second moment", "of the optimizer's memory of", memory("exp_avg_sq"), late=True),
        Site("mlp", "the momentum of SGD", "of the optimizer's memory of", memory("momentum_buffer"), options=(("optimizer", "sgd"),), late=True),
        Site("cnn", "the running statistics", "running_mean", statistics, late=True),
        Site("residual-mlp", "the running statistics", "running_mean", statistics, late=True),
    ]  # fmt: skip
    return found
