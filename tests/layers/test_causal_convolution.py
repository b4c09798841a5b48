"""Causal convolutions beside their equation in NumPy; nothing of the future is seen."""

from __future__ import annotations

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.core.errors import OptionError
from neurarium.layers import CausalBlock, CausalConvolution, receptive_field


def by_hand(x, weight, bias, dilation):
    """y_t = b + sum_i W_i x_(t - d (k - 1 - i)), step by step."""
    out, _, kernel = weight.shape
    y = numpy.tile(bias[:, None], (1, x.shape[1]))
    for t in range(x.shape[1]):
        for i in range(kernel):
            seen = t - dilation * (kernel - 1 - i)
            if seen >= 0:
                y[:, t] += weight[:, :, i] @ x[:, seen]
    assert y.shape[0] == out
    return y


@settings(max_examples=20, deadline=None)
@given(kernel=st.integers(1, 4), dilation=st.integers(1, 5), length=st.integers(1, 9), norm=st.booleans())
def test_the_equation(kernel, dilation, length, norm):
    torch.manual_seed(kernel)
    layer = CausalConvolution(3, 2, kernel, dilation, norm).double()
    x = torch.randn(1, 3, length, dtype=torch.float64)
    weight, bias = (each.detach().numpy() for each in (layer.convolution.weight, layer.convolution.bias))
    numpy.testing.assert_allclose(
        layer(x)[0].detach().numpy(), by_hand(x[0].numpy(), weight, bias, dilation), atol=1e-12
    )


def test_a_block_is_two_of_them_and_a_skip():
    torch.manual_seed(0)
    block = CausalBlock(3, 4, kernel=2, dilation=2).double().eval()
    x = numpy.random.default_rng(0).normal(size=(3, 6))
    inner = x
    for each in block.convolutions:
        weight, bias = (one.detach().numpy() for one in (each.convolution.weight, each.convolution.bias))
        inner = numpy.maximum(by_hand(inner, weight, bias, 2), 0)
    skip = block.skip.weight.detach().numpy()[:, :, 0] @ x + block.skip.bias.detach().numpy()[:, None]
    found = block(torch.tensor(x)[None])[0].detach().numpy()
    numpy.testing.assert_allclose(found, numpy.maximum(inner + skip, 0), atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(place=st.integers(0, 11), dilation=st.integers(1, 4))
def test_the_future_changes_nothing_before(place, dilation):
    torch.manual_seed(0)
    block = CausalBlock(2, 3, kernel=3, dilation=dilation).eval()
    signal = torch.randn(1, 2, 12)
    other = signal.clone()
    other[..., place:] += 5
    before, after = block(signal), block(other)
    assert torch.equal(before[..., :place], after[..., :place])
    assert not torch.equal(before[..., place], after[..., place])


def test_gradients():
    block = CausalBlock(2, 3, kernel=2, dilation=2, activation="tanh").double()
    x = torch.randn(2, 2, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(block, (x,))


def test_how_far_back_is_seen():
    dilations = (1, 2, 4)
    blocks = torch.nn.Sequential(*(CausalBlock(1, 2, 3, each) for each in dilations[:1]))
    blocks.extend(CausalBlock(2, 2, 3, each) for each in dilations[1:])
    x = torch.randn(1, 1, 40, requires_grad=True)
    blocks.double()(x.double())[..., -1].sum().backward()
    seen = x.grad[0, 0].nonzero().flatten()
    assert receptive_field(3, dilations) == 29 and int(seen.min()) >= 40 - 29


@pytest.mark.parametrize("options", [{"kernel": 0}, {"dilation": 0}])
def test_too_small(options):
    with pytest.raises(OptionError, match="too small"):
        CausalConvolution(1, 1, **options)
