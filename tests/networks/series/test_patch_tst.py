"""PatchTST against an independent computation, channel by channel and head by head."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.networks import PatchTST


def recomputed(network: PatchTST, window: torch.Tensor) -> torch.Tensor:
    """One channel `(steps,)` of one window by loops over patches and heads, in eval mode."""
    mean, scale = window.mean(), (window.var(correction=0) + 1e-5).sqrt()
    normal = (window - mean) / scale
    padded = torch.cat([normal, normal[-1:].expand(network.stride)])
    count = (len(padded) - network.patch) // network.stride + 1
    patches = [padded[n * network.stride : n * network.stride + network.patch] for n in range(count)]
    tokens = torch.stack([network.enter(patch) for patch in patches]) + network.positions
    previous = None
    for block in network.blocks:
        query, key, value = block.query(tokens), block.key(tokens), block.value(tokens)
        size, mixed, scores = query.shape[1] // block.heads, [], []
        for head in range(block.heads):
            part = slice(head * size, (head + 1) * size)
            found = query[:, part] @ key[:, part].T / math.sqrt(size)
            if previous is not None:
                found = found + previous[head]
            scores.append(found)
            mixed.append(found.softmax(dim=1) @ value[:, part])
        previous = scores
        tokens = batch_norm(block.norms[0], tokens + block.out(torch.cat(mixed, dim=1)))
        inside = block.fall(functional.gelu(block.rise(tokens)))
        tokens = batch_norm(block.norms[1], tokens + inside)
    return network.head(tokens.T.flatten()) * scale + mean


def batch_norm(norm, tokens):
    return (tokens - norm.running_mean) / (norm.running_var + norm.eps).sqrt() * norm.weight + norm.bias


def test_it_equals_the_independent_computation():
    torch.manual_seed(0)
    network = PatchTST(2, 24, 5, patch=6, stride=3, width=8, heads=2, blocks=2, inner=12).double()
    x = torch.randn(3, 24, 2).double()
    for _ in range(3):  # running statistics that are not those of the start
        network({"series": torch.randn(8, 24, 2).double()})
    network.eval()
    outputs = network({"series": x})
    for row in range(3):
        for channel in range(2):
            torch.testing.assert_close(outputs[row, :, channel], recomputed(network, x[row, :, channel]))


def test_the_published_configuration_has_42_patches():
    network = PatchTST(7, 336, 96)
    assert network.positions.shape == (42, 16)
    assert network.head.in_features == 42 * 16


def test_channels_do_not_meet():
    torch.manual_seed(0)
    network, x = PatchTST(2, 24, 5).eval(), torch.randn(3, 24, 2)
    changed = x.clone()
    changed[..., 0] += torch.randn(3, 24)
    assert torch.allclose(network({"series": x})[..., 1], network({"series": changed})[..., 1], atol=1e-6)
    with pytest.raises(OptionError, match="do not go together"):
        PatchTST(2, 24, 5, width=10, heads=4)


def test_what_attention_says_is_dropped_out_twice_as_in_the_authors_program():
    network = PatchTST(2, 64, 5, blocks=1, dropout=0.5)
    heard = {}
    for number, each in enumerate(network.blocks[0].dropouts):
        each.register_forward_hook(lambda module, given, found, number=number: heard.update({number: found}))
    network({"series": torch.randn(64, 64, 2)})
    shares = [float((heard[number] == 0).double().mean()) for number in range(4)]
    assert shares == pytest.approx([0.5, 0.75, 0.5, 0.5], abs=0.02)
