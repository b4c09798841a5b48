"""Initializer: what all initializers share, and the numbers of inputs and outputs that they scale by."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
GATES = {"LSTM": 4, "GRU": 3, "LSTMCell": 4, "GRUCell": 3}


class Fans(NamedTuple):
    """How many numbers feed one unit (n_in), and how many units one number feeds (n_out)."""

    inputs: int
    outputs: int


class Initializer(abc.ABC):
    """The base of all initializers: `initializer(weight, fans, generator)` fills a tensor in place."""

    @abc.abstractmethod
    def fill(self, weight: Tensor, fans: Fans, generator: torch.Generator) -> None:
        """Fill one matrix, or a kernel `(out, in, ...)`, in place, on the CPU."""

    def __call__(
        self, weight: Tensor, fans: Fans | None = None, generator: torch.Generator | None = None
    ) -> None:
        """Fill a tensor in place, as one matrix.

        Args:
            weight: `(out, in, ...)`.
            fans: numbers of inputs and outputs; by default those of a linear or convolutional weight.
            generator: a CPU generator; torch's global one by default.
        """
        exact = weight.dtype if weight.dtype in (torch.float32, torch.float64) else torch.float32
        drawn = torch.empty(weight.shape, dtype=exact)
        self.fill(drawn, fans or fans_of(weight), generator or torch.default_generator)
        with torch.no_grad():
            weight.copy_(drawn)

    def finish(self, network: nn.Module, weights: Mapping[str, Tensor], batch: Any = None) -> None:
        """Do what needs the whole network, after all weights were filled: nothing, for most.

        Args:
            network: the network.
            weights: those that this initializer filled, by name.
            batch: inputs of the network, or None.
        """
        return

    def __repr__(self) -> str:
        options = getattr(self, "_recipe", None)
        shown = ", ".join(f"{key}={value!r}" for key, value in options.options.items()) if options else ""
        return f"{type(self).__name__}({shown})"


def fans_of(weight: Tensor) -> Fans:
    """Return the fans of a weight `(out, in, *kernel)`; a vector feeds one unit.

    >>> fans_of(torch.empty(8, 3, 5, 5))
    Fans(inputs=75, outputs=200)
    """
    if weight.ndim < 2:
        return Fans(max(weight.numel(), 1), 1)
    kernel = math.prod(weight.shape[2:])
    return Fans(weight.shape[1] * kernel, weight.shape[0] * kernel)


def parts_of(module: nn.Module, name: str, weight: Tensor) -> list[tuple[Tensor, Fans]]:
    """Split a parameter of a module into the matrices it holds, as views, each with its fans.

    Gates of LSTM and GRU, the three projections of torch's attention and the members of a stack `(members, in, out)` are
    matrices of their own. An embedding is a product with a one-hot vector: one input is not zero, so n_in = 1.
    """
    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        return [(weight, Fans(1, weight.shape[1]))]
    if isinstance(module, CONVOLUTIONS):
        kernel = math.prod(weight.shape[2:])
        # Each output channel of a group sees in/groups channels; each input feeds out/groups.
        return [(weight, Fans(weight.shape[1] * kernel, weight.shape[0] // module.groups * kernel))]
    if isinstance(module, TRANSPOSED):
        kernel = math.prod(weight.shape[2:])
        return [
            (
                weight.transpose(0, 1),
                Fans(weight.shape[0] // module.groups * kernel, weight.shape[1] * kernel),
            )
        ]
    count = _matrices(module, name)
    if weight.ndim >= 2 and count > 1 and weight.shape[0] % count == 0:
        return [(part, fans_of(part)) for part in weight.chunk(count)]
    if weight.ndim == 3:
        return [(matrix.T, Fans(matrix.shape[0], matrix.shape[1])) for matrix in weight]
    return [(weight, fans_of(weight))]


def _matrices(module: nn.Module, name: str) -> int:
    if isinstance(module, nn.RNNBase):
        return 1 if name.startswith("weight_hr") else GATES.get(module.mode, 1)
    if isinstance(module, nn.RNNCellBase):
        return GATES.get(type(module).__name__, 1)
    return 3 if isinstance(module, nn.MultiheadAttention) and name == "in_proj_weight" else 1


def positive(value: float, what: str) -> float:
    """Return a number above 0.

    Raises:
        OptionError: it is not.
    """
    if not value > 0:
        raise OptionError(f"{what} is not positive", expected="a number above 0", received=value)
    return float(value)
