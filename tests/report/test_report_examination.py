"""What the report computes beyond the metrics: it is what it says, and changes nothing of the run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.data.specs import Classes, Quantity
from neurarium.report import render, write_report
from neurarium.studies.examination.diagnosis import calibration_of, curves_of, residuals_of, thresholds_of
from neurarium.studies.examination.study import columns_of
from neurarium.studies.prediction.seen import Seen


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    chance = numpy.random.default_rng(0)
    x = chance.normal(size=(400, 2))
    frame = {
        "a": x[:, 0],
        "b": x[:, 1],
        "kind": numpy.where(x[:, 0] + 0.3 * chance.normal(size=400) > 0, "yes", "no"),
    }
    data = nr.data.table(frame, "kind", name="two")
    folder = tmp_path_factory.mktemp("run") / "two"
    return nr.studies.train(data, "mlp", options={"widths": "8"}, epochs=8, out=folder, progress=False)


def test_it_changes_nothing_of_the_run(run):
    weights = {name: value.clone() for name, value in run.network.state_dict().items()}
    results = Path(run.folder, "results.json").read_bytes()
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    numpy.random.seed(1)
    state = numpy.random.get_state()[1].copy()
    found = nr.studies.examine(run)
    assert torch.equal(torch.rand(2), expected) and (numpy.random.get_state()[1] == state).all()
    assert all(torch.equal(value, weights[name]) for name, value in run.network.state_dict().items())
    assert Path(run.folder, "results.json").read_bytes() == results
    assert found["left_out"] == {}


def test_it_is_kept_and_the_page_is_written_again(run):
    nr.studies.examine(run)
    write_report(run, command="neurarium train x")
    page = Path(run.folder, "report.html").read_text(encoding="utf-8")
    again = nr.load(run.folder)
    assert nr.studies.examination_of(again) == json.loads(
        json.dumps({**run.examination, "format_version": 1})
    )
    assert render(again, command="neurarium train x") == page
    for title in (
        "Do the probabilities mean what they say",
        "Where to cut",
        "Where it does worst",
        "What it looks at",
    ):
        assert title in page


def test_two_examinations_find_the_same(run):
    first, second = (nr.studies.examine(run) for _ in range(2))
    for held in (first, second):
        held.pop("seconds", None)
        for each in held["baselines"]:
            each.pop("seconds", None)
    assert first == second


def test_another_extent_is_refused(run):
    with pytest.raises(OptionError, match="no such extent"):
        nr.studies.examine(run, extent="huge")


def test_a_part_that_fails_is_named_and_the_rest_stands(run, monkeypatch):
    def broken(*_):
        raise ValueError("no curves today")

    monkeypatch.setattr("neurarium.studies.examination.study.curves_of", broken)
    found = nr.studies.examine(run)
    assert found["left_out"] == {"curves": "no curves today"} and found["slices"] and found["baselines"]
    assert "no curves today" in render(run)
    monkeypatch.undo()
    nr.studies.examine(run)


def test_columns_tell_ranges_and_gaps():
    frame = {"n": [1.0, None, 3.0, 5.0] * 25, "c": ["x", "x", "y", None] * 25, "t": [0, 1] * 50}
    data = nr.data.table(frame, "t", validation=0, test_fraction=0)
    number, name = columns_of(data, data.preparation)
    assert number["quartiles"] == [1.0, 1.0, 3.0, 5.0, 5.0] and number["missing"] == pytest.approx(0.25)
    assert name["top"] == [["x", 0.5], ["y", 0.25]] and name["missing"] == pytest.approx(0.25)
    assert name["different"] == 2 and sum(number["histogram"]) == 75


def test_curves_and_calibration_equal_scikit_learn():
    from sklearn.metrics import average_precision_score, roc_auc_score

    chance = numpy.random.default_rng(1)
    truth = chance.integers(0, 2, 800)
    scores = numpy.clip(0.3 * truth + 0.7 * chance.random(800), 0.001, 0.999)
    seen = Seen(torch.tensor(numpy.stack([1 - scores, scores], 1)), torch.tensor(truth), None, None)
    targets = Classes(("no", "yes"))
    (curve,) = curves_of(seen, targets)
    assert curve["name"] == "yes" and curve["auc"] == pytest.approx(roc_auc_score(truth, scores), abs=1e-9)
    assert curve["average_precision"] == pytest.approx(average_precision_score(truth, scores), abs=1e-9)
    assert curve["roc"][0] == (0.0, 0.0) and curve["roc"][-1] == (1.0, 1.0)
    assert len(curve["roc"]) <= 120 and len(curve["pr"]) <= 120
    held = calibration_of(seen, seen, targets)
    sharper = Seen(seen.predictions**4 / (seen.predictions**4).sum(1, keepdim=True), seen.targets, None, None)
    sharp = calibration_of(sharper, sharper, targets)
    assert sharp["temperature"] == pytest.approx(4 * held["temperature"], rel=1e-3)
    assert sharp["log_loss"][1] < sharp["log_loss"][0]


def test_thresholds_and_costs_equal_counting():
    chance = numpy.random.default_rng(2)
    truth = (chance.random(500) < 0.2).astype(int)
    scores = numpy.clip(0.3 * truth + 0.6 * chance.random(500), 0, 1)
    seen = Seen(torch.tensor(numpy.stack([1 - scores, scores], 1)), torch.tensor(truth), None, None)
    held = thresholds_of(seen, seen, Classes(("no", "yes")))
    at = held["curve"]["threshold"].index(0.5)
    said = scores > 0.5
    hits, alarms, misses = (
        (said & (truth == 1)).sum(),
        (said & (truth == 0)).sum(),
        (~said & (truth == 1)).sum(),
    )
    assert held["curve"]["f1"][at] == pytest.approx(2 * hits / (2 * hits + alarms + misses))
    assert held["curve"]["recall"][at] == pytest.approx(hits / (hits + misses))
    missed = next(each for each in held["costs"] if each["missed"] == 5)
    assert missed["curve"][at] == pytest.approx((5 * misses + alarms) / 500)
    assert missed["test_at_half"] == pytest.approx((5 * misses + alarms) / 500)
    assert (
        missed["validation"] == pytest.approx(missed["test"])
        and missed["validation"] <= min(missed["curve"]) + 1e-12
    )
    assert held["f1"]["validation"] == pytest.approx(held["f1"]["test"])


def test_residuals_by_tenths_equal_numpy():
    chance = numpy.random.default_rng(3)
    said = chance.normal(size=200)
    truth = said + 0.5 + numpy.where(said > 0, 2.0, 0.1) * chance.normal(size=200)
    seen = Seen(torch.tensor(said)[:, None], torch.tensor(truth)[:, None], None, None)
    intervals = nr.studies.calibrate_intervals(seen.predictions, seen.targets, level=0.8)
    (held,) = residuals_of(seen, Quantity(("y",)), intervals)
    order = numpy.argsort(said)
    first = (said - truth)[order[:20]]
    assert held["tenths"][0]["bias"] == pytest.approx(first.mean())
    assert held["tenths"][0]["mae"] == pytest.approx(numpy.abs(first).mean())
    assert sum(each["covered"] * each["examples"] for each in held["tenths"]) == pytest.approx(
        held["covered"] * 200
    )
    assert (
        held["covered"] == pytest.approx(0.8, abs=0.02)
        and held["tenths"][0]["covered"] > held["tenths"][-1]["covered"]
    )
