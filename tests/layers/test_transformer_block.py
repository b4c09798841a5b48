"""The transformer block beside torch's own, and its options."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurarium.core.errors import OptionError
from neurarium.layers.key_value_cache import KeyValueCache
from neurarium.layers.transformer_block import TransformerBlock


@pytest.mark.parametrize("normalization", ["pre", "post"])
def test_it_is_torchs_encoder_layer(normalization):
    torch.manual_seed(0)
    ours = TransformerBlock(8, 2, 16, "relu", normalization=normalization).double().eval()
    first = normalization == "pre"
    theirs = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True, norm_first=first).double().eval()
    attention = ours.attention
    three = (attention.query, attention.key, attention.value)
    theirs.load_state_dict(
        {
            "self_attn.in_proj_weight": torch.cat([each.weight for each in three]),
            "self_attn.in_proj_bias": torch.cat([each.bias for each in three]),
            **{f"self_attn.out_proj.{name}": each for name, each in attention.out.state_dict().items()},
            **{f"linear1.{name}": each for name, each in ours.feed_forward.rise.state_dict().items()},
            **{f"linear2.{name}": each for name, each in ours.feed_forward.fall.state_dict().items()},
            **{f"norm1.{name}": each for name, each in ours.normalize_attention.state_dict().items()},
            **{f"norm2.{name}": each for name, each in ours.normalize.state_dict().items()},
        }
    )
    inputs = torch.randn(3, 5, 8, dtype=torch.float64)
    padding = torch.arange(5) < torch.tensor([[5], [3], [1]])
    expected = theirs(inputs, src_key_padding_mask=~padding)
    torch.testing.assert_close(ours(inputs, padding=padding), expected, atol=1e-10, rtol=1e-10)


def test_all_options_together_are_causal_and_cached():
    torch.manual_seed(0)
    block = TransformerBlock(
        16, 4, 24, "swiglu", norm="rms", bias=False, rotary=True, key_heads=2, window=4, causal=True
    ).double()  # fmt: skip
    inputs = torch.randn(2, 7, 16, dtype=torch.float64)
    cache = KeyValueCache(2, 7)
    steps = torch.cat([block(piece, cache=cache) for piece in inputs.split((3, 1, 1, 2), dim=1)], dim=1)
    torch.testing.assert_close(steps, block(inputs), atol=1e-10, rtol=1e-10)
    assert block.weights(inputs).triu(1).abs().max() == 0
    assert not any(name.endswith("bias") for name in block.state_dict())


def test_an_unknown_order_is_named():
    with pytest.raises(OptionError, match="normalization"):
        TransformerBlock(8, 2, 8, normalization="both")
