"""Attention scores beside their equations in NumPy, their gradients, and what attention does with each of them."""

from __future__ import annotations

import math

import numpy
import pytest
import torch

from neurarium.core.errors import OptionError
from neurarium.core.recipe import build, recipe_of
from neurarium.layers import (
    AdditiveScore,
    Attention,
    AttentionPooling,
    CosineScore,
    DotScore,
    GeneralScore,
    ScaledDotScore,
    score_named,
    weights_of,
)
from neurarium.layers.attention_scores import SCORES


def equation(name, q, k, score):
    """One score per (query, key) by the papers' equations, head by head."""
    heads, length, dim = q.shape
    found = numpy.zeros((heads, length, k.shape[1]))
    for h in range(heads):
        for i in range(length):
            for j in range(k.shape[1]):
                a, b = q[h, i], k[h, j]
                if name == "dot":
                    found[h, i, j] = a @ b
                elif name == "scaled-dot":
                    found[h, i, j] = a @ b / math.sqrt(dim)
                elif name == "cosine":
                    scale = math.exp(score.log_scale[h].item())
                    found[h, i, j] = scale * a @ b / (numpy.linalg.norm(a) * numpy.linalg.norm(b))
                elif name == "general":
                    found[h, i, j] = a @ score.matrix[h].detach().numpy() @ b
                else:
                    found[h, i, j] = score.vector[h, :, 0].detach().numpy() @ numpy.tanh(a + b)
    return found


