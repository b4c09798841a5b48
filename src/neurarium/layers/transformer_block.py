"""The block of a transformer: attention and a feed-forward layer, each a residual branch with a norm."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from neurarium.core.errors import OptionError
from neurarium.core.recipe import recorded
from neurarium.layers.attention import Attention
from neurarium.layers.attention_scores import ScoreName
from neurarium.layers.dropout import Dropout
from neurarium.layers.feed_forward import FeedForward
from neurarium.layers.key_value_cache import KeyValueCache
from neurarium.layers.rms_norm import norm as norm_named

Order = Literal["pre", "post"]
Norm = Literal["layer", "rms"]


@recorded
class TransformerBlock(nn.Module):
    """Attention, then a feed-forward layer, each with a skip connection and a norm.

    pre-norm: x = x + Attention(N(x)), x = x + F(N(x)); post-norm: x = N(x + Attention(x)), x = N(x + F(x))

    Args:
        width: numbers per position.
        heads: of the attention.
        inner: numbers in between of the feed-forward layer.
        activation: of the feed-forward layer, see `FeedForward`.
        dropout: on attention weights, inner numbers and branches.
        inner_dropout: on inner numbers; as `dropout` when left out.
        normalization: "pre" or "post".
        norm: "layer" or "rms".
        epsilon: of the norms; their own when left out.
        bias: whether projections and layer norms have biases.
        rotary, rotary_base, rotary_scaling, key_heads, window, head_dim, score: of the attention, see `Attention`.
        causal: whether position i sees positions up to i alone.

    `forward`: `(batch, length, width)` -> the same shape; `mask`, `padding` and `cache` as of `Attention`.

    Raises:
        OptionError: unknown options, or sizes that do not fit.

    Vaswani et al. 2017, arXiv:1706.03762; Xiong et al. 2020, arXiv:2002.04745 (pre-norm).

    >>> import torch
    >>> TransformerBlock(8, 2, 16, causal=True)(torch.zeros(2, 3, 8)).shape
    torch.Size([2, 3, 8])
    """

    def __init__(
        self,
        width: int,
        heads: int,
        inner: int,
        activation: str = "gelu",
        dropout: float = 0.0,
        normalization: Order = "pre",
        norm: Norm = "layer",
        epsilon: float | None = None,
        bias: bool = True,
        rotary: bool = False,
        rotary_base: float = 10_000.0,
        rotary_scaling: tuple[float, ...] | None = None,
        key_heads: int | None = None,
        window: int | None = None,
        head_dim: int | None = None,
        causal: bool = False,
        inner_dropout: float | None = None,
        score: ScoreName = "scaled-dot",
    ):
        super().__init__()
        if normalization not in ("pre", "post"):
            raise OptionError(
                "there is no such normalization", expected="pre or post", received=normalization
            )
        self.before, self.causal = normalization == "pre", causal
        self.normalize_attention = norm_named(norm, width, epsilon, bias)
        self.attention = Attention(
            width, heads, dropout, bias, rotary=rotary, key_heads=key_heads, window=window, head_dim=head_dim,
            rotary_base=rotary_base, rotary_scaling=rotary_scaling, score=score,
        )  # fmt: skip
        self.normalize = norm_named(norm, width, epsilon, bias)
        inside = dropout if inner_dropout is None else inner_dropout
        self.feed_forward = FeedForward(width, inner, activation, bias, inside)
        self.dropouts = nn.ModuleList(Dropout(dropout) if dropout else nn.Identity() for _ in range(2))

    def forward(
        self,
        tokens: Tensor,
        *,
        mask: Tensor | None = None,
        padding: Tensor | None = None,
        cache: KeyValueCache | None = None,
    ) -> Tensor:
        where = {"mask": mask, "padding": padding, "causal": self.causal, "cache": cache}
        if self.before:
            tokens = tokens + self.dropouts[0](self.attention(self.normalize_attention(tokens), **where))
            return tokens + self.dropouts[1](self.feed_forward(self.normalize(tokens)))
        tokens = self.normalize_attention(tokens + self.dropouts[0](self.attention(tokens, **where)))
        return self.normalize(tokens + self.dropouts[1](self.feed_forward(tokens)))

    def weights(self, tokens: Tensor, *, mask: Tensor | None = None, padding: Tensor | None = None) -> Tensor:
        """Return the attention weights `(batch, heads, queries, keys)`."""
        asking = self.normalize_attention(tokens) if self.before else tokens
        return self.attention.weights(asking, mask=mask, padding=padding, causal=self.causal)
