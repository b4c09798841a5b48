"""Attention against torch's own, its masks, and its weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurarium.core.errors import OptionError, RefusalError, ShapeError
from neurarium.layers.attention import Attention
from neurarium.layers.key_value_cache import KeyValueCache


def pair(dim=8, heads=2, source=None):
    """Return our attention and torch's with the same weights, in float64."""
    torch.manual_seed(0)
    ours = Attention(dim, heads, source_dim=source).double()
    theirs = nn.MultiheadAttention(dim, heads, batch_first=True, kdim=source, vdim=source).double()
    with torch.no_grad():
        for name, module in (("q", ours.query), ("k", ours.key), ("v", ours.value)):
            if source is not None:
                getattr(theirs, f"{name}_proj_weight").copy_(module.weight)
        if source is None:
            theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]))
        theirs.out_proj.weight.copy_(ours.out.weight)
        theirs.out_proj.bias.copy_(ours.out.bias)
    return ours, theirs


@pytest.mark.parametrize("source", [None, 6])
def test_forward_weights_and_gradient_are_those_of_torch(source):
    ours, theirs = pair(source=source)
    queries = torch.randn(3, 4, 8, dtype=torch.float64, requires_grad=True)
    keys = queries if source is None else torch.randn(3, 5, 6, dtype=torch.float64)
    padding = torch.ones(keys.shape[:2], dtype=torch.bool)
    padding[0, 2:] = False
    expected, weights = theirs(queries, keys, keys, key_padding_mask=~padding, average_attn_weights=False)
    found = ours(queries, keys, padding=padding)
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=1e-10)
    torch.testing.assert_close(ours.weights(queries, keys, padding=padding), weights, atol=1e-10, rtol=1e-10)
    gradients = [torch.autograd.grad(each.square().sum(), queries)[0] for each in (found, expected)]
    torch.testing.assert_close(*gradients, atol=1e-10, rtol=1e-10)


def test_causal_hides_what_comes_later():
    layer = Attention(8, 2).eval()
    inputs = torch.randn(1, 5, 8)
    changed = inputs.clone()
    changed[:, 3:] += 1
    before, after = layer(inputs, causal=True), layer(changed, causal=True)
    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert (before[:, 3:] - after[:, 3:]).abs().max() > 1e-3
    assert layer.weights(inputs, causal=True)[0, 0].triu(1).abs().max() == 0


@pytest.mark.parametrize("shape", [(4, 4), (3, 4, 4), (3, 2, 4, 4)])
def test_bool_and_float_masks_say_the_same(shape):
    torch.manual_seed(0)
    layer = Attention(8, 2).eval()
    inputs = torch.randn(3, 4, 8)
    mask = torch.rand(shape) > 0.4
    mask[..., 0] = True
    added = torch.zeros(shape).masked_fill(~mask, -torch.inf)
    torch.testing.assert_close(layer(inputs, mask=mask), layer(inputs, mask=added))
    weights = layer.weights(inputs, mask=mask)
    torch.testing.assert_close(weights, layer.weights(inputs, mask=added))
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 2, 4))
    joined = layer(inputs, mask=added, padding=torch.tensor([[True, True, True, False]] * 3), causal=True)
    torch.testing.assert_close(
        joined, layer(inputs, mask=mask, padding=torch.tensor([[True, True, True, False]] * 3), causal=True)
    )


@pytest.mark.parametrize("kind", ["bool", "float", "padding"])
def test_a_query_that_may_look_nowhere_gives_zero_and_a_finite_gradient(kind):
    layer = Attention(8, 2)
    inputs = torch.randn(2, 3, 8, requires_grad=True)
    mask = torch.ones(3, 3, dtype=torch.bool)
    mask[1] = False
    marks = {
        "bool": {"mask": mask},
        "float": {"mask": torch.zeros(3, 3).masked_fill(~mask, -torch.inf)},
        "padding": {"padding": torch.tensor([[True, True, True], [False, False, False]])},
    }[kind]
    outputs = layer(inputs, **marks)
    blind = outputs[1] if kind == "padding" else outputs[:, 1]
    assert blind.abs().max() == 0
    assert outputs[0, 0].abs().max() > 0
    outputs.sum().backward()
    assert torch.isfinite(inputs.grad).all()
    weights = layer.weights(inputs, **marks)
    assert torch.isfinite(weights).all()
    assert (weights[1] if kind == "padding" else weights[:, :, 1]).abs().max() == 0


def test_one_blind_head_leaves_the_others_their_say():
    layer = Attention(8, 2).eval()
    inputs = torch.randn(1, 3, 8)
    mask = torch.ones(1, 2, 3, 3, dtype=torch.bool)
    mask[0, 0] = False
    found = layer(inputs, mask=mask)
    heads = layer.weights(inputs, mask=mask)[0, 1] @ layer.value(inputs)[0, :, 4:]
    expected = heads @ layer.out.weight[:, 4:].T + layer.out.bias
    torch.testing.assert_close(found[0], expected, atol=1e-5, rtol=1e-5)


