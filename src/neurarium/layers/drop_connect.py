"""DropConnect: dropout of weights instead of units."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.layers.dropout import check_rate


@recorded
class DropConnect(nn.Module):
    """DropConnect: a layer whose weights are dropped in training, W m / (1 - p), m Bernoulli(1 - p) for every weight.

    One mask is drawn per call, for all examples and all steps of a sequence. On the recurrent weights of an LSTM
    (`weights=("weight_hh_l0",)`) it is the weight drop of AWD-LSTM. The weights keep their names under `layer.`.

    Args:
        layer: a linear, convolutional or recurrent layer.
        rate: p, the share of weights dropped.
        weights: names of the parameters in the layer.

    Shapes: those of the layer.

    Raises:
        OptionError: a rate outside [0, 1], or a name that the layer does not have.

    Wan et al., "Regularization of neural networks using DropConnect" (2013); Merity et al., arXiv 1708.02182, section 2.

    >>> layer = DropConnect(nn.Linear(3, 2), rate=0.5)
    >>> torch.equal(layer.eval()(torch.ones(1, 3)), layer.layer(torch.ones(1, 3)))
    True
    """

    def __init__(self, layer: nn.Module, rate: float = 0.5, weights: tuple[str, ...] = ("weight",)):
        super().__init__()
        known = dict(layer.named_parameters())
        for name in weights:
            if name not in known:
                raise OptionError(
                    f"{type(layer).__name__} has no weight '{name}' to drop",
                    expected=f"some of {', '.join(known)}",
                    received=name,
                )
        self.layer, self.rate, self.weights = layer, check_rate(rate), tuple(weights)

    def forward(self, *inputs: Any) -> Any:
        if not self.training or self.rate == 0:
            return self.layer(*inputs)
        known = dict(self.layer.named_parameters())
        return functional_call(
            self.layer, {name: self._dropped(known[name]) for name in self.weights}, inputs
        )

    def _dropped(self, weight: Tensor) -> Tensor:
        return torch.dropout(weight, self.rate, True)

    def extra_repr(self) -> str:
        return f"rate={self.rate}, weights={self.weights}"
