"""MonteCarloDropout: dropout stays on in prediction, and the spread of the predictions is their uncertainty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core import batches
from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.recipe import recorded
from neurarium.layers.drop_connect import DropConnect
from neurarium.layers.dropout import ChannelDropout, GaussianDropout
from neurarium.layers.ensemble import Combination, combine

DROPOUTS = (nn.modules.dropout._DropoutNd, ChannelDropout, GaussianDropout, DropConnect)


@recorded
class MonteCarloDropout(nn.Module):
    """Average over random thinnings of one network.

    p(y | x) = 1/T sum_t p(y | x, W_t), with W_t the weights after dropout's t-th draw. Everything else is in eval mode:
    batch normalization keeps its statistics. The T draws of a batch are computed as one batch. In training mode the
    network is trained as usual, with one draw.

    Args:
        network: one with dropout in it.
        samples: T.
        combination: how the predictions combine (see `layers.ensemble.combine`).
        seed: of the draws, so that a prediction can be repeated; None for draws that differ from call to call.

    `forward`: what the network takes -> `(batch, outputs)`. `members` -> `(batch, T, outputs)`; in training `(batch, 1,
    outputs)`.

    Raises:
        RefusalError: the network has no dropout.
        OptionError: no sample.

    Gal and Ghahramani 2016, arXiv:1506.02142, eqs. 6 and 7 (whose variance adds 1/tau, the noise's; a network with
    `distribution="gaussian"` learns that noise instead, and the mixture's variance holds both).

    >>> from neurarium.networks import MLP
    >>> network = MonteCarloDropout(MLP(4, 1, dropout=0.5), samples=20, seed=0).eval()
    >>> network.members(torch.zeros(3, 4)).std(dim=1).shape
    torch.Size([3, 1])
    """

    def __init__(
        self,
        network: nn.Module,
        samples: int = 20,
        combination: Combination = "mean",
        seed: int | None = None,
    ):
        super().__init__()
        if samples < 1:
            raise OptionError("there is no sample to average", expected="samples >= 1", received=samples)
        self.network, self.samples, self.combination, self.seed = network, samples, combination, seed
        self.distribution = getattr(network, "distribution", None)
        if not any(dropouts(network)):
            raise RefusalError(
                "the network has no dropout: all its samples would be the same",
                fix="build and train it with dropout, for example --set dropout=0.1",
            )
        self.train(self.training)

    @property
    def ensemble_size(self) -> int:
        return 1 if self.training else self.samples

    def train(self, mode: bool = True) -> MonteCarloDropout:
        """Set training or eval mode; dropout is on in both."""
        super().train(mode)
        for module in dropouts(self.network):
            module.training = True  # Of the module alone: what it wraps stays as it is.
        return self

    def members(self, inputs: Any) -> Tensor:
        """Return the predictions of all draws, `(batch, samples, outputs)`."""
        if self.training:
            return self.network(inputs).unsqueeze(1)
        repeated = batches.map_tensors(lambda tensor: tensor.repeat_interleave(self.samples, dim=0), inputs)
        if self.seed is None:
            outputs = self.network(repeated)
        else:
            with torch.random.fork_rng():
                torch.manual_seed(self.seed)
                outputs = self.network(repeated)
        return outputs.unflatten(0, (-1, self.samples))

    def forward(self, inputs: Any) -> Tensor:
        return self.network(inputs) if self.training else combine(self.members(inputs), self.combination)


def dropouts(network: nn.Module) -> Iterator[nn.Module]:
    """Yield the modules of a network that drop numbers or weights by chance."""
    for module in network.modules():
        if isinstance(module, DROPOUTS) and (module.p if hasattr(module, "p") else module.rate):
            yield module
