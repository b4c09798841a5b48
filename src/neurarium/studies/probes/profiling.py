"""Profiling: what each layer of a network gives, holds, computes, and how long it takes."""

from __future__ import annotations

import contextlib
import dataclasses
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from neurarium.core import batches
from neurarium.core.display import Displayed
from neurarium.core.errors import OptionError
from neurarium.data.dataset import Dataset
from neurarium.training.method import Method
from neurarium.training.run import Run


@dataclasses.dataclass
class LayerProfile:
    """One layer: what stands in it itself, not in the layers inside it.

    Args:
        name: its place in the network; empty for the network itself.
        kind: its class.
        shape: of its (first) output.
        parameters: learned numbers that it holds itself.
        multiply_adds: of products (linear, convolution, recurrence, attention) for the whole batch.
        seconds: of one forward pass, median over the repeats; None where no time was taken.
        calls: how often it ran in one pass.
    """

    name: str
    kind: str
    shape: tuple[int, ...] = ()
    parameters: int = 0
    multiply_adds: int = 0
    seconds: float | None = None
    calls: int = 0


@dataclasses.dataclass(frozen=True)
class Profile(Displayed):
    """The layers of a network, in the order in which they first run.

    Args:
        layers: one row per module that holds weights, computes products, or has no module inside it.
        examples: of the batch.
        parameters, multiply_adds, seconds: of the whole network; tied weights counted once.
    """

    layers: list[LayerProfile]
    examples: int
    parameters: int
    multiply_adds: int
    seconds: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        all_layers = sum(each.seconds or 0.0 for each in self.layers)
        rows = [
            (each.name or "(itself)", each.kind, "x".join(map(str, each.shape)), f"{each.parameters:,}",
             f"{each.multiply_adds:,}", _milliseconds(each.seconds), _share(each.seconds, all_layers))
            for each in self.layers
        ]  # fmt: skip
        head = ("layer", "kind", "output", "parameters", "multiply-adds", "ms", "%")
        total = ("total", f"{self.examples} examples", "", f"{self.parameters:,}", f"{self.multiply_adds:,}")
        table = [head, *rows, (*total, _milliseconds(self.seconds), "")]
        widths = [max(len(row[column]) for row in table) for column in range(len(head))]
        return "\n".join(_line(row, widths) for row in table)


def profile(network: nn.Module | Method | Run, inputs: Any, *, repeats: int = 5) -> Profile:
    """Run a network layer by layer, and say what each gives, holds, computes, and how long it takes.

    Multiply-adds are those of products; elementwise work is in the time alone. The network stays as it is: eval mode,
    no gradients, its state untouched.

    Args:
        network: or a method or run, whose deployed network is taken.
        inputs: prepared inputs `(batch, ...)` or a flat dict of them, or a dataset (its first 64 examples).
        repeats: passes that are timed, after one that is not; 0 takes no times.

    >>> print(profile(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), torch.zeros(2, 4), repeats=0))
    layer  kind        output  parameters  multiply-adds  ms  %
    0      Linear      2x8             40             64
    1      ReLU        2x8              0              0
    total  2 examples                  40             64
    """
    network = _deployed(network)
    if isinstance(inputs, Dataset):
        inputs = inputs.train[:64]["inputs"]
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        with torch.no_grad():
            layers, products = _counted(network, inputs)
            seconds = _timed(network, inputs, layers, repeats) if repeats else None
    finally:
        for module, mode in modes.items():
            module.training = mode
    rows = [layer for layer in layers.values() if layer.calls and _shown(network, layer)]
    parameters = sum(each.numel() for each in network.parameters())
    return Profile(rows, batches.size(inputs), parameters, products, seconds)


def summary(network: nn.Module | Method | Run, inputs: Any) -> Profile:
    """Say what each layer gives, holds and computes, without times: the same on every machine.

    The arguments are those of `profile`.

    >>> summary(nn.Linear(4, 8), torch.zeros(2, 4)).multiply_adds
    64
    """
    return profile(network, inputs, repeats=0)


