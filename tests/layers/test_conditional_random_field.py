"""The conditional random field beside its equation, summed over all tags of all words in Python."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch.autograd import gradcheck

from neurarium.core.errors import OptionError, ShapeError
from neurarium.data.tag_chains import best_path, given_before, log_partition, path_score
from neurarium.layers import ConditionalRandomField


def score(field, logits, tags):
    """s(x, y) = b(y_1) + sum P_t(y_t) + sum A(y_(t-1), y_t) + e(y_n)."""
    total = float(field.begin[tags[0]] + field.end[tags[-1]])
    total += sum(float(logits[place, tag]) for place, tag in enumerate(tags))
    return total + sum(float(field.transitions[a, b]) for a, b in itertools.pairwise(tags))


@pytest.mark.parametrize("length", [1, 2, 4])
def test_the_equation(length):
    field = ConditionalRandomField(3).double()
    for each in field.parameters():
        torch.nn.init.normal_(each)
    logits = torch.randn(1, 4, 3, dtype=torch.float64)  # words behind the end hold anything
    mask = torch.arange(4)[None] < length
    scores = field(logits, mask)
    paths = list(itertools.product(range(3), repeat=length))
    values = [score(field, logits[0], path) for path in paths]
    best = paths[max(range(len(paths)), key=values.__getitem__)]
    whole = math.log(sum(map(math.exp, values)))
    assert float(log_partition(scores)) == pytest.approx(whole, abs=1e-12)
    assert best_path(scores)[0, :length].tolist() == list(best)
    for path, value in zip(paths, values, strict=True):
        tags = torch.tensor([[*path, *[-1] * (4 - length)]])
        assert float(path_score(scores, tags)) == pytest.approx(value, abs=1e-12)
        nats = -given_before(scores, tags)[0, :length].log_softmax(dim=-1)
        told = sum(float(nats[place, tag]) for place, tag in enumerate(path))
        assert told == pytest.approx(whole - value, abs=1e-10)


def test_gradients_reach_every_parameter_and_no_padding():
    field = ConditionalRandomField(3).double()
    logits = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True, True, True, False], [True, False, False, False]])
    assert gradcheck(lambda each: log_partition(field(each, mask)), (logits,))
    log_partition(field(logits, mask)).sum().backward()
    assert not logits.grad[~mask].any() and logits.grad[mask].all()
    assert all(each.grad.abs().sum() > 0 for each in field.parameters())


def test_transitions_decide_where_words_do_not():
    field = ConditionalRandomField(2)
    with torch.no_grad():
        for each in field.parameters():
            each.zero_()
        field.transitions[1, 1] = -5.0  # never twice
    logits = torch.tensor([[[0.0, 1.0], [0.0, 0.9], [0.0, 1.0]]])
    scores = field(logits, torch.ones(1, 3, dtype=torch.bool))
    assert logits.argmax(dim=-1).tolist() == [[1, 1, 1]]
    assert best_path(scores).tolist() == [[1, 0, 1]]


def test_half_precision_computes_in_float32():
    field = ConditionalRandomField(2)
    assert (
        field(torch.zeros(1, 2, 2, dtype=torch.bfloat16), torch.ones(1, 2, dtype=torch.bool)).dtype
        == torch.float32
    )


def test_refusals():
    with pytest.raises(OptionError, match="no tag"):
        ConditionalRandomField(0)
    with pytest.raises(ShapeError, match="do not fit the tags"):
        ConditionalRandomField(3)(torch.zeros(1, 2, 4), torch.ones(1, 2, dtype=torch.bool))
