"""Local attention in chunks: time and memory grow with length times window, not with the square of the length."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from neurarium.layers.attention_masks import open_blind_rows


def attend_locally(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    window: int,
    *,
    causal: bool,
    padding: Tensor | None = None,
    dropout: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Attend within a window: position i sees j where |i - j| < window, and j <= i where causal.

    The sequence is cut into chunks of the window's length; the queries of a chunk can see only that chunk, the one before
    it and, without causality, the one behind it.

    Args:
        query: `(batch, heads, length, dim)`.
        key, value: `(batch, key_heads, length, dim)`; key heads divide the heads.
        window: positions on each side that are seen, the own one counted.
        causal: whether later positions are hidden.
        padding: bool `(batch, length)`, True at real positions.
        dropout: the probability that a weight is zero.

    Returns:
        The means `(batch, heads, length, dim)`, and where a query saw nothing, `(batch, 1, length, 1)` bool.

    Beltagy et al. 2020, arXiv:2004.05150, section 3.1.

    >>> words = torch.randn(1, 2, 7, 4)
    >>> attend_locally(words, words, words, 2, causal=True)[0].shape
    torch.Size([1, 2, 7, 4])
    """
    batch, _, length, _ = query.shape
    chunks = -(-length // window)
    sides = 2 if causal else 3
    real = torch.ones(1, length, dtype=torch.bool, device=query.device) if padding is None else padding
    behind = chunks * window - length
    real = _chunked(functional.pad(real, (0, behind))[:, None, :, None], window, sides)[:, 0, ..., 0]
    place = torch.arange(window, device=query.device)
    back = place[:, None] + window - torch.arange(sides * window, device=query.device)
    near = (back >= 0) & (back < window) if causal else back.abs() < window
    allowed, blind = open_blind_rows((near & real[:, :, None]).flatten(0, 1)[:, None])
    if padding is None:
        allowed, blind = (each.repeat(batch, 1, 1, 1) for each in (allowed, blind))
    rows = functional.pad(query, (0, 0, 0, behind)).unflatten(2, (chunks, window))
    keys, values = (
        _chunked(functional.pad(each, (0, 0, 0, behind)), window, sides).transpose(1, 2).flatten(0, 1)
        for each in (key, value)
    )
    mixed = functional.scaled_dot_product_attention(
        rows.transpose(1, 2).flatten(0, 1), keys, values, attn_mask=allowed, dropout_p=dropout,
        enable_gqa=key.shape[1] != query.shape[1],
    )  # fmt: skip
    mixed = mixed.unflatten(0, (batch, chunks)).transpose(1, 2).flatten(2, 3)[:, :, :length]
    return mixed, blind.unflatten(0, (batch, chunks)).transpose(1, 2).flatten(2, 3)[:, :, :length]


def _chunked(sequence: Tensor, window: int, sides: int) -> Tensor:
    """Return each chunk with its neighbours: `(batch, heads, length, dim)` -> `(batch, heads, chunks, sides * window, dim)`."""
    framed = functional.pad(sequence, (0, 0, window, window if sides == 3 else 0)).unflatten(2, (-1, window))
    count = framed.shape[2] - sides + 1
    return torch.cat([framed[:, :, side : side + count] for side in range(sides)], dim=3)
