"""Capsules: squashing by its formula, routing against loops in NumPy."""

from __future__ import annotations

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurarium.core.errors import OptionError, ShapeError
from neurarium.layers import AttentionRouting, DynamicRouting, dynamic_routing, exponential_squash, squash


def normal(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=6))
def test_squash_is_its_formula_and_keeps_the_direction(numbers):
    vector = torch.tensor(numbers, dtype=torch.float64)
    length = float(vector.norm())
    for function, shrunk in (
        (squash, length**2 / (1 + length**2)),
        (exponential_squash, 1 - numpy.exp(-length)),
    ):
        found = function(vector)
        assert float(found.norm()) == pytest.approx(shrunk, abs=1e-9) and float(found.norm()) <= 1 + 1e-12
        assert torch.allclose(found * length, vector * shrunk, atol=1e-7)


@pytest.mark.parametrize("function", [squash, exponential_squash])
def test_squash_has_its_gradient_at_any_length_and_a_finite_one_at_zero(function):
    vectors = torch.cat([torch.zeros(1, 4, dtype=torch.float64), 1e-5 * normal(1, 4), normal(3, 4)])
    assert torch.autograd.gradcheck(function, vectors.requires_grad_())
    zero = torch.zeros(2, 4, requires_grad=True)
    function(zero).sum().backward()
    expected = 0.0 if function is squash else 1.0
    assert torch.equal(function(zero), torch.zeros(2, 4)) and torch.equal(
        zero.grad, torch.full((2, 4), expected)
    )


def routed_by_loops(predictions, iterations):
    """Procedure 1 of the paper, capsule by capsule."""
    batch, wholes, parts, dim = predictions.shape
    results = numpy.zeros((batch, wholes, dim))
    for example in range(batch):
        logits = numpy.zeros((parts, wholes))
        for _ in range(iterations):
            for j in range(wholes):
                total = numpy.zeros(dim)
                for i in range(parts):
                    share = numpy.exp(logits[i, j]) / numpy.exp(logits[i]).sum()
                    total += share * predictions[example, j, i]
                square = (total**2).sum()
                results[example, j] = square / (1 + square) * total / numpy.sqrt(square)
            for i in range(parts):
                for j in range(wholes):
                    logits[i, j] += predictions[example, j, i] @ results[example, j]
    return results


@pytest.mark.parametrize("iterations", [1, 2, 3, 5])
def test_routing_is_that_of_the_loops(iterations):
    predictions = normal(2, 3, 7, 4)
    found = dynamic_routing(predictions, iterations)
    numpy.testing.assert_allclose(found.numpy(), routed_by_loops(predictions.numpy(), iterations), atol=1e-12)


def test_predictions_are_a_matrix_per_pair():
    layer, parts = DynamicRouting(7, 5, 3, 4).double(), normal(2, 7, 5)
    expected = numpy.einsum("bip,oipd->boid", parts.numpy(), layer.weight.detach().numpy())
    numpy.testing.assert_allclose(layer.predictions(parts).detach().numpy(), expected, atol=1e-12)
    numpy.testing.assert_allclose(layer(parts).detach().numpy(), routed_by_loops(expected, 3), atol=1e-12)
    assert torch.autograd.gradcheck(layer, parts.requires_grad_())


def test_routing_listens_to_those_who_agree():
    """Eight parts predict one pose for whole 0, and eight poses at right angles for whole 1."""
    predictions = torch.zeros(1, 2, 8, 8)
    predictions[0, 0, :, 0] = 1
    predictions[0, 1] = torch.eye(8)
    once, thrice = (dynamic_routing(predictions, turns).norm(dim=-1)[0] for turns in (1, 3))
    assert thrice[0] > once[0] + 0.02 and thrice[1] < once[1] - 0.2


def test_attention_routing_is_the_paper_step_by_step():
    layer, parts = AttentionRouting(6, 5, 3, 4).double(), normal(2, 6, 5)
    with torch.no_grad():
        layer.weight.copy_(normal(3, 6, 5, 4))
        layer.prior.copy_(normal(3, 6))
    u = numpy.einsum("bip,oipd->boid", parts.numpy(), layer.weight.detach().numpy())
    scores = (u @ u.transpose(0, 1, 3, 2) / numpy.sqrt(4)).sum(-1)
    shares = numpy.exp(scores) / numpy.exp(scores).sum(1, keepdims=True) + layer.prior.detach().numpy()
    total = (shares[..., None] * u).sum(2)
    length = numpy.linalg.norm(total, axis=-1, keepdims=True)
    expected = (1 - numpy.exp(-length)) * total / length
    numpy.testing.assert_allclose(layer(parts).detach().numpy(), expected, atol=1e-12)
    assert torch.autograd.gradcheck(layer, parts.requires_grad_())


def test_sizes_and_shapes_are_checked():
    for wrong in ({"parts": 0}, {"whole_dim": 0}, {"iterations": 0}):
        with pytest.raises(OptionError, match=r"small|few"):
            DynamicRouting(**{"parts": 2, "part_dim": 3, "wholes": 2, "whole_dim": 3, **wrong})
    with pytest.raises(ShapeError, match="do not fit the routing"):
        AttentionRouting(6, 5, 3, 4)(torch.zeros(2, 6, 4))
