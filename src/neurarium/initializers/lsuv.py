"""Layer-sequential unit-variance initialization, which looks at data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.initializers.initializer import CONVOLUTIONS, TRANSPOSED, Fans, Initializer, positive
from neurarium.initializers.orthogonal import Orthogonal
from neurarium.initializers.probing import undisturbed


@recorded
class LSUV(Initializer):
    """Layer-sequential unit variance: orthogonal weights, then each layer in turn is divided by the standard deviation
    of its outputs on a batch of data, W <- W / std(W x), until that is 1.

    Works through any activation and any architecture, since it measures what others derive. Linear and convolutional
    layers are rescaled, in the order in which they are called; others stay orthogonal. Needs `batch`.

    Args:
        tolerance: how near to 1 the variance must come.
        iterations: the most divisions per layer (one is enough where the bias is zero).

    Raises:
        OptionError: no batch, or a tolerance that is not above 0.

    Mishkin and Matas, "All you need is a good init", arXiv 1511.06422, algorithm 1.

    >>> from neurarium.initializers import initialize
    >>> network = nn.Sequential(nn.Linear(20, 50), nn.Tanh(), nn.Linear(50, 50))
    >>> batch = torch.randn(64, 20)
    >>> touched = initialize(network, LSUV(), batch=batch)
    >>> round(network(batch).var().item(), 3)
    1.0
    """

    def __init__(self, tolerance: float = 0.01, iterations: int = 10):
        self.tolerance, self.iterations = positive(tolerance, "the tolerance"), iterations

    def fill(self, weight: Tensor, fans: Fans, generator: torch.Generator) -> None:
        Orthogonal().fill(weight, fans, generator)

    def finish(self, network: nn.Module, weights: Mapping[str, Tensor], batch: Any = None) -> None:
        if batch is None:
            raise OptionError(
                "LSUV looks at data", expected="a batch of inputs", fix="initialize(..., batch=inputs)"
            )
        filled = {id(weight) for weight in weights.values()}
        layers = [
            module
            for module in network.modules()
            if isinstance(module, (nn.Linear, *CONVOLUTIONS, *TRANSPOSED)) and id(module.weight) in filled
        ]
        with undisturbed(network), torch.no_grad():
            handles = [layer.register_forward_hook(self._hook(set())) for layer in layers]
            try:
                network(batch)
            finally:
                for handle in handles:
                    handle.remove()

    def _hook(self, done: set[int]) -> Callable[..., Tensor]:
        def rescale(layer: nn.Module, inputs: tuple[Any, ...], outputs: Tensor) -> Tensor:
            # A layer that is called several times is scaled by its first call.
            if done:
                return outputs
            done.add(id(layer))
            for _ in range(self.iterations):
                variance = outputs.float().var()
                if not variance > 0 or abs(variance - 1) < self.tolerance:
                    break
                layer.weight.div_(variance.sqrt())  # type: ignore[union-attr, operator]
                outputs = layer.forward(*inputs)
            return outputs

        return rescale
