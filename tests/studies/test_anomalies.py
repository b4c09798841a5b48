"""Anomalies: what a trained run finds in new traces, how it goes on after the training, and how it is judged."""

from __future__ import annotations

import numpy
import polars
import pytest

import neurarium as nr
from neurarium.data.trace import Trace
from neurarium.studies.anomalies.study import detect, judge, watch

LENGTH = 1200


def wave(length=LENGTH, start=0):
    return (
        20
        + 5 * numpy.sin((numpy.arange(length) + start) / 6)
        + 0.1 * numpy.random.default_rng(start).normal(size=length)
    )


def frame(values, start=0):
    return {"minute": numpy.arange(float(start), start + len(values)), "value": values}


@pytest.fixture(scope="module", params=["forecast", "reconstruction"])
def run(request, tmp_path_factory):
    data = nr.data.traces(
        frame(wave()), "value", time="minute", window=16, probation=0.5, detector=request.param
    )
    folder = tmp_path_factory.mktemp("anomalies") / "run"
    nr.studies.train(data, epochs=15, progress=False, out=folder)
    return nr.load(folder)


def test_a_value_out_of_place_is_found_though_it_is_in_the_usual_range(run):
    values = wave()
    values[1008] = 40 - values[1008]  # mirrored: as usual a value as any, at the wrong time
    found, _ = detect(run, frame(values))
    assert found.columns == ["minute", "value", "expected", "score", "anomaly"] and found.height == LENGTH
    assert found["score"].is_between(0, 1).all()
    assert (
        found["score"][600:].arg_max() + 600 in range(1007, 1011)
        if run.preparation.detector == "forecast"
        else True
    )
    assert not found["anomaly"][:600].any()  # what was learned from has no alarm


def test_a_changed_future_changes_no_score_before_it(run):
    values = wave()
    changed = values.copy()
    changed[700:] = 1e4 * numpy.random.default_rng(1).normal(size=LENGTH - 700)
    one, two = (detect(run, frame(each))[0] for each in (values, changed))
    for column in ("expected", "score", "anomaly"):
        assert one[column][:700].to_list() == pytest.approx(two[column][:700].to_list(), abs=1e-5)
    assert one["score"][700:].to_list() != two["score"][700:].to_list()


def test_what_follows_the_training_goes_on_from_it(run):
    more = wave(300, start=LENGTH)
    more[100] = 60.0
    after, _ = detect(run, frame(more, start=LENGTH))
    together, _ = detect(run, frame(numpy.concatenate([wave(), more])))
    assert after["score"].to_list() == pytest.approx(together["score"][LENGTH:].to_list(), abs=1e-5)
    assert after["anomaly"][100] and after["score"][100] == 1.0


def test_several_traces_are_told_apart(run, tmp_path):
    for name in ("a", "b"):
        polars.DataFrame(frame(wave(400))).write_csv(tmp_path / f"{name}.csv")
    found, _ = detect(run, tmp_path)
    assert found["trace"].unique(maintain_order=True).to_list() == ["a.csv", "b.csv"] and found.height == 800


def test_labels_judge_and_choose_the_threshold_of_the_run(run):
    values = wave()
    values[800], values[1000] = 60.0, -20.0
    marked = Trace("x", [""] * LENGTH, numpy.arange(float(LENGTH)), values, ((795, 830), (995, 1030)))
    found = judge(run, [marked])
    assert found["nab_standard"] > 90 and found["windows_found"] == 2
    assert run.preparation.threshold == found["threshold"]
    assert nr.load(run.folder).preparation.threshold == found["threshold"]
    watched = watch(run, [marked])[0]
    assert watched.alarms(found["threshold"])[[800, 1000]].all()


def test_without_labels_alarms_are_counted(run):
    plain = Trace("x", [""] * LENGTH, numpy.arange(float(LENGTH)), wave())
    found = judge(run, [plain])
    assert set(found) == {"threshold", "alarms", "value_before_alarms", "moments"}
