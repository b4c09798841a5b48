"""Attention: each query's weighted mean of values, built from submodules that are really called.

`nn.MultiheadAttention` passes its weights to a fused function: a quantizer, an adapter or an explainer that replaces its
`out_proj` changes nothing, without an error. Here every projection is a module that `forward` calls.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.recipe import recorded
from neurarium.layers.attention_masks import allowed_pairs, open_blind_rows
from neurarium.layers.attention_scores import ScoreName, score_named
from neurarium.layers.key_value_cache import KeyValueCache
from neurarium.layers.local_attention import attend_locally
from neurarium.layers.positions import Rotary

SHORT = 128  # keys up to which bfloat16 is computed in float32 on a processor


@recorded
class Attention(nn.Module):
    """Multi-head attention, by scaled dot products or another score.

    head_h = softmax(Q_h K_g^T / sqrt(d) + mask) V_g with Q = W_q x, K = W_k y, V = W_v z; out = W_o [head_1 ..] + b_o;
    g is h, or with grouped queries the group of h.

    Args:
        dim: numbers per position, of queries and of the result.
        heads: how many; divides `dim`.
        dropout: the probability that a weight is set to zero in training.
        bias: whether the four projections have biases.
        source_dim: numbers per position of keys and values; `dim` when left out.
        rotary: whether queries and keys are turned by their position (see `Rotary`); self-attention alone.
        key_heads: heads of keys and values, each shared by as many heads of queries (grouped queries; 1: multi-query);
            divides `heads`, which it is when left out.
        window: let position i see positions nearer than this alone (local, or sliding-window attention).
        head_dim: d, numbers per head; `dim / heads` when left out.
        rotary_base, rotary_scaling: of the rotary frequencies, see `Rotary`.
        score: how a query and a key are compared: "scaled-dot" as above, in a fused kernel; or "dot", "cosine", "general"
            or "additive" in its place (see `attention_scores`), whose weights stand in memory.

    A second derivative (a gradient penalty, MAML) needs `torch.nn.attention.sdpa_kernel(SDPBackend.MATH)` about the call:
    the fused kernels have none. Whoever takes the second derivative sets it; the layer stays fast for all others.

    Raises:
        OptionError: heads that do not divide dim, key heads that do not divide the heads, a window of nothing.

    Vaswani et al. 2017, arXiv:1706.03762, eq. 1 and section 3.2.2; Ainslie et al. 2023, arXiv:2305.13245 (grouped queries);
    Beltagy et al. 2020, arXiv:2004.05150, section 3.1 (windows).

    >>> attend = Attention(8, 4, key_heads=2)
    >>> words = torch.randn(3, 5, 8)
    >>> attend(words).shape, attend.weights(words).shape, attend.key.out_features
    (torch.Size([3, 5, 8]), torch.Size([3, 4, 5, 5]), 4)
    """

    def __init__(
        self,
        dim: int,
        heads: int = 8,
        dropout: float = 0.0,
        bias: bool = True,
        source_dim: int | None = None,
        rotary: bool = False,
        key_heads: int | None = None,
        window: int | None = None,
        head_dim: int | None = None,
        rotary_base: float = 10_000.0,
        rotary_scaling: tuple[float, ...] | None = None,
        score: ScoreName = "scaled-dot",
    ):
        super().__init__()
        if heads < 1 or (head_dim is None and dim % heads):
            raise OptionError(
                "the heads do not divide the width", expected=f"a divisor of {dim}", received=heads
            )
        self.heads, self.key_heads, self.window = heads, key_heads or heads, window
        if self.key_heads < 1 or heads % self.key_heads:
            raise OptionError(
                "the key heads do not divide the heads", expected=f"a divisor of {heads}", received=key_heads
            )
        if window is not None and window < 1:
            raise OptionError("a window must hold the position itself", expected="1 or more", received=window)
        each = head_dim or dim // heads
        self.query = nn.Linear(dim, heads * each, bias=bias)
        self.key = nn.Linear(source_dim or dim, self.key_heads * each, bias=bias)
        self.value = nn.Linear(source_dim or dim, self.key_heads * each, bias=bias)
        self.out = nn.Linear(heads * each, dim, bias=bias)
        # A module, so that whoever keeps dropout alive in prediction (Monte Carlo dropout) finds it.
        self.dropout = nn.Dropout(dropout)
        self.rotate = Rotary(each, rotary_base, rotary_scaling) if rotary else None
        self.score = None if score == "scaled-dot" else score_named(score, each, heads)

    def forward(
        self,
        queries: Tensor,
        keys: Tensor | None = None,
        values: Tensor | None = None,
        *,
        mask: Tensor | None = None,
        padding: Tensor | None = None,
        causal: bool = False,
        cache: KeyValueCache | None = None,
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
            cache: what earlier calls have read, of causal self-attention alone: these queries follow it, see it, and are
                added to it. Source is then all positions read so far.

        Returns:
            `(batch, length, dim)`. A query that may look nowhere gets zeros.

        Raises:
            ShapeError: a mask of another number of axes, padding that is not bool, or no place left in the cache.
            RefusalError: a cache with keys of something else.
        """
        start = 0 if cache is None else cache.filled
        query, key, value = self._project(queries, keys, values, start)
        if cache is not None:
            if keys is not None:
                raise RefusalError("a cache is one of self-attention", fix="leave out keys and values")
            key, value = cache.append(key, value)
            causal = queries.shape[1] > 1  # a single last position sees all there is
            near = mask is None and padding is None and not causal and self.window is not None
            if near and key.shape[2] > self.window:  # type: ignore[operator]
                key, value = key[:, :, -self.window :], value[:, :, -self.window :]  # type: ignore[operator]
                start = key.shape[2] - 1
        return self._mixed(query, key, value, mask, padding, causal, start)

    def keys_and_values(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `look` reads of a source `(batch, source, source_dim)`: projected once, looked at many times."""
        return _split(self.key(source), self.key_heads), _split(self.value(source), self.key_heads)

    def look(
        self, queries: Tensor, keys_and_values: tuple[Tensor, Tensor], *, padding: Tensor | None = None
    ) -> Tensor:
        """Attend to keys and values that are projected already; without rotary positions. As `forward` else."""
        query = _split(self.query(queries), self.heads)
        return self._mixed(query, *keys_and_values, None, padding, False, 0)

    def _mixed(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None,
        padding: Tensor | None,
        causal: bool,
        start: int,
    ) -> Tensor:
        if self.score is not None:
            weights, blind = self._softmax(query, key, mask, padding, causal, start)
            value = value.repeat_interleave(self.heads // self.key_heads, dim=1)
            outputs = self.out(_joined(self.dropout(weights) @ value))
            return outputs if blind is None else outputs.masked_fill(blind.all(dim=1), 0.0)
        rate = self.dropout.p if self.dropout.training else 0.0
        grouped = self.key_heads != self.heads
        window = self._window(key)
        if mask is None and padding is None and window is None and not (causal and start):
            mixed = _fused(query, key, value, dropout_p=rate, is_causal=causal, enable_gqa=grouped)
            return self.out(_joined(mixed))
        length = query.shape[-2]
        if window is not None and mask is None and length == key.shape[-2] and length >= 2 * window:
            mixed, blind = attend_locally(
                query, key, value, window, causal=causal, padding=padding, dropout=rate
            )
        else:
            allowed, blind = open_blind_rows(allowed_pairs(query, key, mask, padding, causal, window, start))
            mixed = _fused(query, key, value, attn_mask=allowed, dropout_p=rate, enable_gqa=grouped)
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
        return self._softmax(query, key, mask, padding, causal)[0]

    def _softmax(
        self,
        query: Tensor,
        key: Tensor,
        mask: Tensor | None,
        padding: Tensor | None,
        causal: bool,
        start: int = 0,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the weights, and which rows are blind."""
        key = key.repeat_interleave(self.heads // self.key_heads, dim=1)
        if self.score is None:
            scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        else:
            scores = self.score(query, key)
        window = self._window(key)
        if mask is None and padding is None and window is None and not causal:
            return scores.softmax(dim=-1), None
        allowed, blind = open_blind_rows(allowed_pairs(query, key, mask, padding, causal, window, start))
        if allowed.dtype == torch.bool:
            scores = scores.masked_fill(~allowed, -math.inf)
        else:
            scores = scores + allowed
        return scores.softmax(dim=-1).masked_fill(blind, 0.0), blind

    def _window(self, key: Tensor) -> int | None:
        """Return the window, or None where it hides nothing."""
        return None if self.window is None or self.window >= key.shape[-2] else self.window

    def _project(
        self, queries: Tensor, keys: Tensor | None, values: Tensor | None, start: int = 0
    ) -> tuple[Tensor, Tensor, Tensor]:
        keys = queries if keys is None else keys
        values = keys if values is None else values
        query, key = _split(self.query(queries), self.heads), _split(self.key(keys), self.key_heads)
        if self.rotate is not None:
            query, key = self.rotate(query, start), self.rotate(key, start)
        return query, key, _split(self.value(values), self.key_heads)

    def extra_repr(self) -> str:
        more = "" if self.key_heads == self.heads else f", key_heads={self.key_heads}"
        return f"heads={self.heads}{more}" + ("" if self.window is None else f", window={self.window}")


def _fused(
    query: Tensor, key: Tensor, value: Tensor, *, attn_mask: Tensor | None = None, **more: Any
) -> Tensor:
    """Call the fused kernel; short bfloat16 sequences on a processor in float32.

    There the kernel in bfloat16 takes 3 to 5 times as long (20 positions, forward and backward, measured), because it
    prepares its products anew for each shape.
    """
    if query.dtype != torch.bfloat16 or query.device.type != "cpu" or key.shape[2] > SHORT:
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=attn_mask, **more)
    if attn_mask is not None and attn_mask.dtype != torch.bool:
        attn_mask = attn_mask.float()
    with torch.autocast("cpu", enabled=False):
        mixed = functional.scaled_dot_product_attention(
            query.float(), key.float(), value.float(), attn_mask=attn_mask, **more
        )
    return mixed.to(query.dtype)


def _split(projected: Tensor, heads: int) -> Tensor:
    return projected.unflatten(-1, (heads, -1)).transpose(1, 2)


def _joined(heads: Tensor) -> Tensor:
    return heads.transpose(1, 2).flatten(2)
