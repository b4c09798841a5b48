"""The transformer over columns: its tokens, its blocks, its attention."""

from __future__ import annotations

import torch

from neurarium.data.specs import Quantity, Table
from neurarium.networks import FTTransformer

ROWS = {"numeric": torch.tensor([[0.5, -1.0], [2.0, 0.0]]), "categorical": torch.tensor([[1], [0]])}


def make(**options):
    torch.manual_seed(0)
    return FTTransformer(2, 3, width=8, heads=2, blocks=2, cardinalities=(4,), **options).eval()


def test_tokens_are_the_papers():
    network = make()
    tokens = network.tokens(ROWS)
    assert tokens.shape == (2, 4, 8)
    torch.testing.assert_close(tokens[:, 0], network.start.expand(2, 8))
    torch.testing.assert_close(tokens[1, 1], network.numeric.bias[0] + 2.0 * network.numeric.weight[0])
    torch.testing.assert_close(
        tokens[0, 3], network.categorical_bias[0] + network.categorical.table.weight[1]
    )
    torch.testing.assert_close(tokens[1, 3], network.categorical_bias[0])


def test_the_last_block_computes_the_first_token_as_a_whole_block_would():
    network = make()
    tokens = network.tokens(ROWS)
    for block in network.blocks:
        tokens = block(tokens)
    expected = network.activate(network.normalize(tokens[:, 0]))
    torch.testing.assert_close(network.features(ROWS), expected)


def test_a_block_is_the_equation():
    network = make()
    block, tokens = network.blocks[1], torch.randn(2, 4, 8)
    mixed = tokens + block.attention(block.normalize_attention(tokens))
    value, gate = block.rise(block.normalize(mixed)).chunk(2, dim=-1)
    torch.testing.assert_close(block(tokens), mixed + block.fall(value * gate.relu()))
    assert isinstance(network.blocks[0].normalize_attention, torch.nn.Identity)


def test_every_column_reaches_the_prediction():
    network = make()
    numeric = ROWS["numeric"].clone().requires_grad_()
    outputs = network({"numeric": numeric, "categorical": ROWS["categorical"]})
    outputs[0].sum().backward()
    assert (numeric.grad[0].abs() > 0).all()
    assert numeric.grad[1].abs().max() == 0
    changed = network({**ROWS, "categorical": torch.tensor([[2], [0]])})
    assert (changed[0] - outputs[0]).abs().max() > 1e-4


def test_numbers_may_be_embedded_otherwise():
    table = Table(("a", "b"), ("c",), (4,), ((0.0, 1.0, 2.0), (-1.0, 1.0)))
    network = FTTransformer.for_data(table, Quantity(("y",)), width=8, heads=2, embedding="piecewise-linear")
    assert network.numeric.encoding.bins == (2, 1)
    assert network.tokens(ROWS).shape == (2, 4, 8)
