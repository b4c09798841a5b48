"""Attention masks: what several marks allow together."""

from __future__ import annotations

import itertools

import torch

from neurarium.layers.attention_masks import allowed_pairs, near, open_blind_rows


def test_marks_are_joined_pair_by_pair():
    query, key = torch.zeros(2, 3, 4, 8), torch.zeros(2, 3, 6, 8)
    padding = torch.tensor([[True] * 6, [True, False] * 3])
    found = allowed_pairs(query, key, None, padding, causal=True, window=3, start=2).expand(2, 1, 4, 6)
    for text, place, seen in itertools.product(range(2), range(4), range(6)):
        back = place + 2 - seen
        assert found[text, 0, place, seen].item() == (0 <= back < 3 and bool(padding[text, seen]))


def test_float_masks_stay_float_and_hide_with_minus_infinity():
    query = torch.zeros(1, 1, 2, 4, dtype=torch.float64)
    found = allowed_pairs(query, query, torch.full((2, 2), 0.5), causal=True)
    assert found.dtype == torch.float64
    assert found[0, 0].tolist() == [[0.5, -torch.inf], [0.5, 0.5]]


def test_a_window_without_causality_looks_both_ways():
    assert near(4, 4, False, 2).int().tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]


def test_blind_rows_are_found_and_opened():
    allowed, blind = open_blind_rows(torch.tensor([[True, False], [False, False]]))
    assert allowed.all(dim=1).tolist() == [False, True] and blind[:, 0].tolist() == [False, True]
