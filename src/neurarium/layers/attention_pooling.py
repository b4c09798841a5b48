"""Attention pooling: a learned weighted mean of the positions of a sequence."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurarium.core.recipe import recorded


@recorded
class AttentionPooling(nn.Module):
    """One vector of several: sum_i a_i x_i, a = softmax_i(v^T tanh(U x_i + c)).

    Args:
        dim: numbers per position.
        hidden: numbers in between; `dim` when left out.

    `forward`: `(batch, length, dim)`, and a mask `(batch, length)` bool, True at real positions -> `(batch, dim)`.
    Where no position is real the result is zero, and so are its gradients.

    Yang et al. 2016, "Hierarchical attention networks for document classification", eq. 5 to 7.

    >>> pool = AttentionPooling(4)
    >>> pool(torch.randn(2, 3, 4), torch.tensor([[True, True, False], [False, False, False]]))[1].tolist()
    [0.0, 0.0, 0.0, 0.0]
    """

    def __init__(self, dim: int, hidden: int | None = None):
        super().__init__()
        self.hidden = nn.Linear(dim, hidden or dim)
        self.activate = nn.Tanh()
        self.score = nn.Linear(hidden or dim, 1, bias=False)  # softmax does not see a bias

    def weights(self, sequence: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the weight of each position, `(batch, length)`; they sum to one, or to zero without real positions."""
        scores = self.score(self.activate(self.hidden(sequence))).squeeze(-1)
        if mask is None:
            return torch.softmax(scores, dim=1)
        # A finite floor, not -inf: the softmax of a row of -inf is NaN, and so is its gradient.
        weights = torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), dim=1)
        return weights * mask

    def forward(self, sequence: Tensor, mask: Tensor | None = None) -> Tensor:
        return (self.weights(sequence, mask).unsqueeze(-1) * sequence).sum(dim=1)
