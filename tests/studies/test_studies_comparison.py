"""Comparison of two runs: McNemar against SciPy, permutation and bootstrap against theory."""

from __future__ import annotations

import json
import math

import pytest
import torch
from scipy.stats import binomtest, ttest_rel

import neurarium as nr
from neurarium.core.errors import DataError, OptionError, ShapeError
from neurarium.data.dataset import Dataset
from neurarium.metrics import AUC, BLEU, Accuracy
from neurarium.studies import compare, compare_runs
from neurarium.studies.comparison.pair import Pair, mcnemar


def decisions(right):
    """Probabilities that are right where told so; every target is 1."""
    right = torch.as_tensor(right).double()
    return torch.stack([1 - right, right], dim=1)


def pair(both, first, second, neither):
    """Two runs with so many examples right in both, one, the other, none."""
    one = [1] * (both + first) + [0] * (second + neither)
    two = [1] * both + [0] * first + [1] * second + [0] * neither
    return decisions(one), decisions(two), torch.ones(len(one), dtype=torch.int64)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 9), (12, 12), (40, 20), (700, 800), (0, 30)])
def test_mcnemar_is_scipys_exact_binomial_test(first, second):
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)


def test_accuracy_is_compared_by_mcnemar():
    found = compare(*pair(50, 20, 5, 25), names=("net", "old"), resamples=300)
    assert (found.first, found.second) == (0.7, 0.55)
    assert found.test == "mcnemar" and found.discordant == (20, 5)
    assert found.p_value == pytest.approx(binomtest(5, 25).pvalue)
    assert found.better == "net" and found.significant
    assert "net is better" in str(found) and "right only in net: 20" in str(found)
    json.dumps(found.to_json())


def test_equal_runs_show_no_difference():
    one, _, targets = pair(50, 20, 5, 25)
    for test in ("mcnemar", "permutation", "bootstrap"):
        found = compare(one, one, targets, test=test, resamples=200)
        assert found.p_value == 1.0 and found.better is None and found.difference.estimate == 0.0
    assert "no proof of equality" in str(found)


def test_the_better_run_is_that_of_less_error():
    source = torch.Generator().manual_seed(0)
    targets = torch.randn(500, generator=source)
    noise = torch.randn(2, 500, generator=source)
    found = compare(targets + 0.7 * noise[0], targets + noise[1], targets, metric="rmse", resamples=400)
    assert found.first < found.second and found.better == "first" and found.p_value < 0.05
    assert found.difference.high < 0


def test_permutation_and_bootstrap_agree_with_the_paired_t_test_on_a_mean():
    source = torch.Generator().manual_seed(1)
    targets = torch.zeros(200)
    first = torch.randn(200, generator=source)
    second = first + 0.12 + 0.8 * torch.randn(200, generator=source)
    expected = ttest_rel(first.abs(), second.abs()).pvalue
    for test in ("permutation", "bootstrap"):
        found = compare(first, second, targets, metric="mae", test=test, resamples=3000)
        assert found.p_value == pytest.approx(expected, abs=0.02), test


def test_pairs_see_what_two_separate_intervals_do_not():
    source = torch.Generator().manual_seed(2)
    targets, hard = torch.zeros(100), 5 * torch.randn(100, generator=source)
    found = compare(hard.abs(), hard.abs() + 0.1, targets, metric="mae", resamples=500)
    assert found.p_value < 0.01 and found.difference.high - found.difference.low < 1e-6


def test_any_metric_can_be_compared_and_swapping_the_runs_swaps_the_sign():
    source = torch.Generator().manual_seed(3)
    targets = torch.randint(0, 2, (150,), generator=source)
    good = targets + 1.0 * torch.randn(150, generator=source)
    poor = targets + 3.0 * torch.randn(150, generator=source)
    found = compare(good, poor, targets, metric=AUC(), resamples=300)
    other = compare(poor, good, targets, metric=AUC(), resamples=300)
    assert found.better == "first" and other.better == "second"
    assert found.difference.estimate == pytest.approx(-other.difference.estimate)
    assert (found.difference.low, found.difference.high) == pytest.approx(
        (-other.difference.high, -other.difference.low)
    )


