"""Attention masks: what is given as mask, padding, causality and window, as one mask of the scores."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neurarium.core.errors import ShapeError


def allowed_pairs(
    query: Tensor,
    key: Tensor,
    mask: Tensor | None = None,
    padding: Tensor | None = None,
    causal: bool = False,
    window: int | None = None,
    start: int = 0,
) -> Tensor:
    """Return one mask of all that is given: which query may look at which key.

    Args:
        query, key: `(batch, heads, length, dim)` and `(batch, heads, source, dim)`; their sizes alone are read.
        mask: bool, True where a query may look, or float, added to the scores: `(length, source)`, `(batch, length,
            source)` or `(batch, heads, length, source)`.
        padding: bool `(batch, source)`, True at real positions.
        causal: position i sees positions up to i alone.
        window: position i sees positions nearer than this alone: |i - j| < window.
        start: the position of the first query; keys start at 0.

    Returns:
        `(batch or 1, heads or 1, length or 1, source or 1)`, bool or float as the mask.

    Raises:
        ShapeError: a mask of another number of axes, or padding that is not bool.

    >>> query = torch.zeros(1, 1, 3, 2)
    >>> allowed_pairs(query, query, causal=True, window=2)[0, 0].int().tolist()
    [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    """
    device = query.device
    allowed = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=device) if mask is None else _four_axes(mask)
    marks = []
    if padding is not None:
        if padding.dtype != torch.bool:
            raise ShapeError(
                "padding is not bool", expected="bool, True at real positions", received=padding.dtype
            )
        marks.append(padding[:, None, None, :])
    if causal or window is not None:
        marks.append(near(query.shape[-2], key.shape[-2], causal, window, start, device))
    for each in marks:
        allowed = allowed & each if allowed.dtype == torch.bool else allowed.masked_fill(~each, -math.inf)
    return allowed if allowed.dtype == torch.bool else allowed.to(query.dtype)


def near(
    length: int,
    source: int,
    causal: bool,
    window: int | None,
    start: int = 0,
    device: torch.device | None = None,
) -> Tensor:
    """Return which of `source` positions each of `length` positions from `start` on sees, `(length, source)` bool.

    >>> near(2, 4, True, None, start=2).int().tolist()
    [[1, 1, 1, 0], [1, 1, 1, 1]]
    """
    back = torch.arange(start, start + length, device=device)[:, None] - torch.arange(source, device=device)
    if window is None:
        return back >= 0
    return (back >= 0) & (back < window) if causal else back.abs() < window


def open_blind_rows(allowed: Tensor) -> tuple[Tensor, Tensor]:
    """Let queries that may look nowhere look everywhere (their result is zeroed afterwards: no NaN arises).

    Returns:
        The mask, and which rows were blind, `(batch or 1, heads or 1, length or 1, 1)`.

    >>> open_blind_rows(torch.tensor([[True, False], [False, False]]))[0].tolist()
    [[True, False], [True, True]]
    """
    seen = allowed if allowed.dtype == torch.bool else allowed > -math.inf
    blind = ~seen.any(dim=-1, keepdim=True)
    return (allowed | blind if allowed.dtype == torch.bool else allowed.masked_fill(blind, 0.0)), blind


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
