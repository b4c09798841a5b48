"""Bootstrap and Wilson intervals: against SciPy, against theory, and their coverage."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from scipy.stats import binomtest

from neurarium.core.errors import DataError, OptionError, ShapeError
from neurarium.metrics import (
    AUC,
    BLEU,
    F1,
    Accuracy,
    LogLoss,
    MetricSet,
    bootstrap,
    bootstrap_set,
    metrics_for,
    wilson,
)
from neurarium.metrics.intervals import drawn


def normal(count, seed):
    source = torch.Generator().manual_seed(seed)
    targets = torch.randn(count, generator=source, dtype=torch.float64)
    return targets + torch.randn(count, generator=source, dtype=torch.float64), targets


def test_it_is_the_normal_interval_of_a_mean():
    predictions, targets = normal(2000, 0)
    errors = (predictions - targets).abs()
    found = bootstrap("mae", predictions, targets, resamples=2000)
    spread = 1.96 * float(errors.std()) / 2000**0.5
    assert found.estimate == pytest.approx(float(errors.mean()))
    assert (found.low, found.high) == pytest.approx(
        (found.estimate - spread, found.estimate + spread), abs=0.1 * spread
    )


def test_it_holds_the_truth_as_often_as_it_says():
    truth = (2 / math.pi) ** 0.5  # the mean of |N(0, 1)|
    held = [truth in bootstrap("mae", *normal(400, seed), level=0.9, resamples=300) for seed in range(200)]
    assert 0.85 <= numpy.mean(held) <= 0.94


def test_weights_and_copies_give_the_same_interval():
    source = torch.Generator().manual_seed(0)
    scores, targets = torch.rand(60, generator=source), torch.randint(0, 2, (60,), generator=source)
    fast = bootstrap(AUC(), scores, targets, resamples=50)
    copied = bootstrap(lambda p, t: AUC().value(p, t), scores, targets, resamples=50)
    assert (fast.low, fast.high, fast.estimate) == pytest.approx(
        (copied.low, copied.high, copied.estimate), abs=1e-9
    )


def test_a_set_shares_its_resamples():
    scores = torch.softmax(torch.randn(80, 3, generator=torch.Generator().manual_seed(0)), 1)
    targets = torch.arange(80) % 3
    together = bootstrap_set(
        metrics_for(type("K", (), {"kind": "classification"})()), scores, targets, resamples=40
    )
    assert len(together) == 10
    assert together["f1_macro"] == bootstrap(F1(), scores, targets, resamples=40)
    assert all(each.low <= each.estimate <= each.high for name, each in together.items() if name != "ece")


def test_examples_of_one_group_are_drawn_together():
    predictions, targets = normal(50, 1)
    repeated = [each.repeat_interleave(8) for each in (predictions, targets)]
    groups = torch.arange(50).repeat_interleave(8)
    alone = bootstrap("mae", predictions, targets)
    naive, grouped = bootstrap("mae", *repeated), bootstrap("mae", *repeated, groups=groups)
    assert (grouped.low, grouped.high) == pytest.approx((alone.low, alone.high))
    assert naive.high - naive.low < 0.5 * (grouped.high - grouped.low)


def test_the_counts_of_a_resample_are_draws_with_replacement():
    counts = torch.cat(list(drawn(20, resamples=3000, level=0.9, seed=0)))
    assert counts.shape == (3000, 20) and (counts.sum(1) == 20).all()
    assert float(counts.double().var()) == pytest.approx(20 * 0.05 * 0.95, rel=0.03)
    assert torch.equal(counts[:5], next(drawn(20, resamples=5, level=0.9, seed=0)))
    assert not torch.equal(counts[:5], next(drawn(20, resamples=5, level=0.9, seed=1)))


def test_resamples_without_a_value_are_left_out_and_counted():
    scores, targets = torch.rand(12, generator=torch.Generator().manual_seed(0)), torch.tensor([1] + [0] * 11)
    found = bootstrap("auc", scores, targets, resamples=300)
    assert 50 < found.undefined < 160 and not math.isnan(found.low)
    nothing = bootstrap("auc", scores, torch.zeros(12, dtype=torch.int64), resamples=20)
    assert math.isnan(nothing.low) and math.isnan(nothing.estimate) and nothing.undefined == 20


def test_pixels_of_one_image_are_drawn_together():
    source = torch.Generator().manual_seed(0)
    scores = torch.rand(6, 2, 3, 3, generator=source)
    targets = torch.randint(0, 2, (6, 3, 3), generator=source)
    found = bootstrap("iou", scores, targets, resamples=30)
    copied = bootstrap(lambda p, t: F1(average="macro").value(p, t), scores, targets, resamples=30)
    assert found.low < found.estimate < found.high and copied.low > found.low


def test_texts_have_intervals_too():
    texts = ["a b c d e", "a b c d f", "a b x d e", "q b c d e"] * 5
    found = bootstrap(BLEU(), texts, ["a b c d e"] * 20, resamples=100)
    assert 0 < found.low < found.estimate < found.high < 100


def test_impossible_requests_are_refused():
    ones = torch.ones(3)
    with pytest.raises(DataError, match="no examples"):
        bootstrap("mae", torch.zeros(0), torch.zeros(0))
    with pytest.raises(OptionError):
        bootstrap("mae", ones, ones, level=1.0)
    with pytest.raises(OptionError, match="one number"):
        bootstrap(F1(average="each"), torch.eye(3), torch.arange(3))
    with pytest.raises(OptionError, match="weights need"):
        bootstrap(lambda p, t: 0.0, ones, ones, weights=ones)
    with pytest.raises(ShapeError, match="one group"):
        bootstrap("mae", ones, ones, groups=torch.zeros(2))
    assert bootstrap_set(MetricSet({}), ones, ones) == {}


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (5, 5), (3, 10), (95, 100), (1, 1000)])
def test_wilson_is_scipys(successes, trials):
    expected = binomtest(successes, trials).proportion_ci(confidence_level=0.9, method="wilson")
    found = wilson(successes, trials, 0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_of_nothing_is_everything():
    found = wilson(0, 0)
    assert (found.low, found.high) == (0.0, 1.0) and math.isnan(found.estimate)
    with pytest.raises(OptionError):
        wilson(3, 2)
    assert str(wilson(1, 2)) == "0.5 [0.09453, 0.9055]"


def test_a_proportion_of_one_or_zero_has_an_interval_with_a_width():
    """All of 90 right: every resample says so too, and yet 96 of 100 new ones might be."""
    right = torch.eye(2).repeat(45, 1)
    targets = torch.arange(2).repeat(45)
    found = bootstrap_set({"accuracy": Accuracy(), "log_loss": LogLoss()}, right, targets, resamples=50)
    assert (found["accuracy"].low, found["accuracy"].high) == pytest.approx((wilson(90, 90).low, 1.0))
    assert found["accuracy"].low == pytest.approx(0.959, abs=1e-3)
    assert (
        found["log_loss"].high - found["log_loss"].low < 1e-12
    )  # no proportion: nothing is known of its bounds
    none = bootstrap_set({"accuracy": Accuracy()}, right, 1 - targets, resamples=50)["accuracy"]
    assert (none.low, none.high) == pytest.approx((0.0, 0.041), abs=1e-3)
    pairs = bootstrap("accuracy", right, targets, groups=torch.arange(90) // 9, resamples=50)
    assert pairs.low == pytest.approx(wilson(10, 10).low)
