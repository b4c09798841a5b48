"""Perplexity and bits of language models, from four numbers per example, beside the definition over all tokens."""

import math

import pytest
import torch

from neurarium.core.errors import ShapeError
from neurarium.data.specs import NextToken
from neurarium.metrics import BitsPerByte, BitsPerCharacter, LanguagePerplexity, goal, metrics_for

SPEC = NextToken(5, 4)


def test_they_are_those_of_all_tokens():
    chance = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 4, 5, generator=chance, dtype=torch.float64)
    targets = torch.randint(0, 5, (6, 4), generator=chance)
    targets[5, 2:] = -1
    spans = torch.stack([torch.arange(6) + 4, 2 * torch.arange(6) + 4], dim=1)
    real = targets >= 0
    logs = logits.float().log_softmax(dim=-1).double()
    nats = -logs[real].gather(1, targets[real][:, None]).sum().item()
    metrics = metrics_for(SPEC)
    for part in (slice(0, 2), slice(2, 6)):
        metrics.update(SPEC.surprise(logits[part], targets[part], spans[part]), torch.zeros(6)[part])
    found = metrics.compute()
    assert found["perplexity"] == pytest.approx(math.exp(nats / 22), rel=1e-6)
    assert found["bits_per_character"] == pytest.approx(nats / math.log(2) / 39, rel=1e-6)
    assert found["bits_per_byte"] == pytest.approx(nats / math.log(2) / 54, rel=1e-6)


def test_weights_count_examples():
    rows = torch.tensor([[1.0, 1.0, 2.0, 2.0], [3.0, 1.0, 1.0, 4.0]])
    assert LanguagePerplexity().value(rows, None, torch.tensor([0.0, 1.0])) == pytest.approx(math.e**3)
    assert BitsPerCharacter().value(rows, None) == pytest.approx(4 / math.log(2) / 3)
    assert BitsPerByte().value(rows, None) == pytest.approx(4 / math.log(2) / 6)
    assert math.isnan(BitsPerByte().value(torch.tensor([[1.0, 1.0, 0.0, 0.0]]), None))


def test_less_is_better_and_other_shapes_are_refused():
    assert {goal(name) for name in ("perplexity", "bits_per_character", "bits_per_byte")} == {"min"}
    with pytest.raises(ShapeError, match="four numbers"):
        LanguagePerplexity().value(torch.zeros(2, 3), None)
