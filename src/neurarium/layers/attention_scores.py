"""Attention scores: how well a key fits a query. Softmax over the keys makes them weights."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded

ScoreName = Literal["scaled-dot", "dot", "cosine", "general", "additive"]


class Score(nn.Module):
    """The root of all scores.

    Args:
        dim: d, numbers of a query and of a key, per head.
        heads: how many heads have numbers of their own.

    `forward`: queries `(batch, heads, length, dim)` and keys `(batch, heads, source, dim)` -> `(batch, heads, length,
    source)`.
    """

    def __init__(self, dim: int, heads: int = 1):
        super().__init__()
        self.dim, self.heads = dim, heads

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        return queries @ keys.transpose(-2, -1)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, heads={self.heads}"


@recorded
class DotScore(Score):
    """The dot product: e = q . k. It grows with d, and softmax of it becomes one-hot.

    Args and `forward`: as for `Score`.

    Luong, Pham and Manning 2015, arXiv:1508.04025, equation 8 ("dot").

    >>> DotScore(2)(torch.ones(1, 1, 1, 2), torch.ones(1, 1, 3, 2)).tolist()
    [[[[2.0, 2.0, 2.0]]]]
    """


@recorded
class ScaledDotScore(Score):
    """The scaled dot product: e = q . k / sqrt(d), of variance one where q and k are. `Attention` computes it fused.

    Args and `forward`: as for `Score`.

    Vaswani et al. 2017, arXiv:1706.03762, equation 1.

    >>> ScaledDotScore(4)(torch.ones(1, 1, 1, 4), torch.ones(1, 1, 1, 4)).item()
    2.0
    """

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        return super().forward(queries, keys) / math.sqrt(self.dim)


@recorded
class CosineScore(Score):
    """The cosine: e = s q . k / (|q| |k|), with a learned s > 0 per head that starts at 10, at most 100.

    Without s the scores lie between -1 and 1, and softmax of them is nearly flat. A vector of zeros has the cosine zero.

    Args and `forward`: as for `Score`.

    Graves, Wayne and Danihelka 2014, arXiv:1410.5401, equations 5 and 6; the learned s as in arXiv:2111.09883, equation 2.

    >>> q, k = torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[[3.0, 0.0], [0.0, 2.0]]]])
    >>> CosineScore(2)(q, k).round().tolist()
    [[[[10.0, 0.0]]]]
    """

    def __init__(self, dim: int, heads: int = 1):
        super().__init__(dim, heads)
        self.log_scale = nn.Parameter(torch.full((heads, 1, 1), math.log(10.0)))

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        cosines = super().forward(functional.normalize(queries, dim=-1), functional.normalize(keys, dim=-1))
        return cosines * self.log_scale.clamp(max=math.log(100.0)).exp()


@recorded
class GeneralScore(Score):
    """Luong's bilinear (multiplicative) score: e = q^T W k, W learned, one per head.

    Args and `forward`: as for `Score`.

    Luong, Pham and Manning 2015, arXiv:1508.04025, equation 8 ("general").

    >>> GeneralScore(4, 2)(torch.ones(3, 2, 5, 4), torch.ones(3, 2, 6, 4)).shape
    torch.Size([3, 2, 5, 6])
    """

    def __init__(self, dim: int, heads: int = 1):
        super().__init__(dim, heads)
        self.matrix = nn.Parameter(torch.randn(heads, dim, dim) / dim)  # scores of variance one at the start

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        return super().forward(queries @ self.matrix, keys)


@recorded
class AdditiveScore(Score):
    """Bahdanau's additive score: e = v^T tanh(q + k), v learned, one per head.

    With q = W s and k = U h, the projections of `Attention`, it is e = v^T tanh(W s + U h). All pairs of queries and keys
    have d numbers each in memory.

    Args and `forward`: as for `Score`.

    Bahdanau, Cho and Bengio 2014, arXiv:1409.0473, appendix A.1.2.

    >>> AdditiveScore(4, 2)(torch.ones(3, 2, 5, 4), torch.ones(3, 2, 6, 4)).shape
    torch.Size([3, 2, 5, 6])
    """

    def __init__(self, dim: int, heads: int = 1):
        super().__init__(dim, heads)
        self.vector = nn.Parameter(torch.randn(heads, dim, 1) / math.sqrt(dim))

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        hidden = torch.tanh(queries.unsqueeze(-2) + keys.unsqueeze(-3))
        return (hidden @ self.vector.unsqueeze(-3)).squeeze(-1)


SCORES: dict[str, type[Score]] = {
    "scaled-dot": ScaledDotScore,
    "dot": DotScore,
    "cosine": CosineScore,
    "general": GeneralScore,
    "additive": AdditiveScore,
}


def score_named(name: str, dim: int, heads: int = 1) -> Score:
    """Return a new score by its name.

    Raises:
        OptionError: no such score.

    >>> score_named("additive", 4)
    AdditiveScore(dim=4, heads=1)
    """
    if name not in SCORES:
        raise OptionError(
            "there is no such attention score", expected=", ".join(get_args(ScoreName)), received=name
        )
    return SCORES[name](dim, heads)


def weights_of(scores: Tensor, allowed: Tensor | None) -> Tensor:
    """Return softmax over the last axis of scores; where nothing is allowed the weights are zero, not NaN.

    Args:
        scores: `(..., source)`.
        allowed: bool, True at keys that may be looked at; broadcasts to the scores. None for all.

    >>> weights_of(torch.zeros(2, 2), torch.tensor([[True, True], [False, False]])).tolist()
    [[0.5, 0.5], [0.0, 0.0]]
    """
    if allowed is None:
        return scores.softmax(dim=-1)
    # A finite floor, not -inf: the softmax of a row of -inf is NaN, and so is its gradient.
    floored = scores.masked_fill(~allowed, torch.finfo(scores.dtype).min)
    return floored.softmax(dim=-1) * allowed
