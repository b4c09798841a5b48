"""Prediction sets of a run: they hold the truth as often as promised, are kept, used by predict and taken back."""

from __future__ import annotations

import json

import pytest

import neurarium as nr
from neurarium.core.errors import ArtifactError, OptionError, RefusalError


@pytest.fixture
def run(tmp_path):
    data = nr.data.load("digits")
    return nr.studies.train(data, "perceptron", epochs=3, progress=False, out=tmp_path / "run"), data


def test_sets_hold_the_truth_as_often_as_promised_and_grow_with_the_level(run):
    run, data = run
    sizes = []
    for level in (0.8, 0.9, 0.99):
        found = nr.studies.choose_sets(run, data, level=level)
        assert found.test.share.high >= level  # 270 test digits
        sizes.append(found.test.size)
    assert sizes[0] < sizes[1] < sizes[2] < 10


def test_predict_names_the_set_and_forgetting_takes_it_back(run):
    run, data = run
    nr.studies.choose_sets(run, data, level=0.99)
    again = nr.load(run.folder)
    frame = nr.studies.predict(again, data.test.batch["inputs"].numpy()[:40])
    held = json.loads((run.folder / "sets.json").read_text())
    for row in frame.iter_rows(named=True):
        names = row["prediction_set"].split(", ")
        assert names[0] == row["prediction"]
        inside = [k for k in map(str, range(10)) if 1 - row[f"probability_{k}"] <= held["thresholds"][0]]
        assert sorted(names) == sorted(inside or [row["prediction"]])
    assert "sets.json" in nr.studies.prediction.decision_rule.forget(again)
    assert "prediction_set" not in nr.studies.predict(again, data.test.batch["inputs"].numpy()[:2]).columns


def test_other_weights_and_a_new_temperature_end_the_sets(run):
    run, data = run
    nr.studies.choose_sets(run, data)
    held = json.loads((run.folder / "sets.json").read_text())
    (run.folder / "sets.json").write_text(json.dumps({**held, "weights_sha256": "0" * 64}))
    with pytest.raises(ArtifactError, match="other weights"):
        nr.studies.predict(nr.load(run.folder), data.test.batch["inputs"].numpy()[:2])
    nr.studies.calibrate_run(run, data)
    assert not (run.folder / "sets.json").exists()


def test_levels_and_targets_that_have_no_sets(run):
    run, data = run
    with pytest.raises(OptionError, match="between 0 and 1"):
        nr.studies.choose_sets(run, data, level=1.5)
    houses = nr.data.load("diabetes")
    other = nr.studies.train(houses, "perceptron", epochs=1, progress=False)
    with pytest.raises(RefusalError, match="classes"):
        nr.studies.choose_sets(other, houses)
