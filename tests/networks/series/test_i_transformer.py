"""iTransformer: channels are tokens; against an independent computation, and without an order of channels."""

from __future__ import annotations

import torch
from torch.nn import functional

from neurarium.networks import ITransformer


def test_it_equals_the_independent_computation():
    torch.manual_seed(0)
    network = ITransformer(3, 12, 4, width=8, heads=1, blocks=1, normalization="none").double().eval()
    x = torch.randn(2, 12, 3).double()
    tokens = x.transpose(1, 2) @ network.enter.weight.T + network.enter.bias
    block, attend = network.blocks[0], network.blocks[0].attention
    query, key, value = attend.query(tokens), attend.key(tokens), attend.value(tokens)
    mixed = attend.out((query @ key.transpose(1, 2) / 8**0.5).softmax(dim=-1) @ value)
    tokens = functional.layer_norm(tokens + mixed, (8,))
    tokens = functional.layer_norm(tokens + block.feed_forward(tokens), (8,))
    wanted = (functional.layer_norm(tokens, (8,)) @ network.head.weight.T + network.head.bias).transpose(1, 2)
    torch.testing.assert_close(network({"series": x}), wanted)


def test_channels_have_no_order_and_meet():
    torch.manual_seed(0)
    network, x = ITransformer(3, 12, 4, width=8, heads=2).eval(), torch.randn(2, 12, 3)
    outputs = network({"series": x})
    turned = network({"series": x[..., [2, 0, 1]]})
    torch.testing.assert_close(turned, outputs[..., [2, 0, 1]], atol=1e-5, rtol=1e-5)
    changed = x.clone()
    changed[..., 0] += torch.randn(2, 12)
    assert (network({"series": changed}) - outputs)[..., 1].abs().min() > 1e-6


def test_tokens_are_dropped_out_as_they_enter_as_in_the_authors_program():
    torch.manual_seed(0)
    network, heard = ITransformer(50, 12, 4, width=64, heads=2, blocks=1, dropout=0.5), []
    network.blocks[0].register_forward_pre_hook(lambda module, given: heard.append(given[0]))
    network({"series": torch.randn(4, 12, 50)})
    assert abs(float((heard[0] == 0).double().mean()) - 0.5) < 0.02
    network.eval()({"series": torch.randn(4, 12, 50)})
    assert float((heard[1] == 0).double().mean()) < 0.01


def test_attention_is_what_the_blocks_look_at():
    torch.manual_seed(0)
    network = ITransformer(3, 12, 4, past=1, width=8, heads=2, blocks=2).double().eval()
    inputs = {"series": torch.randn(2, 12, 3).double(), "past": torch.randn(2, 12, 1).double()}
    found = network.attention(inputs)
    assert found.shape == (2, 2, 2, 4, 4)
    torch.testing.assert_close(found.sum(-1), torch.ones(2, 2, 2, 4).double())
    x = inputs["series"]
    normal = (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True, correction=0) + 1e-5).sqrt()
    tokens = network.enter(torch.cat([normal, inputs["past"]], dim=2).transpose(1, 2))
    for number, block in enumerate(network.blocks):
        query, key = (
            each(tokens).unflatten(-1, (2, 4)) for each in (block.attention.query, block.attention.key)
        )
        scores = torch.einsum("bihd,bjhd->bhij", query, key) / 2
        torch.testing.assert_close(found[:, number], scores.softmax(dim=-1))
        tokens = block(tokens)
