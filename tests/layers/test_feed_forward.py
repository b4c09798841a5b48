"""The feed-forward layer beside its equations."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.layers.feed_forward import FeedForward, inner_width


def test_plain_and_gated_are_their_equations():
    inputs = torch.randn(2, 3, 4)
    plain = FeedForward(4, 10, "relu")
    expected = functional.relu(inputs @ plain.rise.weight.T + plain.rise.bias) @ plain.fall.weight.T
    torch.testing.assert_close(plain(inputs), expected + plain.fall.bias)
    gated = FeedForward(4, 10, "swiglu", bias=False)
    gate = functional.silu(inputs @ gated.rise.gate.weight.T)
    expected = (inputs @ gated.rise.value.weight.T * gate) @ gated.fall.weight.T
    torch.testing.assert_close(gated(inputs), expected)
    assert not any("bias" in name for name in gated.state_dict())


@pytest.mark.parametrize("width", [96, 384, 768])
def test_gated_and_plain_have_as_many_weights(width):
    sizes = [
        sum(p.numel() for p in FeedForward(width, inner_width(width, None, name), name, False).parameters())
        for name in ("gelu", "swiglu")
    ]
    assert sizes[0] == sizes[1] == 8 * width**2


def test_dropout_acts_on_inner_numbers_in_training_alone():
    layer, inputs = FeedForward(8, 64, dropout=0.5), torch.randn(1, 8)
    assert not torch.equal(layer(inputs), layer(inputs))
    layer.eval()
    assert torch.equal(layer(inputs), layer(inputs))


def test_an_activation_that_does_not_fit_is_named():
    with pytest.raises(OptionError, match="takes 2 numbers"):
        FeedForward(4, 8, "maxout")
