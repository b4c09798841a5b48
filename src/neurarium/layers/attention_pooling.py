"""Attention pooling: a learned weighted mean of the positions of a sequence."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurarium.core.recipe import recorded
from neurarium.layers.attention_scores import ScoreName, score_named, weights_of


@recorded
class AttentionPooling(nn.Module):
    """One vector of several: sum_i a_i x_i, a = softmax_i(v^T tanh(U x_i + c)).

    With another score: a = softmax_i(score(q, U x_i + c)), q a learned query.

    Args:
        dim: numbers per position.
        hidden: numbers in between; `dim` when left out.
        score: "additive" as above (its query is the bias c), or another of `attention_scores`.

    `forward`: `(batch, length, dim)`, and a mask `(batch, length)` bool, True at real positions -> `(batch, dim)`.
    Where no position is real the result is zero, and so are its gradients.

    Yang et al. 2016, "Hierarchical attention networks for document classification", eq. 5 to 7.

    >>> pool = AttentionPooling(4)
    >>> pool(torch.randn(2, 3, 4), torch.tensor([[True, True, False], [False, False, False]]))[1].tolist()
    [0.0, 0.0, 0.0, 0.0]
    """

    def __init__(self, dim: int, hidden: int | None = None, score: ScoreName = "additive"):
        super().__init__()
        hidden = hidden or dim
        self.hidden = nn.Linear(dim, hidden)
        self.activate = nn.Tanh() if score == "additive" else nn.Identity()
        self.query = None if score == "additive" else nn.Parameter(torch.randn(hidden))
        # softmax does not see a bias
        self.score = nn.Linear(hidden, 1, bias=False) if score == "additive" else score_named(score, hidden)

    def weights(self, sequence: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the weight of each position, `(batch, length)`; they sum to one, or to zero without real positions."""
        hidden = self.activate(self.hidden(sequence))
        if self.query is None:
            return weights_of(self.score(hidden).squeeze(-1), mask)
        scores = self.score(self.query.expand(len(hidden), 1, 1, -1), hidden.unsqueeze(1))
        return weights_of(scores[:, 0, 0], mask)

    def forward(self, sequence: Tensor, mask: Tensor | None = None) -> Tensor:
        return (self.weights(sequence, mask).unsqueeze(-1) * sequence).sum(dim=1)
