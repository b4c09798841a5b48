"""The key-value cache: what was read comes back, and nothing more fits than was asked for."""

from __future__ import annotations

import pytest
import torch

from neurarium.core.errors import OptionError, ShapeError
from neurarium.layers.key_value_cache import KeyValueCache


def filled(*pieces, batch=2, length=8):
    cache = KeyValueCache(batch, length)
    parts = [torch.randn(batch, 3, piece, 4) for piece in pieces]
    for part in parts:
        found = cache.append(part, -part)
    return cache, torch.cat(parts, dim=2), found


def test_all_positions_come_back_in_order():
    cache, whole, (keys, values) = filled(3, 1, 2)
    assert torch.equal(keys, whole) and torch.equal(values, -whole) and cache.filled == 6
    assert cache.keys.dtype == torch.float32 and cache.keys.shape[2] == 8


def test_rows_are_taken_as_a_beam_search_needs_them():
    cache, whole, _ = filled(3)
    cache.take(torch.tensor([1, 1, 0]))
    more = torch.zeros(3, 3, 1, 4)
    keys, _ = cache.append(more, more)
    assert torch.equal(keys[:, :, :3], whole[[1, 1, 0]]) and cache.batch == 3


def test_a_full_cache_and_another_batch_are_refused():
    cache, _, _ = filled(8)
    with pytest.raises(ShapeError, match="no place"):
        cache.append(torch.zeros(2, 3, 1, 4), torch.zeros(2, 3, 1, 4))
    cache, _, _ = filled(1)
    with pytest.raises(ShapeError, match="2 texts, 7 more"):
        cache.append(torch.zeros(1, 3, 1, 4), torch.zeros(1, 3, 1, 4))
    with pytest.raises(OptionError, match="too little"):
        KeyValueCache(0, 4)


def test_no_gradient_is_held():
    cache = KeyValueCache(1, 2)
    part = torch.randn(1, 1, 1, 2, requires_grad=True)
    keys, _ = cache.append(part * 2, part)
    assert not keys.requires_grad
