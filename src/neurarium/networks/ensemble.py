"""Ensemble: several networks as one, whose prediction is that of their mixture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.members import find
from neurarium.core.recipe import recorded
from neurarium.data.specs import Spec
from neurarium.layers.ensemble import Combination, combine
from neurarium.networks.sizing import combination_for


@recorded
class Ensemble(nn.Module):
    """A deep ensemble: networks of one kind that differ in their starts, and in the order of their training data.

    Classes: p(c | x) = 1/M sum_m p_m(c | x). Quantities with `distribution="gaussian"`: the mixture of M Gaussians,
    taken as one Gaussian with its moments, mu = 1/M sum_m mu_m, sigma^2 = 1/M sum_m (sigma_m^2 + mu_m^2) - mu^2.

    Networks that are mixtures of unequal shares keep them within their own share of 1/M. Trained as one network by `members`, every network gets the gradient of its own loss. Training them one after the
    other and then putting them together here gives each its own order of the data.

    Args:
        networks: at least one; all give outputs of one shape.
        combination: how their outputs combine (see `layers.ensemble.combine`).

    `forward`: what the networks take -> `(batch, outputs)`, in the form that one of them gives.
    `members` -> `(batch, networks, outputs)`.

    Raises:
        OptionError: no network.

    Lakshminarayanan et al. 2017, arXiv:1612.01474, section 2.4.

    >>> from neurarium.networks import MLP
    >>> ensemble = Ensemble([MLP(4, 1) for _ in range(5)], "sigmoid")
    >>> ensemble.members(torch.zeros(3, 4)).shape, ensemble(torch.zeros(3, 4)).shape
    (torch.Size([3, 5, 1]), torch.Size([3, 1]))
    """

    def __init__(self, networks: Sequence[nn.Module], combination: Combination = "mean"):
        super().__init__()
        if not networks:
            raise OptionError("an ensemble needs a network", expected="at least one", received=0)
        self.networks = nn.ModuleList(networks)
        self.ensemble_size = sum(getattr(network, "ensemble_size", 1) for network in networks)
        self.any_length = all(getattr(network, "any_length", False) for network in networks)
        self.combination = combination
        self.distribution = getattr(networks[0], "distribution", None)

    @classmethod
    def for_data(
        cls, inputs: Spec, targets: Spec, *, network: str = "mlp", size: int = 5, **options: Any
    ) -> Ensemble:
        """Build `size` networks of one name and options, each with its own start, for a dataset's specs."""
        members = [find("network", network).for_data(inputs, targets, **options) for _ in range(size)]
        return cls(members, combination_for(targets, options.get("distribution")))

    def rate_factors(self) -> dict[str, float]:
        """Return the multiples of the learning rate that members say, by parameter."""
        return {
            f"networks.{place}.{name}": factor
            for place, network in enumerate(self.networks)
            if hasattr(network, "rate_factors")
            for name, factor in network.rate_factors().items()  # type: ignore[operator]
        }

    def members(self, inputs: Any) -> Tensor:
        """Return every network's prediction, `(batch, networks, outputs)`; of ensembles, that of each member."""
        return torch.cat([_members_of(network, inputs) for network in self.networks], dim=1)

    def member_shares(self) -> Tensor | None:
        """Return how much each member counts in the mixture, `(members,)`; None where all count alike."""
        said = [getattr(network, "member_shares", lambda: None)() for network in self.networks]
        known = next((each for each in said if each is not None), None)
        if known is None:
            return None
        sizes = [getattr(network, "ensemble_size", 1) for network in self.networks]
        parts = [
            known.new_full((size,), 1 / size) if each is None else each
            for each, size in zip(said, sizes, strict=True)
        ]
        return torch.cat(parts) / len(parts)

    def forward(self, inputs: Any) -> Tensor:
        return combine(self.members(inputs), self.combination, self.member_shares())


def _members_of(network: nn.Module, inputs: Any) -> Tensor:
    return network.members(inputs) if hasattr(network, "members") else network(inputs).unsqueeze(1)  # type: ignore[operator]