def test_a_replaced_projection_is_really_called():
    layer = Attention(8, 2).eval()
    inputs = torch.randn(2, 3, 8)
    for name in ("query", "key", "value", "out"):
        before, original = layer(inputs), getattr(layer, name)
        setattr(layer, name, nn.Linear(8, 8))
        assert (layer(inputs) - before).abs().max() > 1e-3
        setattr(layer, name, original)


def test_dropout_acts_in_training_alone():
    torch.manual_seed(0)
    layer, inputs = Attention(8, 2, dropout=0.5), torch.randn(2, 6, 8)
    assert not torch.equal(layer(inputs), layer(inputs))
    layer.eval()
    assert torch.equal(layer(inputs), layer(inputs))


def test_mistakes_are_named():
    with pytest.raises(OptionError, match="do not divide"):
        Attention(8, 3)
    layer, inputs = Attention(8, 2), torch.randn(2, 3, 8)
    with pytest.raises(ShapeError, match="wrong shape"):
        layer(inputs, mask=torch.ones(3, dtype=torch.bool))
    with pytest.raises(ShapeError, match="not bool"):
        layer(inputs, padding=torch.ones(2, 3))


def test_grouped_queries_are_heads_that_share_keys():
    torch.manual_seed(0)
    grouped, full = Attention(12, 6, key_heads=2).double(), Attention(12, 6).double()
    with torch.no_grad():
        full.load_state_dict(
            grouped.state_dict()
            | {
                f"{name}.{part}": getattr(getattr(grouped, name), part)
                .unflatten(0, (2, 2))
                .repeat_interleave(3, dim=0)
                .flatten(0, 1)
                for name in ("key", "value")
                for part in ("weight", "bias")
            }
        )
    inputs = torch.randn(2, 5, 12, dtype=torch.float64)
    padding = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    for marks in ({}, {"causal": True}, {"padding": padding}):
        torch.testing.assert_close(grouped(inputs, **marks), full(inputs, **marks))
        torch.testing.assert_close(grouped.weights(inputs, **marks), full.weights(inputs, **marks))
    assert grouped.key.weight.numel() == full.key.weight.numel() // 3


@pytest.mark.parametrize("causal", [True, False])
def test_a_window_hides_what_is_far(causal):
    torch.manual_seed(0)
    local, full = Attention(8, 2, window=3).double(), Attention(8, 2).double()
    full.load_state_dict(local.state_dict())
    inputs = torch.randn(2, 9, 8, dtype=torch.float64)
    back = torch.arange(9)[:, None] - torch.arange(9)
    near = (back >= 0) & (back < 3) if causal else back.abs() < 3
    torch.testing.assert_close(local(inputs, causal=causal), full(inputs, mask=near))
    torch.testing.assert_close(local.weights(inputs, causal=causal), full.weights(inputs, mask=near))
    changed = inputs.clone()
    changed[:, 0] += 1
    moved = (local(changed, causal=causal) - local(inputs, causal=causal)).abs().amax(dim=(0, 2))
    assert (moved[:3] > 1e-6).all() and moved[3:].max() == 0


@pytest.mark.parametrize("options", [{}, {"key_heads": 2}, {"rotary": True}, {"window": 3, "rotary": True}])
@pytest.mark.parametrize("pieces", [(1,) * 9, (4, 1, 4), (9,), (2, 3, 4)])
def test_a_cache_gives_what_the_whole_gives(options, pieces):
    torch.manual_seed(0)
    layer = Attention(16, 4, **options).double()
    inputs = torch.randn(3, 9, 16, dtype=torch.float64)
    cache = KeyValueCache(3, 12)
    found = torch.cat([layer(piece, cache=cache) for piece in inputs.split(pieces, dim=1)], dim=1)
    torch.testing.assert_close(found, layer(inputs, causal=True), atol=1e-9, rtol=1e-9)
    assert cache.filled == 9 and cache.keys.shape == (3, options.get("key_heads", 4), 12, 4)


def test_heads_may_be_wider_than_their_share():
    layer = Attention(8, 2, head_dim=6)
    assert layer.query.out_features == 12 and layer.out.in_features == 12
    assert layer(torch.randn(1, 3, 8)).shape == (1, 3, 8)


def test_mistakes_of_the_newer_options_are_named():
    with pytest.raises(OptionError, match="key heads do not divide"):
        Attention(8, 4, key_heads=3)
    with pytest.raises(OptionError, match="window"):
        Attention(8, 4, window=0)
    words = torch.randn(1, 3, 8)
    with pytest.raises(RefusalError, match="self-attention"):
        Attention(8, 4)(words, words, cache=KeyValueCache(1, 3))
