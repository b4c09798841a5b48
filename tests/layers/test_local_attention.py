"""Local attention in chunks beside the mask of all pairs, with every mark; no mask of all pairs is made."""

from __future__ import annotations

import hypothesis
import pytest
import torch
from hypothesis import strategies
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from neurarium.layers.attention import Attention
from neurarium.layers.attention_masks import near
from neurarium.layers.local_attention import attend_locally


@hypothesis.given(
    length=strategies.integers(1, 17), window=strategies.integers(1, 9), causal=strategies.booleans(),
    heads=strategies.sampled_from([(2, 2), (4, 2), (4, 1)]), padded=strategies.booleans(),
)  # fmt: skip
@hypothesis.settings(max_examples=60)
def test_chunks_give_what_the_mask_gives(length, window, causal, heads, padded):
    chance = torch.Generator().manual_seed(length)
    query = torch.randn(2, heads[0], length, 4, generator=chance, dtype=torch.float64)
    key, value = torch.randn(2, 2, heads[1], length, 4, generator=chance, dtype=torch.float64)
    padding = torch.rand(2, length, generator=chance) > 0.4 if padded else None
    mask = near(length, length, causal, window).expand(2, 1, -1, -1)
    mask = mask & padding[:, None, None, :] if padded else mask
    found, blind = attend_locally(query, key, value, window, causal=causal, padding=padding)
    assert torch.equal(blind[:, 0, :, 0], ~mask.any(-1)[:, 0])
    expected = scaled_dot_product_attention(
        query, key, value, attn_mask=mask | ~mask.any(-1, keepdim=True), enable_gqa=True
    )
    seen = ~blind.expand_as(found)
    torch.testing.assert_close(found[seen], expected[seen], atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("causal", [True, False])
def test_attention_takes_it_for_long_sequences_and_blind_rows_stay_zero(causal):
    torch.manual_seed(0)
    layer = Attention(8, 2, window=3, key_heads=1).double()
    words = torch.randn(2, 11, 8, dtype=torch.float64, requires_grad=True)
    padding = torch.ones(2, 11, dtype=torch.bool)
    padding[1, 4:] = False
    mask = near(11, 11, causal, 3)
    expected = layer(words, mask=mask, padding=padding)
    found = layer(words, padding=padding, causal=causal)
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=1e-10)
    assert found[1, 8:].abs().max() == 0
    with sdpa_kernel(SDPBackend.MATH):
        first = torch.autograd.grad(
            layer(words, padding=padding, causal=causal).square().sum(), words, create_graph=True
        )[0]
        assert torch.isfinite(torch.autograd.grad(first.square().sum(), words)[0]).all()


def test_no_mask_of_all_pairs_is_made(monkeypatch):
    """Count the largest mask that attention is called with."""
    sizes = []
    real = torch.nn.functional.scaled_dot_product_attention

    def watched(*inputs, attn_mask=None, **options):
        sizes.append(attn_mask.numel())
        return real(*inputs, attn_mask=attn_mask, **options)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", watched)
    Attention(8, 2, window=16)(torch.randn(1, 1024, 8), causal=True)
    assert sizes == [1024 * 2 * 16]
