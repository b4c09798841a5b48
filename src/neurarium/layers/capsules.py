"""Capsules: vectors whose length says that a thing is there and whose direction says how; routing from parts to wholes."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, ShapeError


def squash(vectors: Tensor) -> Tensor:
    """Shrink vectors to a length below 1 and keep their direction: v = |s|^2 / (1 + |s|^2) s / |s|.

    Written as s |s| / (1 + |s|^2), which divides by nothing small: at length zero value and gradient are zero.

    Args:
        vectors: `(..., dim)`.

    Sabour, Frosst and Hinton, arXiv:1710.09829, equation 1.

    >>> squash(torch.tensor([3.0, 4.0]))
    tensor([0.5769, 0.7692])
    """
    length = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return vectors * (length / (1 + length.square()))


def exponential_squash(vectors: Tensor) -> Tensor:
    """Shrink vectors as `squash`, with a gradient for short ones too: v = (1 - exp(-|s|)) s / |s|.

    Near length zero v = s (1 - |s| / 2): the gradient there is the identity.

    Args:
        vectors: `(..., dim)`.

    Mazzia, Salvetti and Chiaberge, arXiv:2101.12491, equation 2.

    >>> exponential_squash(torch.tensor([3.0, 4.0]))
    tensor([0.5960, 0.7946])
    """
    length = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    short = length < 1e-4  # there the series is exact to 2e-9, and the quotient is not
    safe = torch.where(short, torch.ones_like(length), length)
    return vectors * torch.where(short, 1 - length / 2, -torch.expm1(-safe) / safe)


def dynamic_routing(predictions: Tensor, iterations: int = 3) -> Tensor:
    """Route by agreement: wholes are the sums of what their parts predict, weighed by how far these agree with them.

    b = 0; then, again and again: c_ij = softmax_j(b_ij), s_j = sum_i c_ij u_j|i, v_j = squash(s_j), b_ij += u_j|i . v_j

    All capsules at once: each line is one product of matrices per example and whole. Gradients flow through all iterations.

    Args:
        predictions: u, `(batch, wholes, parts, dim)`.
        iterations: how often c and v are computed; 1 leaves the weights equal.

    Returns:
        v, `(batch, wholes, dim)`.

    Sabour, Frosst and Hinton, arXiv:1710.09829, procedure 1.

    >>> dynamic_routing(torch.ones(1, 2, 8, 4)).norm(dim=-1)
    tensor([[0.9846, 0.9846]])
    """
    agreement = torch.zeros_like(predictions[..., 0])
    for turn in range(iterations):
        shares = torch.softmax(agreement, dim=1)
        wholes = squash((shares.unsqueeze(-2) @ predictions).squeeze(-2))
        if turn < iterations - 1:
            agreement = agreement + (predictions @ wholes.unsqueeze(-1)).squeeze(-1)
    return wholes


class CapsuleRouting(nn.Module):
    """What routings share: every part predicts every whole by a matrix of its own, u_j|i = W_ij u_i.

    Args:
        parts, part_dim: how many capsules come in, and their numbers.
        wholes, whole_dim: how many go out, and theirs.

    `forward`: `(batch, parts, part_dim)` -> `(batch, wholes, whole_dim)`, each shorter than 1.

    Raises:
        OptionError: a size below 1.
        ShapeError: capsules of another number or size.
    """

    def __init__(self, parts: int, part_dim: int, wholes: int, whole_dim: int):
        super().__init__()
        sizes = {"parts": parts, "part_dim": part_dim, "wholes": wholes, "whole_dim": whole_dim}
        for name, size in sizes.items():
            if size < 1:
                raise OptionError(f"'{name}' of a routing is too small", expected="1 or more", received=size)
        self.parts, self.part_dim, self.wholes, self.whole_dim = parts, part_dim, wholes, whole_dim
        self.weight = nn.Parameter(torch.empty(wholes, parts, part_dim, whole_dim))

    def predictions(self, parts: Tensor) -> Tensor:
        """Return what every part predicts of every whole, `(batch, wholes, parts, whole_dim)`."""
        if parts.shape[1:] != (self.parts, self.part_dim):
            raise ShapeError(
                "the capsules do not fit the routing",
                expected=f"(batch, {self.parts}, {self.part_dim})",
                received=tuple(parts.shape),
            )
        return torch.einsum("bip,oipd->boid", parts, self.weight).contiguous()


class DynamicRouting(CapsuleRouting):
    """Routing by agreement (see `dynamic_routing`).

    Args:
        parts, part_dim, wholes, whole_dim: as for `CapsuleRouting`.
        iterations: of the routing.

    Raises:
        OptionError: fewer than one iteration.

    Sabour, Frosst and Hinton, arXiv:1710.09829, section 2.

    >>> DynamicRouting(6, 8, 3, 16)(torch.randn(2, 6, 8)).shape
    torch.Size([2, 3, 16])
    """

    def __init__(self, parts: int, part_dim: int, wholes: int, whole_dim: int, iterations: int = 3):
        super().__init__(parts, part_dim, wholes, whole_dim)
        if iterations < 1:
            raise OptionError("the routing has too few iterations", expected="1 or more", received=iterations)
        self.iterations = iterations
        # Equal shares: v_j starts at the mean over parts, whose spread is to be about one half whatever their number.
        nn.init.normal_(self.weight, std=min(0.1, wholes / math.sqrt(4 * parts * part_dim)))

    def forward(self, parts: Tensor) -> Tensor:
        return dynamic_routing(self.predictions(parts), self.iterations)


class AttentionRouting(CapsuleRouting):
    """Routing in one pass: a part counts as far as its prediction agrees with those of all parts.

    A_j = U_j U_j^T / sqrt(d), C = softmax_j(sum over the rows of A) + B, s_j = sum_i c_ij u_j|i, v = exponential_squash(s)

    Since sum_k u_i . u_k = u_i . sum_k u_k, A is never built.

    Args:
        parts, part_dim, wholes, whole_dim: as for `CapsuleRouting`.

    Mazzia, Salvetti and Chiaberge, arXiv:2101.12491, equations 5 to 8.

    >>> AttentionRouting(6, 8, 3, 16)(torch.randn(2, 6, 8)).shape
    torch.Size([2, 3, 16])
    """

    def __init__(self, parts: int, part_dim: int, wholes: int, whole_dim: int):
        super().__init__(parts, part_dim, wholes, whole_dim)
        self.prior = nn.Parameter(torch.zeros(wholes, parts))
        nn.init.normal_(self.weight, std=math.sqrt(2 / (wholes * parts * part_dim)))

    def forward(self, parts: Tensor) -> Tensor:
        predictions = self.predictions(parts)
        together = predictions.sum(dim=2, keepdim=True)
        agreement = (predictions * together).sum(-1) / math.sqrt(self.whole_dim)
        shares = torch.softmax(agreement, dim=1) + self.prior
        return exponential_squash((shares.unsqueeze(-2) @ predictions).squeeze(-2))
