"""Conformal prediction: the promised coverage, by simulation with numbers."""

from __future__ import annotations

import json
import math

import numpy
import pytest
import torch

from neurarium.core.errors import DataError, OptionError, ShapeError
from neurarium.studies import (
    ConformalIntervals,
    ConformalSets,
    calibrate_intervals,
    calibrate_sets,
    interval_coverage,
    set_coverage,
)
from neurarium.studies.decisions.conformal import conformal_quantile, set_scores


def classes(count, seed, kinds=5, sharpness=2.0):
    """Probabilities that are wrong on purpose (three times too sure), and targets."""
    source = torch.Generator().manual_seed(seed)
    logits = sharpness * torch.randn(count, kinds, generator=source)
    targets = torch.multinomial(torch.softmax(logits, 1), 1, generator=source)[:, 0]
    return torch.softmax(3 * logits, 1), targets


def quantities(count, seed):
    """Predictions with noise that grows with the input, and a network that knows half of it."""
    source = torch.Generator().manual_seed(seed)
    inputs = torch.rand(count, generator=source) * 3
    targets = inputs + (0.2 + inputs) * torch.randn(count, generator=source)
    std = 0.5 * (0.2 + inputs)
    quantiles = torch.stack([inputs - std, inputs + std], dim=1)
    return {"mean": inputs, "std": std, "quantiles": quantiles}, targets, inputs


def test_the_quantile_is_the_rank_of_one_more_example():
    scores = torch.arange(1.0, 20.0)  # 19 scores
    assert conformal_quantile(scores, 0.9) == 18.0
    assert conformal_quantile(scores, 0.95) == 19.0
    assert conformal_quantile(scores, 0.96) == math.inf
    assert (
        conformal_quantile(torch.arange(1.0, 10.0), 0.9) == 9.0
    )  # 10 * 0.9 is 9, not 10, in spite of rounding


@pytest.mark.parametrize(("how", "randomized"), [("lac", False), ("aps", True), ("aps", False)])
def test_sets_hold_the_truth_as_promised_on_average_over_calibration_splits(how, randomized):
    shares, sizes = [], []
    for seed in range(60):
        found = calibrate_sets(*classes(100, seed), level=0.8, how=how, randomized=randomized)
        scores, targets = classes(500, 10_000 + seed)
        coverage = set_coverage(found.sets(scores, seed=seed, allow_empty=True), targets)
        shares.append(coverage.share.estimate)
        sizes.append(coverage.size)
    mean, error = numpy.mean(shares), numpy.std(shares) / 60**0.5
    assert mean >= 0.8 - 2.5 * error
    if how == "lac" or randomized:
        assert mean <= 0.8 + 1 / 101 + 2.5 * error  # no more than one rank above
    assert 1.0 < numpy.mean(sizes) < 4.0


def test_the_plain_probabilities_do_not_keep_the_promise():
    scores, targets = classes(5000, 3)
    ordered, order = scores.sort(dim=1, descending=True)
    naive = torch.zeros_like(scores, dtype=torch.bool).scatter(1, order, ordered.cumsum(1) - ordered < 0.8)
    assert set_coverage(naive, targets).share.high < 0.79


def test_lac_has_the_smallest_sets_and_aps_adapts():
    calibration, fresh = classes(3000, 0), classes(3000, 1)
    lac = calibrate_sets(*calibration, how="lac").sets(fresh[0])
    aps = calibrate_sets(*calibration, how="aps").sets(fresh[0])
    assert lac.sum() < aps.sum()
    assert lac.any(1).all() and aps.any(1).all()


def test_per_class_the_promise_holds_for_each_class():
    def skewed(count, seed):
        scores, targets = classes(count, seed, kinds=3)
        return scores * torch.tensor([1.0, 0.3, 1.0]) / (scores * torch.tensor([1.0, 0.3, 1.0])).sum(
            1, keepdim=True
        ), targets

    plain, each = calibrate_sets(*skewed(3000, 0)), calibrate_sets(*skewed(3000, 0), per_class=True)
    scores, targets = skewed(6000, 1)
    of_class = targets == 1
    assert set_coverage(plain.sets(scores)[of_class], targets[of_class]).share.high < 0.88
    share = set_coverage(each.sets(scores, allow_empty=True)[of_class], targets[of_class]).share
    assert share.estimate == pytest.approx(0.9, abs=0.03)
    assert len(each.thresholds) == 3


def test_too_few_examples_give_every_class_and_infinite_intervals():
    found = calibrate_sets(*classes(5, 0), level=0.9)
    assert found.thresholds == (math.inf,) and found.sets(classes(4, 1)[0]).all()
    low, high = calibrate_intervals(torch.zeros(5), torch.ones(5), level=0.9).interval(torch.zeros(2))
    assert low.isneginf().all() and high.isposinf().all()