@pytest.mark.parametrize("name", SCORES)
def test_a_score_is_its_equation(name):
    torch.manual_seed(0)
    score = score_named(name, 4, 2).double()
    q, k = torch.randn(3, 2, 5, 4).double(), torch.randn(3, 2, 6, 4).double()
    said = score(q, k)
    for row in range(3):
        numpy.testing.assert_allclose(
            said[row].detach(), equation(name, q[row].numpy(), k[row].numpy(), score), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("name", SCORES)
def test_the_gradient_of_a_score_is_right(name):
    torch.manual_seed(0)
    score = score_named(name, 3, 2).double()
    q, k = (torch.randn(1, 2, n, 3, dtype=torch.float64, requires_grad=True) for n in (2, 4))
    numbers = list(score.parameters())
    assert torch.autograd.gradcheck(lambda q, k, *numbers: score(q, k), (q, k, *numbers))


@pytest.mark.parametrize("name", SCORES)
def test_attention_by_any_score_is_weights_times_values(name):
    torch.manual_seed(0)
    attend = Attention(8, 2, score=name).double()
    words = torch.randn(3, 5, 8).double()
    padding = torch.tensor([[True] * 5, [True, True, False, False, False], [False] * 5])
    weights = attend.weights(words, padding=padding)
    values = attend.value(words).unflatten(-1, (2, -1)).transpose(1, 2)
    by_hand = attend.out((weights @ values).transpose(1, 2).flatten(2))
    said = attend(words, padding=padding)
    torch.testing.assert_close(said[:2], by_hand[:2])
    torch.testing.assert_close(weights[:2].sum(-1), torch.ones(2, 2, 5, dtype=torch.float64))
    assert weights[1, ..., 2:].abs().max() == 0  # padding is not looked at
    assert weights[2].abs().max() == 0 and said[2].abs().max() == 0  # nothing to look at: zero, not NaN
    said.sum().backward()
    assert all(torch.isfinite(each.grad).all() for each in attend.parameters())


def test_additive_attention_is_bahdanaus():
    """e_ij = v^T tanh(W s_i + U h_j), with the bias of the projections."""
    torch.manual_seed(1)
    attend = Attention(6, 1, source_dim=4, score="additive").double()
    s, h = torch.randn(1, 3, 6).double(), torch.randn(1, 5, 4).double()
    W, b = attend.query.weight.detach().numpy(), attend.query.bias.detach().numpy()
    U, c = attend.key.weight.detach().numpy(), attend.key.bias.detach().numpy()
    v = attend.score.vector[0, :, 0].detach().numpy()
    energy = numpy.array(
        [[v @ numpy.tanh(W @ i + b + U @ j + c) for j in h[0].numpy()] for i in s[0].numpy()]
    )
    wanted = numpy.exp(energy) / numpy.exp(energy).sum(axis=1, keepdims=True)
    numpy.testing.assert_allclose(attend.weights(s, h)[0, 0].detach(), wanted, rtol=1e-9)


@pytest.mark.parametrize("name", SCORES)
def test_causal_attention_by_any_score_does_not_look_ahead(name):
    torch.manual_seed(0)
    attend = Attention(8, 2, score=name)
    words = torch.randn(1, 6, 8)
    other = words.clone()
    other[:, 4:] += 1
    before, after = attend(words, causal=True), attend(other, causal=True)
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert (before[:, 4:] - after[:, 4:]).abs().max() > 1e-3


@pytest.mark.parametrize("name", SCORES)
def test_looking_at_projected_keys_is_attention(name):
    torch.manual_seed(0)
    attend = Attention(8, 2, source_dim=4, score=name)
    words, source = torch.randn(2, 3, 8), torch.randn(2, 5, 4)
    padding = torch.tensor([[True] * 5, [True] * 2 + [False] * 3])
    ready = attend.keys_and_values(source)
    torch.testing.assert_close(
        attend.look(words, ready, padding=padding), attend(words, source, padding=padding)
    )


def test_the_named_score_comes_back_from_its_recipe_and_the_others_differ():
    words = torch.randn(1, 4, 8)
    said = []
    for name in SCORES:
        torch.manual_seed(3)
        attend = Attention(8, 2, score=name)
        twin = build(recipe_of(attend))
        twin.load_state_dict(attend.state_dict())
        assert torch.equal(twin(words), attend(words))
        said.append(attend(words))
    for place, one in enumerate(said):
        for other in said[place + 1 :]:
            assert (one - other).abs().max() > 1e-4


def test_bfloat16_on_a_processor_is_near_float32():
    torch.manual_seed(0)
    attend = Attention(16, 2)
    words, padding = torch.randn(2, 7, 16), torch.arange(7)[None] < torch.tensor([[7], [4]])
    with torch.autocast("cpu", torch.bfloat16):
        said = attend(words, padding=padding)
    assert said.dtype == torch.bfloat16
    torch.testing.assert_close(said.float(), attend(words, padding=padding), atol=2e-2, rtol=2e-2)


def test_every_score_has_its_name():
    assert list(SCORES.values()) == [ScaledDotScore, DotScore, CosineScore, GeneralScore, AdditiveScore]


def test_there_is_no_such_score():
    with pytest.raises(OptionError, match="additive"):
        Attention(8, 2, score="manhattan")


def test_weights_of_blind_rows_are_zero_and_so_are_their_gradients():
    scores = torch.zeros(2, 3, requires_grad=True)
    weights = weights_of(scores, torch.tensor([[True, True, False], [False] * 3]))
    assert weights.tolist() == [[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]
    weights[:, 0].sum().backward()
    assert torch.isfinite(scores.grad).all() and scores.grad[1].abs().max() == 0


@pytest.mark.parametrize("name", SCORES)
def test_pooling_by_any_score(name):
    torch.manual_seed(0)
    pool = AttentionPooling(4, score=name)
    states, mask = torch.randn(2, 3, 4), torch.tensor([[True, True, False], [False] * 3])
    weights = pool.weights(states, mask)
    torch.testing.assert_close(weights.sum(1), torch.tensor([1.0, 0.0]))
    assert weights[0, 2] == 0 and pool(states, mask)[1].abs().max() == 0
    hidden = pool.hidden(states)[0, :2]
    if name == "additive":
        scores = pool.score(torch.tanh(hidden)).squeeze(-1)
    else:
        scores = pool.score(pool.query[None, None, None], hidden[None, None])[0, 0, 0]
    torch.testing.assert_close(weights[0, :2], scores.softmax(0))
