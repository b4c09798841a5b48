"""Routing by expectation and maximization: a whole is a Gaussian over what its parts predict, and is there where these agree."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.layers.capsules import CapsuleRouting

DECAY = 0.95  # the inverse temperature rises over the iterations as 1 - 0.95^t: the paper names no schedule, its authors this one
LEAST = 1e-4  # of a squared length: what a direction is where there is nothing stays finite
SCALE = (
    0.03  # of votes at the start: an optimizer that moves all weights alike is to turn them within an epoch
)


def em_routing(
    votes: Tensor,
    present: Tensor,
    cost: Tensor,
    threshold: Tensor,
    iterations: int = 3,
    inverse_temperature: float = 60.0,
    least: float = 1e-4,
) -> tuple[Tensor, Tensor]:
    r"""Fit one Gaussian per whole to what the parts vote, each part for as much as the wholes explain it.

    With shares R_ij, equal at first, again and again: of parts that are there, r_ij = a_i R_ij,

    .. math:: \mu_j = \frac{\sum_i r_{ij} V_{ij}}{\sum_i r_{ij}}, \quad
              \sigma_j^2 = \frac{\sum_i r_{ij} (V_{ij} - \mu_j)^2}{\sum_i r_{ij}}, \quad
              a_j = \mathrm{sigmoid}\Big(\lambda_t \big(\beta_{a,j}
              - \frac{n_j}{h} \sum_h (\beta_{u,j} + \ln \sigma_{jh})\big)\Big)

    then R_ij = a_j p_j(V_ij) / sum_k a_k p_k(V_ik), p_j the density of that Gaussian. n_j is the weight sum_i r_ij in units of
    an equal share, parts / wholes, so that one lambda serves networks of any size: the paper's is lambda wholes / (parts h).

    Args:
        votes: V, `(batch, wholes, parts, h)`.
        present: a_i, `(batch, parts)`, from 0 to 1.
        cost: beta_u, `(wholes,)`: what describing a part costs.
        threshold: beta_a, `(wholes,)`: what a whole that is not there costs.
        iterations: how often the Gaussians are fitted.
        inverse_temperature: lambda; in iteration t = 1, 2, ... lambda_t = lambda (1 - 0.95^t).
        least: is added to each variance: few parts that agree by chance are no certainty.

    Returns:
        The means `(batch, wholes, h)`, and a_j `(batch, wholes)`.

    Hinton, Sabour and Frosst 2018, "Matrix capsules with EM routing", procedure 1.

    >>> votes = torch.tensor([[[[0.0], [0.0], [0.0]], [[-3.0], [0.0], [3.0]]]])  # three parts agree on one whole, not on the other
    >>> means, there = em_routing(votes, torch.ones(1, 3), torch.zeros(2), torch.zeros(2))
    >>> there.round(decimals=1).tolist()  # the other explains nothing, and is neither there nor away
    [[1.0, 0.5]]
    """
    wholes, parts, width = votes.shape[1:]
    shares = votes.new_full(votes.shape[:3], 1 / wholes)
    for turn in range(iterations):
        weights = shares * present.unsqueeze(1)
        mass = weights.sum(2)
        normal = (weights / mass.clamp(min=1e-8).unsqueeze(2)).unsqueeze(2)
        means = normal @ votes
        apart = (votes - means).square()
        variance = (normal @ apart).squeeze(2) + least
        spread = variance.log() / 2
        described = mass * (wholes / parts) * (cost.unsqueeze(1) + spread).mean(2)
        logits = inverse_temperature * (1 - DECAY ** (turn + 1)) * (threshold - described)
        if turn < iterations - 1:
            far = (apart @ (0.5 / variance).unsqueeze(3)).squeeze(3)
            density = -(far + (spread.sum(2) + width * math.log(2 * math.pi) / 2).unsqueeze(2))
            shares = torch.softmax(functional.logsigmoid(logits).unsqueeze(2) + density, dim=1)
    return means.squeeze(2), torch.sigmoid(logits)


class EMRouting(CapsuleRouting):
    """Routing by expectation and maximization (see `em_routing`), between capsules whose length says whether they are there.

    a_i = |u_i|; V_ij = W_ij u_i / |u_i|; v_j = a_j mu_j / |mu_j|

    In the paper a capsule is a matrix of 4 x 4 and a number; here, as in the other routings, it is a vector, whose direction
    is the pose, and W_ij is any matrix.

    Args:
        parts, part_dim, wholes, whole_dim: as for `CapsuleRouting`.
        iterations: of the routing.
        inverse_temperature: lambda.

    Votes start with a deviation of s = 0.03, beta_u at -ln s, and s^2 / 2 is the least variance.

    Raises:
        OptionError: fewer than one iteration, no temperature.

    Hinton, Sabour and Frosst 2018, "Matrix capsules with EM routing", sections 2 and 3.

    >>> EMRouting(6, 8, 3, 16)(torch.randn(2, 6, 8)).shape
    torch.Size([2, 3, 16])
    """

    def __init__(
        self,
        parts: int,
        part_dim: int,
        wholes: int,
        whole_dim: int,
        iterations: int = 3,
        inverse_temperature: float = 60.0,
    ):
        super().__init__(parts, part_dim, wholes, whole_dim)
        if iterations < 1:
            raise OptionError("the routing has too few iterations", expected="1 or more", received=iterations)
        if not inverse_temperature > 0:
            raise OptionError(
                "the inverse temperature of a routing is too small",
                expected="more than 0",
                received=inverse_temperature,
            )
        self.iterations, self.inverse_temperature = iterations, inverse_temperature
        self.cost = nn.Parameter(torch.full((wholes,), -math.log(SCALE)))
        self.threshold = nn.Parameter(torch.zeros(wholes))
        nn.init.normal_(
            self.weight
        )  # votes of unit variance: their logarithm, and so the cost, starts near zero

    def forward(self, parts: Tensor) -> Tensor:
        squared = parts.square().sum(-1, keepdim=True)
        present = (squared + 1e-12).sqrt().squeeze(-1).clamp(max=1)
        votes = self.predictions(parts * (squared + LEAST).rsqrt())
        means, there = em_routing(
            votes,
            present,
            self.cost,
            self.threshold,
            self.iterations,
            self.inverse_temperature,
            SCALE**2 / 2,
        )
        return there.unsqueeze(-1) * means * (means.square().sum(-1, keepdim=True) + 1e-12).rsqrt()
