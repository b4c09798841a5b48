"""Attention: each query's weighted mean of values, built from submodules that are really called.

`nn.MultiheadAttention` passes its weights to a fused function: a quantizer, an adapter or an explainer that replaces its
`out_proj` changes nothing, without an error. Here every projection is a module that `forward` calls.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError, ShapeError
from neurarium.core.recipe import recorded
from neurarium.layers.positions import Rotary


@recorded
class Attention(nn.Module):
    """Multi-head scaled dot-product attention.

    head_h = softmax(Q_h K_h^T / sqrt(d) + mask) V_h with Q = W_q x, K = W_k y, V = W_v z; out = W_o [head_1 ..] + b_o

    Args:
        dim: numbers per position, of queries and of the result.
        heads: how many; divides `dim`.
        dropout: the probability that a weight is set to zero in training.
        bias: whether the four projections have biases.
        source_dim: numbers per position of keys and values; `dim` when left out.
        rotary: whether queries and keys are turned by their position (see `Rotary`); self-attention alone.

    A second derivative (a gradient penalty, MAML) needs `torch.nn.attention.sdpa_kernel(SDPBackend.MATH)` about the call:
    the fused kernels have none. Whoever takes the second derivative sets it; the layer stays fast for all others.

    Raises:
        OptionError: heads that do not divide dim.

    Vaswani et al. 2017, arXiv:1706.03762, eq. 1 and section 3.2.2.

    >>> attend = Attention(8, 2)
    >>> words = torch.randn(3, 5, 8)
    >>> attend(words).shape, attend.weights(words).shape
    (torch.Size([3, 5, 8]), torch.Size([3, 2, 5, 5]))
    """

    def __init__(
        self,
        dim: int,
        heads: int = 8,
        dropout: float = 0.0,
        bias: bool = True,
        source_dim: int | None = None,
        rotary: bool = False,
    ):
        super().__init__()
        if heads < 1 or dim % heads:
            raise OptionError(
                "the heads do not divide the width", expected=f"a divisor of {dim}", received=heads
            )
        self.heads = heads
        self.query = nn.Linear(dim, dim, bias=bias)
        self.key = nn.Linear(source_dim or dim, dim, bias=bias)
        self.value = nn.Linear(source_dim or dim, dim, bias=bias)
        self.out = nn.Linear(dim, dim, bias=bias)
        # A module, so that whoever keeps dropout alive in prediction (Monte Carlo dropout) finds it.
        self.dropout = nn.Dropout(dropout)
        self.rotate = Rotary(dim // heads) if rotary else nn.Identity()

    def forward(
        self,
        queries: Tensor,
        keys: Tensor | None = None,
        values: Tensor | None = None,
        *,
        mask: Tensor | None = None,
        padding: Tensor | None = None,
        causal: bool = False,
    ) -> Tensor:
        """Attend.

        Args:
            queries: `(batch, length, dim)`.
            keys: `(batch, source, source_dim)`; the queries when left out (self-attention).
            values: as the keys; the keys when left out.
            mask: bool, True where a query may look, `(length, source)`, `(batch, length, source)` or
                `(batch, heads, length, source)`; or float of these shapes, added to the scores.
            padding: bool `(batch, source)`, True at real positions.
            causal: let position i see positions up to i alone.

        Returns:
            `(batch, length, dim)`. A query that may look nowhere gets zeros.

        Raises:
            ShapeError: a mask of another number of axes, or padding that is not bool.
        """
        query, key, value = self._project(queries, keys, values)
        rate = self.dropout.p if self.dropout.training else 0.0
        if mask is None and padding is None:
            mixed = functional.scaled_dot_product_attention(
                query, key, value, dropout_p=rate, is_causal=causal
            )
            return self.out(_joined(mixed))
        allowed, blind = _open_blind_rows(_allowed(mask, padding, causal, query, key))
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=allowed, dropout_p=rate)
        outputs = self.out(_joined(mixed.masked_fill(blind, 0.0)))
        # Zero with the output's bias too: a position that saw nothing in any head says nothing.
        return outputs.masked_fill(blind.all(dim=1), 0.0)

    def weights(
        self,
        queries: Tensor,
        keys: Tensor | None = None,
        *,
        mask: Tensor | None = None,
        padding: Tensor | None = None,
        causal: bool = False,
    ) -> Tensor:
        """Return the attention weights `(batch, heads, length, source)`, without dropout; arguments as for `forward`.

        Rows sum to one; that of a query that may look nowhere is zero.
        """
        query, key, _ = self._project(queries, keys, None)
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        if mask is None and padding is None and not causal:
            return scores.softmax(dim=-1)
        allowed, blind = _open_blind_rows(_allowed(mask, padding, causal, query, key))
        if allowed.dtype == torch.bool:
            scores = scores.masked_fill(~allowed, -math.inf)
        else:
            scores = scores + allowed
        return scores.softmax(dim=-1).masked_fill(blind, 0.0)

    def _project(
        self, queries: Tensor, keys: Tensor | None, values: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        keys = queries if keys is None else keys
        values = keys if values is None else values
        query, key = self.rotate(self._split(self.query(queries))), self.rotate(self._split(self.key(keys)))
        return query, key, self._split(self.value(values))

    def _split(self, projected: Tensor) -> Tensor:
        return projected.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def extra_repr(self) -> str:
        return f"heads={self.heads}"


def _joined(heads: Tensor) -> Tensor:
    return heads.transpose(1, 2).flatten(2)


def _allowed(mask: Tensor | None, padding: Tensor | None, causal: bool, query: Tensor, key: Tensor) -> Tensor:
    """Return one mask `(batch or 1, heads or 1, length, source)` of all that is given."""
    allowed = (
        torch.ones(1, 1, 1, 1, dtype=torch.bool, device=query.device) if mask is None else _four_axes(mask)
    )
    marks = []
    if padding is not None:
        if padding.dtype != torch.bool:
            raise ShapeError(
                "padding is not bool", expected="bool, True at real positions", received=padding.dtype
            )
        marks.append(padding[:, None, None, :])
    if causal:
        marks.append(torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool, device=query.device).tril())
    for each in marks:
        allowed = allowed & each if allowed.dtype == torch.bool else allowed.masked_fill(~each, -math.inf)
    return allowed if allowed.dtype == torch.bool else allowed.to(query.dtype)


def _four_axes(mask: Tensor) -> Tensor:
    if mask.ndim == 2:
        return mask[None, None]
    if mask.ndim == 3:
        return mask[:, None]
    if mask.ndim == 4:
        return mask
    raise ShapeError(
        "the attention mask has a wrong shape",
        expected="(length, source), (batch, length, source) or (batch, heads, length, source)",
        received=tuple(mask.shape),
    )


def _open_blind_rows(allowed: Tensor) -> tuple[Tensor, Tensor]:
    """Let queries that may look nowhere look everywhere (their result is zeroed afterwards: no NaN arises).

    Returns:
        The mask, and which rows were blind, `(batch or 1, heads or 1, length or 1, 1)`.
    """
    seen = allowed if allowed.dtype == torch.bool else allowed > -math.inf
    blind = ~seen.any(dim=-1, keepdim=True)
    return (allowed | blind if allowed.dtype == torch.bool else allowed.masked_fill(blind, 0.0)), blind
