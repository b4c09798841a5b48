"""Embeddings of numbers and categories against their equations."""

from __future__ import annotations

import itertools
import math

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.core.errors import OptionError, ShapeError
from neurarium.layers.embeddings import (
    BiasedPeriodicEmbedding,
    CategoricalEmbedding,
    LinearEmbedding,
    OneHot,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    PiecewiseLinearEncoding,
    normal_quantiles,
    spread,
)


def encoded(value, edges):
    """The paper's equation for one number and one column."""
    result = []
    for t, (left, right) in enumerate(itertools.pairwise(edges)):
        part = (value - left) / (right - left)
        part = max(part, 0.0) if t > 0 else part
        result.append(min(part, 1.0) if t < len(edges) - 2 else part)
    return result


@settings(max_examples=50, deadline=None)
@given(
    edges=st.lists(st.integers(-20, 20), min_size=2, max_size=8, unique=True).map(sorted),
    value=st.floats(-30, 30),
)
def test_piecewise_linear_encoding_is_the_papers(edges, value):
    encoding = PiecewiseLinearEncoding((len(edges) - 1, 1)).double()
    encoding.set_edges((edges, (0.0, 1.0)))
    found = encoding(torch.tensor([[value, 0.25]], dtype=torch.float64))[0]
    numpy.testing.assert_allclose(found[0, : len(edges) - 1].numpy(), encoded(value, edges), atol=1e-6)
    assert found[1, 0].item() == pytest.approx(0.25)
    assert found[1, 1:].abs().sum() == 0


def test_edges_travel_with_the_weights():
    filled, fresh = PiecewiseLinearEncoding((2,)), PiecewiseLinearEncoding((2,))
    filled.set_edges(((0.0, 1.0, 5.0),))
    inputs = torch.tensor([[2.0]])
    assert not torch.equal(fresh(inputs), filled(inputs))
    fresh.load_state_dict(filled.state_dict())
    assert torch.equal(fresh(inputs), torch.tensor([[[1.0, 0.25]]]))


def test_edges_that_do_not_fit_are_named():
    encoding = PiecewiseLinearEncoding((2, 1))
    with pytest.raises(ShapeError, match="do not fit"):
        encoding.set_edges(((0.0, 1.0), (0.0, 1.0)))
    with pytest.raises(ShapeError, match="do not increase"):
        encoding.set_edges(((0.0, 1.0, 1.0), (0.0, 1.0)))
    with pytest.raises(OptionError, match="no bin"):
        PiecewiseLinearEncoding((2, 0))
    assert spread(()) == (-0.5, 0.5)


def test_default_bins_are_equally_likely_under_a_normal():
    torch.manual_seed(0)
    drawn = torch.randn(40_000, dtype=torch.float64)
    edges = torch.tensor(normal_quantiles(8), dtype=torch.float64)
    counts = torch.histogram(drawn.clamp(-2.999, 2.999), edges).hist / len(drawn)
    torch.testing.assert_close(counts, torch.full((8,), 1 / 8, dtype=torch.float64), atol=0.01, rtol=0)


def test_piecewise_linear_embedding_starts_linear_and_learns_kinks():
    torch.manual_seed(0)
    layer = PiecewiseLinearEmbedding((8, 3), 5)
    inputs = torch.randn(20, 2)
    torch.testing.assert_close(layer(inputs), layer.direct(inputs))
    one = PiecewiseLinearEmbedding((16,), 1)
    grid = torch.linspace(-2, 2, 200).unsqueeze(1)
    optimizer = torch.optim.Adam(one.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        loss = (one(grid)[:, 0] - torch.sin(4 * grid)).square().mean()
        loss.backward()
        optimizer.step()
    # The best line leaves 0.4; bins follow the sine.
    assert loss.item() < 0.02


def test_linear_embedding_is_a_line_per_column():
    layer = LinearEmbedding(2, 3, rectified=False)
    inputs = torch.randn(4, 2)
    torch.testing.assert_close(layer(inputs)[:, 1], inputs[:, 1:] * layer.weight[1] + layer.bias[1])
    rectified = LinearEmbedding(2, 3)
    assert rectified(inputs).min() >= 0


@pytest.mark.parametrize("shared", [False, True])
def test_periodic_embedding_is_the_papers(shared):
    torch.manual_seed(0)
    layer = PeriodicEmbedding(3, 4, frequencies=5, deviation=0.5, shared=shared)
    inputs = torch.randn(6, 3)
    angle = 2 * math.pi * layer.frequency[1] * inputs[:, 1:2]
    waves = torch.cat([angle.sin(), angle.cos()], dim=1)
    weight = layer.linear.weight.T if shared else layer.linear.weight[1]
    bias = layer.linear.bias if shared else layer.linear.bias[1]
    torch.testing.assert_close(layer(inputs)[:, 1], (waves @ weight + bias).relu(), atol=1e-5, rtol=1e-5)
    assert PeriodicEmbedding(50, 4, deviation=0.5).frequency.abs().max() <= 1.5


def test_biased_periodic_embedding_keeps_the_number():
    torch.manual_seed(0)
    layer = BiasedPeriodicEmbedding(3, 4, frequencies=5, deviation=0.5)
    inputs = torch.randn(6, 3)
    found = layer(inputs)
    assert torch.equal(found[:, :, 0], inputs)
    waves = (2 * math.pi * layer.frequency[2] * inputs[:, 2:] + layer.phase[2]).cos()
    torch.testing.assert_close(found[:, 2, 1:], waves @ layer.linear.weight[2] + layer.linear.bias[2])
    with pytest.raises(OptionError, match="too few"):
        BiasedPeriodicEmbedding(3, 1)


def test_categories_have_vectors_of_their_own_and_the_unseen_one_stays_zero():
    layer = CategoricalEmbedding((3, 4), 5)
    codes = torch.tensor([[0, 0], [1, 1], [2, 3]])
    found = layer(codes)
    assert found[0].abs().sum() == 0
    assert torch.equal(found[2, 0], layer.table.weight[2])
    assert torch.equal(found[2, 1], layer.table.weight[3 + 3])
    assert not torch.equal(found[1, 0], found[1, 1])


def test_one_hot_is_that_of_torch_without_the_unseen_code():
    codes = torch.tensor([[0, 3], [2, 0], [1, 1]])
    expected = torch.cat(
        [
            torch.nn.functional.one_hot(codes[:, 0], 3)[:, 1:],
            torch.nn.functional.one_hot(codes[:, 1], 4)[:, 1:],
        ],
        1,
    )
    layer = OneHot((3, 4))
    assert torch.equal(layer(codes), expected.float())
    assert layer.feature_dim == 5
    assert layer.double()(codes).dtype == torch.float64


@pytest.mark.parametrize(
    "layer",
    [
        LinearEmbedding(2, 3),
        PeriodicEmbedding(2, 3),
        BiasedPeriodicEmbedding(2, 3),
        PiecewiseLinearEmbedding((4, 2), 3),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_gradients_are_right(layer):
    torch.manual_seed(0)
    layer = layer.double()
    inputs = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (inputs,))
