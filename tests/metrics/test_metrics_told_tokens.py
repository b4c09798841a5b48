"""Metrics of told tokens beside torch, over texts of different lengths."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from neurarium.core.errors import NotFiniteError, ShapeError
from neurarium.data.specs import Text
from neurarium.metrics import NextTokenAccuracy, TokenPerplexity, goal, metrics_for

SPEC = Text(9, 5, begin=7, end=8)


def test_perplexity_and_accuracy_are_those_of_all_real_tokens():
    torch.manual_seed(0)
    outputs, targets = torch.randn(6, 5, 9), torch.randint(1, 9, (6, 5))
    targets[torch.arange(5) >= torch.tensor([5, 1, 3, 2, 4, 5])[:, None]] = 0
    metrics = metrics_for(SPEC)
    for part in (slice(0, 2), slice(2, 6)):  # a corpus is no mean of batches
        metrics.update(SPEC.tokens_told(outputs[part], targets[part]), torch.zeros(1))
    real = targets != 0
    said = metrics.compute()
    assert said["perplexity"] == pytest.approx(
        float(functional.cross_entropy(outputs[real], targets[real]).exp())
    )
    assert said["token_accuracy"] == pytest.approx(
        float((outputs[real].argmax(1) == targets[real]).double().mean())
    )


def test_the_goals_are_known_by_the_names_in_results():
    assert (goal("validation/perplexity"), goal("token_accuracy"), goal("bleu"), goal("rouge_l")) == (
        "min", "max", "max", "max",
    )  # fmt: skip


def test_other_shapes_and_numbers_are_refused():
    with pytest.raises(ShapeError, match="three numbers"):
        TokenPerplexity().update(torch.zeros(2, 4), None)
    with pytest.raises(NotFiniteError):
        NextTokenAccuracy().update(torch.full((2, 3), torch.nan), None)