def _deployed(thing: Any) -> nn.Module:
    if isinstance(thing, Run):
        return thing.network
    if isinstance(thing, Method):
        return thing.deployed
    if isinstance(thing, nn.Module):
        return thing
    raise OptionError(
        "only networks are profiled", expected="a network, a method or a run", received=type(thing).__name__
    )


def _shown(network: nn.Module, layer: LayerProfile) -> bool:
    leaf = not any(network.get_submodule(layer.name).children())
    return bool(leaf or layer.parameters or layer.multiply_adds)


def _counted(network: nn.Module, inputs: Any) -> tuple[dict[str, LayerProfile], int]:
    """Run once under a counter of operations; return the layers by name, and the products of all."""
    layers: dict[str, LayerProfile] = {}
    counter = FlopCounterMode(display=False, custom_mapping=FORMULAS)

    def entered(name: str, module: nn.Module) -> None:
        own = sum(each.numel() for each in module.parameters(recurse=False))
        layers.setdefault(name, LayerProfile(name, type(module).__name__, parameters=own))

    def left(name: str, output: Any, spent: float) -> None:
        layers[name].calls += 1
        layers[name].multiply_adds += round(spent) // 2
        first = next((tensor for _, tensor in batches.tensors(output)), None)
        layers[name].shape = () if first is None else tuple(first.shape)

    with counter, _watching(network, counter.get_total_flops, entered, left):
        network(inputs)
    return layers, counter.get_total_flops() // 2


def _timed(network: nn.Module, inputs: Any, layers: dict[str, LayerProfile], repeats: int) -> float:
    """Time the layers; return the seconds of a whole pass without the hooks."""
    device = next((each.device for each in network.parameters()), torch.device("cpu"))
    taken: dict[str, list[float]] = {name: [] for name in layers}
    whole = []

    def clock() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter()

    def left(name: str, output: Any, spent: float) -> None:
        taken[name][-1] += spent

    network(inputs)
    for _ in range(repeats):
        for each in taken.values():
            each.append(0.0)
        with _watching(network, clock, lambda name, module: None, left):
            network(inputs)
        began = clock()
        network(inputs)
        whole.append(clock() - began)
    for name, each in taken.items():
        layers[name].seconds = statistics.median(each)
    return statistics.median(whole)


@contextlib.contextmanager
def _watching(
    network: nn.Module,
    gauge: Callable[[], float],
    entered: Callable[[str, nn.Module], None],
    left: Callable[[str, Any, float], None],
) -> Iterator[None]:
    """Read a gauge around each module's forward; what the modules inside it spent is not its own."""
    stack: list[list[float]] = []
    handles = []
    for name, module in network.named_modules():

        def before(module: nn.Module, inputs: Any, name: str = name) -> None:
            entered(name, module)
            stack.append([gauge(), 0.0])

        def after(module: nn.Module, inputs: Any, output: Any, name: str = name) -> None:
            began, inside = stack.pop()
            spent = gauge() - began
            if stack:
                stack[-1][1] += spent
            left(name, output, spent - inside)

        handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _attention(query: torch.Size, key: torch.Size, value: torch.Size, *args: Any, **kwargs: Any) -> int:
    """Q K', and the weights times V."""
    return 2 * query[:-1].numel() * key[-2] * (query[-1] + value[-1])


def _recurrence(inputs: torch.Size, first: torch.Size, second: torch.Size, *args: Any, **kwargs: Any) -> int:
    """Each weight once per example and place, in one layer and direction."""
    return 2 * inputs[:-1].numel() * (first.numel() + second.numel())


def _recurrences(inputs: torch.Size, weights: list[torch.Size], *args: Any, **kwargs: Any) -> int:
    return 2 * inputs[:-1].numel() * sum(each.numel() for each in weights if len(each) == 2)


# what torch does not count: operations (two per multiply-add) from the shapes of the arguments
FORMULAS: dict[Any, Callable[..., int]] = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    torch.ops.aten.mkldnn_rnn_layer: _recurrence,
    torch.ops.aten._cudnn_rnn: _recurrences,
}


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [
        f"{cell:<{width}}" if column < 3 else f"{cell:>{width}}"
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{1000 * seconds:.3f}"


def _share(seconds: float | None, total: float | None) -> str:
    return "" if not seconds or not total else f"{100 * seconds / total:.0f}"
