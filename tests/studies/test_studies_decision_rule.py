"""Decision rules: what is calibrated and chosen on validation is kept in the run, and used by predict."""

from __future__ import annotations

import json
import math

import numpy
import polars
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import ArtifactError, RefusalError
from neurarium.studies.prediction.decision_rule import (
    DecisionRule,
    calibrate_run,
    choose_rule,
    forget,
    rule_of,
)
from neurarium.studies.prediction.learner import learner_of
from neurarium.studies.prediction.seen import predictions_of


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A table of two classes that overlap: one in five is `late`."""
    path = tmp_path_factory.mktemp("loans") / "loans.csv"
    chance = numpy.random.default_rng(0)
    inputs = chance.normal(size=(600, 2))
    late = inputs[:, 0] + chance.normal(size=600) > 1.2
    polars.DataFrame(
        {"a": inputs[:, 0], "b": inputs[:, 1], "paid": ["late" if each else "good" for each in late]}
    ).write_csv(path)
    return path


@pytest.fixture
def run(table, tmp_path):
    data = nr.studies.read_data(table, target="paid")
    options = {"widths": "32", "learning_rate": "0.02"}
    nr.studies.train(
        data, "mlp", options=options, epochs=15, progress=False, keep="last", out=tmp_path / "run",
        config={"data": str(table), "target": "paid"},
    )  # fmt: skip
    return nr.load(tmp_path / "run")


def probabilities(run, table):
    return nr.studies.predict(run, table).select("probability_good", "probability_late").to_numpy()


def test_a_temperature_is_kept_and_every_study_uses_it(run, table):
    before = probabilities(run, table)
    found = calibrate_run(run)
    again = nr.load(run.folder)
    after = probabilities(again, table)
    # of two classes: logit / temperature
    expected = 1 / (1 + numpy.exp(-numpy.log(before[:, 1] / before[:, 0]) / found.temperature))
    assert abs(found.temperature - 1) > 0.01 and after[:, 1] == pytest.approx(expected, abs=1e-5)
    measured = nr.studies.evaluate(again, split="validation", resamples=0)
    assert measured.metrics["log_loss"] == pytest.approx(found.loss_after, abs=1e-5)
    second = calibrate_run(again)  # from the network itself, not from what is calibrated already
    assert second.temperature == pytest.approx(found.temperature, rel=1e-6)
    assert forget(again) == ["calibration.json"]
    assert probabilities(nr.load(run.folder), table) == pytest.approx(before)


def test_a_threshold_for_costs_changes_predictions_alone(run, table):
    before, plain = probabilities(run, table), nr.studies.predict(run, table)["prediction"].to_list()
    rule = choose_rule(run, costs=((0, 1), (5, 0)))
    assert rule.goal == "cost" and rule.score <= rule.plain and rule.thresholds[0] < 0.5
    again = nr.load(run.folder)
    assert rule_of(again) == rule
    said = nr.studies.predict(again, table)["prediction"].to_list()
    assert said == ["late" if each > rule.thresholds[0] else "good" for each in before[:, 1]]
    assert said.count("late") > plain.count("late")
    assert probabilities(again, table) == pytest.approx(before)


def test_a_limit_is_kept_on_validation(run):
    rule = choose_rule(run, goal="precision", at_least={"recall": 0.9})
    seen = predictions_of(learner_of(run), nr.studies.read_data(run.config["data"], target="paid").validation)
    hits = rule.decide(seen.predictions)[seen.targets == 1]
    assert hits.double().mean() >= 0.9


def test_costs_of_several_classes():
    wine = nr.data.load("wine")
    run = nr.studies.train(wine, "mlp", options={"widths": "8"}, epochs=4, progress=False)
    costs = [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [50.0, 50.0, 0.0]]  # never miss the third
    rule = choose_rule(run, costs=costs)
    seen = predictions_of(learner_of(run), wine.validation)
    expected = (seen.predictions.double() @ torch.tensor(costs, dtype=torch.float64)).argmin(dim=1)
    assert torch.equal(rule.decide(seen.predictions), expected) and rule.score <= rule.plain
    with pytest.raises(RefusalError, match="several classes have none"):
        choose_rule(run, at_least={"recall": 0.9})


def test_what_was_found_belongs_to_its_weights(run, table):
    calibrate_run(run)
    choose_rule(run)
    for name in ("calibration.json", "thresholds.json"):
        path = run.folder / name
        text = path.read_text()
        path.write_text(json.dumps({**json.loads(text), "weights_sha256": "0" * 64}))
        with pytest.raises(ArtifactError, match="other weights"):
            nr.studies.predict(nr.load(run.folder), table)
        path.write_text(text)
    path = run.folder / "calibration.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "temperature": -1}))
    with pytest.raises(ArtifactError, match="damaged"):
        nr.studies.predict(nr.load(run.folder), table)


def test_a_new_temperature_takes_thresholds_back_and_quantities_are_refused(run):
    choose_rule(run)
    calibrate_run(run)
    assert not (run.folder / "thresholds.json").exists() and rule_of(run) is None
    data = nr.data.load("diabetes") if "diabetes" in nr.data.catalogue.entries.ENTRIES else None
    if data is not None:
        with pytest.raises(RefusalError, match="only probabilities of classes"):
            calibrate_run(nr.studies.train(data, "mlp", epochs=1, progress=False))


def test_labels_have_a_threshold_each():
    rule = DecisionRule("f1", thresholds=(0.2, 0.8))
    assert rule.decide(torch.tensor([[0.3, 0.5], [0.1, 0.9]])).tolist() == [[1, 0], [0, 1]]
    assert math.isnan(rule.score) and "thresholds 0.2, 0.8" in str(rule)


def test_evaluate_decides_by_the_rule_and_measures_probabilities_as_before(run):
    plain = nr.studies.evaluate(run, resamples=0)
    rule = choose_rule(run, costs=((0, 1), (50, 0)))
    ruled = nr.studies.evaluate(run, resamples=0)
    late = [sum(row[1] for row in each.confusion) for each in (plain, ruled)]
    assert late[1] > late[0], "misses are dear: more are said to be late"
    assert ruled.rule == str(rule) and not plain.rule
    assert (
        ruled.metrics["auc"] == plain.metrics["auc"]
        and ruled.metrics["log_loss"] == plain.metrics["log_loss"]
    )
    right = sum(ruled.confusion[place][place] for place in range(2))
    assert ruled.metrics["accuracy"] == pytest.approx(right / ruled.examples)
