"""Sets of metrics: the same values as one by one, common work done once."""

from __future__ import annotations

import math

import pytest
import torch

from neurarium.core.errors import NotFiniteError, OptionError
from neurarium.metrics import AUC, F1, Accuracy, LogLoss, MetricSet, Precision, metrics_for
from neurarium.metrics.confusion import ConfusionMetric


class Kind:
    kind = "classification"


def drawn(count=40, seed=0):
    source = torch.Generator().manual_seed(seed)
    return torch.softmax(torch.randn(count, 3, generator=source), 1), torch.randint(
        0, 3, (count,), generator=source
    )


def test_values_are_those_of_the_metrics_alone():
    scores, targets = drawn()
    together = metrics_for(Kind())
    for chunk in torch.arange(40).split(7):
        together.update(scores[chunk], targets[chunk])
    for name, metric in metrics_for(Kind()).items():
        assert together.compute()[name] == pytest.approx(metric.value(scores, targets), abs=1e-9)


def test_the_confusion_matrix_of_a_batch_is_made_once(monkeypatch):
    made = []
    original = ConfusionMetric.contribution
    monkeypatch.setattr(ConfusionMetric, "contribution", lambda self, e: made.append(1) or original(self, e))
    metrics = MetricSet({"f1": F1(), "precision": Precision(), "strict": F1(threshold=0.8)})
    metrics.update(torch.eye(2), torch.arange(2))
    assert len(made) == 2


def test_states_merge_over_ranks():
    scores, targets = drawn()
    ranks = [metrics_for(Kind()) for _ in range(3)]
    for rank, metrics in enumerate(ranks[:2]):
        metrics.update(scores[rank::2], targets[rank::2])
    whole = metrics_for(Kind())
    whole.update(scores, targets)
    merged = ranks[0].fresh()
    merged.load(ranks[0].state())
    for metrics in ranks[1:]:
        other = metrics.fresh()
        other.load(metrics.state())
        merged.merge(other)
    assert merged.compute() == pytest.approx(whole.compute(), abs=1e-9)
    assert all(isinstance(value, torch.Tensor) for value in merged.state().values())


def test_a_refused_batch_changes_nothing():
    scores, targets = drawn()
    metrics = metrics_for(Kind())
    metrics.update(scores, targets)
    before = metrics.compute()
    broken = scores.clone()
    broken[3, 0] = math.nan
    with pytest.raises(NotFiniteError, match="1 of 120 predictions"):
        metrics.update(broken, targets)
    assert metrics.compute() == before


def test_reset_and_nothing_seen():
    metrics = MetricSet({"accuracy": Accuracy(), "auc": AUC()})
    assert all(math.isnan(value) for value in metrics.compute().values())
    metrics.update(*drawn())
    metrics.reset()
    assert metrics.state() == {} and all(math.isnan(value) for value in metrics.compute().values())


def test_it_is_a_mapping_of_names():
    metrics = MetricSet({"accuracy": Accuracy(), "log_loss": LogLoss()})
    assert list(metrics) == ["accuracy", "log_loss"] and len(metrics) == 2
    assert isinstance(metrics["accuracy"], Accuracy)
    with pytest.raises(OptionError, match="did you mean 'accuracy'"):
        metrics["acuracy"]
    with pytest.raises(OptionError, match="same ones"):
        metrics.merge(MetricSet({"accuracy": Accuracy()}))