@pytest.mark.parametrize("how", ["absolute", "scaled", "quantile"])
def test_intervals_hold_the_truth_as_promised_on_average_over_calibration_splits(how):
    shares = []
    for seed in range(80):
        predictions, targets, _ = quantities(100, seed)
        found = calibrate_intervals(predictions, targets, level=0.8, how=how)
        fresh, truth, _ = quantities(400, 10_000 + seed)
        shares.append(interval_coverage(*found.interval(fresh), truth).share.estimate)
    mean, error = numpy.mean(shares), numpy.std(shares) / 80**0.5
    assert 0.8 - 2.5 * error <= mean <= 0.8 + 1 / 101 + 2.5 * error


def test_scaled_intervals_cover_easy_and_hard_examples_alike_and_absolute_ones_do_not():
    predictions, targets, _ = quantities(4000, 0)
    fresh, truth, inputs = quantities(4000, 1)
    easy = inputs < 1

    def covered(how):
        low, high = calibrate_intervals(predictions, targets, how=how).interval(fresh)
        return [
            interval_coverage(low[rows], high[rows], truth[rows]).share.estimate for rows in (easy, ~easy)
        ]

    gaps = {how: covered(how)[0] - covered(how)[1] for how in ("absolute", "quantile", "scaled")}
    assert covered("absolute")[0] > 0.98 and covered("absolute")[1] < 0.88
    assert covered("scaled") == pytest.approx([0.9, 0.9], abs=0.04)
    assert gaps["absolute"] > gaps["quantile"] > gaps["scaled"]  # margins that are added help half


def test_each_quantity_has_a_margin_of_its_own():
    targets = torch.stack([torch.arange(1.0, 20.0), 10 * torch.arange(1.0, 20.0)], dim=1)
    found = calibrate_intervals(torch.zeros(19, 2), targets, level=0.9)
    assert found.margins == (18.0, 180.0)
    low, high = found.interval(torch.tensor([[1.0, 1.0]]))
    assert low.tolist() == [[-17.0, -179.0]] and high.tolist() == [[19.0, 181.0]]


def test_a_negative_margin_narrows_and_never_turns_an_interval_around():
    predictions = {"quantiles": torch.tensor([[-10.0, 10.0]] * 30)}
    found = calibrate_intervals(predictions, torch.linspace(-1, 1, 30), level=0.8, how="quantile")
    assert found.margins[0] < -8
    low, high = found.interval({"quantiles": torch.tensor([[-10.0, 10.0], [-1.0, 3.0]])})
    assert high[0] - low[0] < 3 and low[1].item() == high[1].item() == 1.0


def test_they_travel_as_json():
    sets = calibrate_sets(*classes(5, 0), level=0.9, per_class=True, how="aps", randomized=False)
    assert ConformalSets.from_json(json.loads(json.dumps(sets.to_json(), allow_nan=False))) == sets
    intervals = calibrate_intervals(torch.zeros(5), torch.arange(5.0), level=0.5)
    assert (
        ConformalIntervals.from_json(json.loads(json.dumps(intervals.to_json(), allow_nan=False)))
        == intervals
    )


def test_the_scores_of_aps_are_sums_of_likelier_classes():
    found = set_scores(torch.tensor([[0.2, 0.5, 0.3]]), "aps", randomized=False)
    assert found.tolist()[0] == pytest.approx([1.0, 0.5, 0.8])
    drawn = set_scores(torch.tensor([[0.2, 0.5, 0.3]] * 500), "aps")
    assert float(drawn[:, 2].min()) == pytest.approx(0.5, abs=0.01) and float(
        drawn[:, 2].max()
    ) == pytest.approx(0.8, abs=0.01)


def test_what_cannot_be_calibrated_is_refused():
    scores, targets = classes(20, 0)
    with pytest.raises(OptionError, match="lac or aps"):
        calibrate_sets(scores, targets, how="raps")
    with pytest.raises(OptionError, match="level"):
        calibrate_sets(scores, targets, level=1.0)
    with pytest.raises(DataError):
        calibrate_sets(scores.log(), targets)
    with pytest.raises(DataError):
        calibrate_sets(scores, torch.zeros(20, 5))
    with pytest.raises(ShapeError, match="other classes"):
        calibrate_sets(scores, targets, per_class=True).sets(torch.tensor([[0.5, 0.5]]))
    with pytest.raises(OptionError, match="absolute, scaled or quantile"):
        calibrate_intervals(torch.zeros(3), torch.zeros(3), how="jackknife")
    with pytest.raises(ShapeError, match="lack std"):
        calibrate_intervals(torch.zeros(3), torch.zeros(3), how="scaled")
    with pytest.raises(DataError, match="no examples"):
        calibrate_intervals(torch.zeros(0), torch.zeros(0))
