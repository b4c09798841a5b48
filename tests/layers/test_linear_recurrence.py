"""Linear recurrences: both ways of computing them beside the loop by hand, gradients of any order, vmap."""

from __future__ import annotations

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.layers import linear_scan
from neurarium.layers.linear_recurrence import _by_doubling, _one_by_one


def drawn(length, seed=0, dtype=torch.float64):
    chance = torch.Generator().manual_seed(seed)
    keep = torch.rand(2, length, 3, generator=chance, dtype=dtype)
    take = torch.randn(2, length, 3, generator=chance, dtype=dtype)
    return keep, take, torch.randn(2, 3, generator=chance, dtype=dtype)


def by_hand(keep, take, start):
    keep, take, state = keep.numpy(), take.numpy(), start.numpy()
    states = []
    for step in range(keep.shape[1]):
        state = keep[:, step] * state + take[:, step]
        states.append(state)
    return numpy.stack(states, axis=1)


@settings(max_examples=40, deadline=None)
@given(length=st.integers(1, 40), seed=st.integers(0, 99))
def test_scan_is_its_recurrence_from_any_start(length, seed):
    keep, take, start = drawn(length, seed)
    numpy.testing.assert_allclose(
        linear_scan(keep, take, start).numpy(), by_hand(keep, take, start), atol=1e-12
    )


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 100])
def test_doubling_is_one_by_one(length, backwards):
    keep, take, _ = drawn(length)
    torch.testing.assert_close(_by_doubling(keep, take, backwards), _one_by_one(keep, take, backwards))
    if backwards:
        turned = _one_by_one(keep.flip(1), take.flip(1), False).flip(1)
        torch.testing.assert_close(_one_by_one(keep, take, True), turned)


def test_single_precision_over_many_steps():
    keep, take, start = drawn(4096)
    exact = linear_scan(keep, take.abs(), start.abs())
    found = linear_scan(keep.float(), take.abs().float(), start.abs().float())
    assert float(((found - exact) / exact).abs().max()) < 1e-6


def test_gradients_of_both_orders():
    keep, take, start = (each.requires_grad_() for each in drawn(5))
    assert torch.autograd.gradcheck(linear_scan, (keep, take, start))
    assert torch.autograd.gradgradcheck(linear_scan, (keep, take, start))


def test_gradients_of_single_examples():
    keep, take, start = drawn(6)

    def squares(keep, take, start):
        return linear_scan(keep[None], take[None], start[None]).square().sum()

    each = torch.func.vmap(torch.func.grad(squares))(keep, take, start)
    one = torch.func.grad(squares)(keep[1], take[1], start[1])
    torch.testing.assert_close(each[1], one)
