"""ViT: where the paper has dropout, and what the widths are."""

from __future__ import annotations

import torch

from neurarium.networks import ViT


def test_dropout_stands_after_every_dense_layer_but_queries_keys_and_values():
    torch.manual_seed(0)
    network = ViT(3, 16, 16, 4, width=64, heads=2, blocks=1, expansion=2, dropout=0.5).train()
    seen = {}

    def keep(name):
        return lambda module, given: seen.__setitem__(name, given[0])

    block = network.blocks[0]
    block.narrow.register_forward_pre_hook(keep("inside"))
    block.norm1.register_forward_pre_hook(keep("positions"))
    network(torch.randn(8, 3, 16, 16))
    assert seen["inside"].shape[-1] == 128  # expansion times the width
    for values in (seen["inside"], seen["positions"][:, 1:]):  # the vector that is read out begins at 0
        assert 0.47 < (values == 0).float().mean() < 0.53
    assert block.attention.dropout.p == 0  # appendix B.1: no weight of the attention is dropped
    assert block.drop1.p == block.drop2.p == 0.5


def test_a_block_is_equations_2_and_3():
    torch.manual_seed(0)
    network = ViT(1, 8, 8, 3, width=8, heads=2, blocks=1).double().eval()
    images = torch.randn(2, 1, 8, 8, dtype=torch.float64)
    block, functional = network.blocks[0], torch.nn.functional
    patches = images.unfold(2, 4, 4).unfold(3, 4, 4).reshape(2, 4, 16)
    x = patches @ network.embed.weight.reshape(8, 16).T + network.embed.bias + network.positions
    x = torch.cat([network.read_out.expand(2, 1, 8), x], dim=1)

    def norm(values, layer):
        return functional.layer_norm(values, (8,), layer.weight, layer.bias, 1e-6)

    y = norm(x, block.norm1)
    q, k, v = (
        functional.linear(y, part.weight, part.bias).reshape(2, 5, 2, 4).transpose(1, 2)
        for part in (block.attention.query, block.attention.key, block.attention.value)
    )
    heads = ((q @ k.transpose(2, 3)) / 2).softmax(-1) @ v
    out = block.attention.out
    x = x + functional.linear(heads.transpose(1, 2).reshape(2, 5, 8), out.weight, out.bias)
    inner = functional.gelu(functional.linear(norm(x, block.norm2), block.widen.weight, block.widen.bias))
    x = x + functional.linear(inner, block.narrow.weight, block.narrow.bias)
    wanted = functional.linear(norm(x, network.norm)[:, 0], network.head.weight, network.head.bias)
    assert torch.allclose(network(images), wanted, atol=1e-12)
