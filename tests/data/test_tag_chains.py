"""Chains of tags beside all paths, counted one by one: sums, the best path, shares; gradients; padding."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from neurarium.core.errors import ShapeError
from neurarium.data.tag_chains import (
    best_path,
    given_before,
    log_partition,
    marginals,
    path_score,
    without_padding,
)


def drawn(seed, batch, length, tags):
    chance = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(batch, length, tags, tags, generator=chance, dtype=torch.float64)


def every_path(scores):
    """Return all paths `(paths, length)` and the score of each in each sentence, by plain sums."""
    _, length, tags, _ = scores.shape
    paths = list(itertools.product(range(tags), repeat=length))
    found = [
        [sum(float(one[t, (0, *path)[t], path[t]]) for t in range(length)) for path in paths]
        for one in scores
    ]
    return torch.tensor(paths), torch.tensor(found, dtype=torch.float64)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 4), st.integers(1, 3))
def test_all_paths_one_by_one(seed, length, tags):
    scores = drawn(seed, 2, length, tags)
    paths, values = every_path(scores)
    whole = values.logsumexp(dim=1)
    torch.testing.assert_close(log_partition(scores), whole, rtol=1e-12, atol=1e-12)
    assert torch.equal(best_path(scores), paths[values.argmax(dim=1)])
    shares = torch.stack([(paths == tag).double() for tag in range(tags)], dim=-1)  # (paths, length, tags)
    expected = torch.einsum("bp,plt->blt", (values - whole[:, None]).exp(), shares)
    torch.testing.assert_close(marginals(scores), expected, rtol=1e-10, atol=1e-12)
    for number in range(len(paths)):
        told = path_score(scores, paths[number].expand(2, -1))
        torch.testing.assert_close(told, values[:, number], rtol=1e-12, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 6), st.integers(2, 4))
def test_the_cross_entropies_of_a_sentence_sum_to_its_likelihood(seed, length, tags):
    scores = drawn(seed, 3, length, tags)
    truth = torch.randint(0, tags, (3, length), generator=torch.Generator().manual_seed(seed))
    logits = given_before(scores, truth)
    nats = torch.nn.functional.cross_entropy(logits.transpose(1, 2), truth, reduction="none").sum(dim=1)
    torch.testing.assert_close(
        nats, log_partition(scores) - path_score(scores, truth), rtol=1e-10, atol=1e-10
    )


def test_gradients_by_differences():
    scores = drawn(0, 2, 4, 3).requires_grad_()
    truth = torch.tensor([[0, 2, 1, 1], [2, 2, 0, 1]])
    assert gradcheck(log_partition, (scores,))
    assert gradcheck(lambda each: given_before(each, truth).log_softmax(dim=-1), (scores,))
    assert gradcheck(marginals, (scores,))


def test_the_gradient_of_the_partition_is_the_share_of_each_pair():
    scores = drawn(3, 1, 4, 3).requires_grad_()
    (pairs,) = torch.autograd.grad(log_partition(scores).sum(), scores)
    torch.testing.assert_close(pairs.sum(dim=2), marginals(scores), rtol=1e-10, atol=1e-12)


def test_padding_changes_nothing():
    scores = drawn(1, 2, 4, 3)
    truth = torch.tensor([[0, 2, 1, 1], [2, 1, 0, 1]])
    noise = drawn(9, 2, 3, 3)
    long = torch.cat([scores, noise], dim=1)
    mask = (torch.arange(7) < 4).expand(2, -1)
    padded = without_padding(long, mask)
    behind = torch.cat([truth, torch.full((2, 3), -1)], dim=1)
    assert torch.equal(log_partition(padded), log_partition(scores))
    assert torch.equal(path_score(padded, behind), path_score(scores, truth))
    assert torch.equal(best_path(padded)[:, :4], best_path(scores))
    torch.testing.assert_close(marginals(padded)[:, :4], marginals(scores), rtol=1e-12, atol=1e-12)
    assert torch.equal(given_before(padded, behind)[:, :4], given_before(scores, truth))
    other = without_padding(torch.cat([scores, 100 * noise], dim=1), mask)
    assert torch.equal(other, padded)


def test_long_sentences_stay_finite_in_float32():
    scores = (50 * drawn(2, 1, 400, 5)).float().requires_grad_()
    value = log_partition(scores)
    value.sum().backward()
    assert torch.isfinite(value).all() and torch.isfinite(scores.grad).all()
    torch.testing.assert_close(scores.grad.sum(dim=(2, 3)), torch.ones(1, 400), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 5), (2, 0, 4, 4)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ShapeError, match="score for each pair"):
        log_partition(torch.zeros(shape))
