import itertools

import pytest
import torch

from neurarium.core.errors import OptionError, ShapeError
from neurarium.losses import CTC


def by_enumeration(logits, labels):
    """Sum the probability of every path that collapses to the labels."""
    chances, total = logits.softmax(-1), 0.0
    for path in itertools.product(range(logits.shape[-1]), repeat=len(logits)):
        collapsed = [label for label, _ in itertools.groupby(path) if label != 0]
        if collapsed == labels:
            total += torch.stack([chances[t, label] for t, label in enumerate(path)]).prod()
    return -torch.log(total)


def test_agrees_with_the_sum_over_all_paths():
    logits = torch.randn(3, 4, 3, dtype=torch.float64, requires_grad=True)
    targets, lists = torch.tensor([[1, 2], [1, 1], [2, -1]]), [[1, 2], [1, 1], [2]]
    ours, expected = (
        CTC().elementwise(logits, targets),
        torch.stack([by_enumeration(*each) for each in zip(logits, lists, strict=True)]),
    )
    assert torch.allclose(ours, expected, rtol=0, atol=1e-10)
    gradients = [torch.autograd.grad(each.sum(), logits, retain_graph=True)[0] for each in (ours, expected)]
    assert torch.allclose(*gradients, rtol=0, atol=1e-10)


def test_masked_frames_are_absent():
    logits, targets = torch.randn(2, 6, 3, dtype=torch.float64), torch.tensor([[1, 2], [2, -1]])
    mask = torch.arange(6) < torch.tensor([[6], [4]])
    spoiled = torch.where(mask[..., None], logits, torch.nan)
    total, weight = CTC()(spoiled, targets, mask=mask)
    expected = CTC().elementwise(logits[:1], targets[:1]) + CTC().elementwise(logits[1:, :4], targets[1:])
    assert torch.allclose(total, expected.sum(), rtol=0, atol=1e-10) and weight == 2


def test_a_target_without_alignment_counts_nothing():
    logits, targets = torch.randn(2, 2, 3, requires_grad=True), torch.tensor([[1, 1], [1, 2]])
    total, weight = CTC()(logits, targets)
    assert weight == 1
    total.backward()
    assert (logits.grad[0] == 0).all() and (logits.grad[1] != 0).any()


def test_refusals():
    with pytest.raises(OptionError):
        CTC(padding=2)
    with pytest.raises(ShapeError, match="first"):
        CTC()(torch.randn(1, 3, 2), torch.tensor([[1]]), mask=torch.tensor([[False, True, True]]))