def test_exchanging_examples_is_the_metric_of_exchanged_predictions():
    source = torch.Generator().manual_seed(4)
    targets = torch.randint(0, 2, (30,), generator=source)
    one, two = torch.rand(2, 30, generator=source)
    exchange = torch.rand(3, 30, generator=source) < 0.5
    both = Pair(AUC(), one, two, targets, None, None)
    found = both.values(torch.ones(3, 30), exchange)
    for row in range(3):
        mixed = torch.where(exchange[row], two, one), torch.where(exchange[row], one, two)
        for value, predictions in zip(found, mixed, strict=True):
            assert float(value[row]) == pytest.approx(AUC().value(predictions, targets))


def test_groups_are_exchanged_together():
    one, two, targets = pair(10, 6, 0, 4)
    groups = torch.tensor([0] * 10 + [1] * 6 + [2] * 4)
    assert compare(one, two, targets, resamples=400).p_value < 0.05
    found = compare(one, two, targets, groups=groups, resamples=400)
    assert found.test == "permutation" and found.p_value > 0.4


def test_texts_and_distributions_can_be_compared():
    good, poor = ["a b c d e"] * 12, ["a b x d e"] * 12
    assert compare(good, poor, good, metric=BLEU(), resamples=100).better == "first"
    targets = torch.randn(40, generator=torch.Generator().manual_seed(5))
    sharp = {"mean": targets + 0.1, "std": torch.full((40,), 0.2)}
    wide = {"mean": targets + 0.1, "std": torch.full((40,), 3.0)}
    assert compare(sharp, wide, targets, metric="crps", resamples=100).better == "first"


def test_chance_finds_a_difference_as_rarely_as_it_should():
    found = []
    for seed in range(100):
        source = torch.Generator().manual_seed(seed)
        targets, first, second = torch.randn(3, 60, generator=source)
        found.append(compare(first, second, targets, metric="mae", resamples=100, seed=seed).p_value)
    assert sum(p < 0.1 for p in found) <= 18
    assert 0.35 < sum(found) / len(found) < 0.65


def test_what_cannot_be_compared_is_refused():
    one, two, targets = pair(5, 3, 2, 1)
    with pytest.raises(OptionError, match="mcnemar"):
        compare(one, two, targets, metric="f1_macro", test="mcnemar")
    with pytest.raises(OptionError, match="mcnemar"):
        compare(one, two, targets, weights=torch.ones(11), test="mcnemar")
    with pytest.raises(ShapeError):
        compare(one, two[:-1], targets)
    with pytest.raises(DataError, match="no examples"):
        compare(one[:0], two[:0], targets[:0])
    undefined = compare(one[:, 1], two[:, 1], targets, metric="auc", resamples=20)
    assert math.isnan(undefined.p_value) and undefined.better is None
    assert compare(one, two, targets, metric=Accuracy(), resamples=20).metric == "Accuracy"


def test_two_runs_are_compared_on_the_same_examples():
    digits = nr.data.load("digits")
    runs = []
    for widths in ((64,), (2,)):
        torch.manual_seed(0)
        network = nr.networks.MLP.for_data(digits.inputs, digits.targets, widths=widths)
        runs.append(nr.fit(nr.methods.Supervised(network), digits, epochs=2, progress=False))
    other = digits.test.subset(range(269, -1, -1))
    runs[1].data = Dataset("digits", digits.inputs, digits.targets, digits.train, digits.validation, other)
    found = compare_runs(*runs, digits, names=("wide", "narrow"), resamples=200)
    assert found.better == "wide" and found.examples == len(digits.test)
    assert found.first == pytest.approx(nr.studies.evaluate(runs[0], digits, resamples=0).metrics["accuracy"])
    with pytest.raises(DataError, match="same examples"):
        compare_runs(runs[0], runs[1], split="test")
