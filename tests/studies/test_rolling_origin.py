"""Rolling origin: each fold forecasts what comes after all that it was trained on; the test part is never read."""

from __future__ import annotations

import numpy
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.studies import roll_origin


def read(values, **more):
    table = {"step": list(range(len(values))), "y": values}
    return nr.data.forecast(table, "y", time="step", horizon=5, lookback=10, season=6, **more)


def method(data):
    return nr.methods.Supervised(nr.networks.NLinear.for_data(data.inputs, data.targets), learning_rate=1e-2)


@pytest.fixture(scope="module")
def values():
    chance = numpy.random.default_rng(0)
    return 10 * numpy.sin(numpy.arange(400) / 6 * 2 * numpy.pi) + chance.normal(size=400)


def test_folds_follow_each_other_and_stop_before_the_test_part(values):
    data = read(values)
    found = roll_origin(method, data, folds=3, epochs=3, progress=False)
    assert data.summary["borders"] == [280, 340, 400]
    blocks = [85, 170, 255, 340]
    frame = found.frame()
    for number in range(3):
        steps = frame.filter(frame["fold"] == number + 1)["step"]
        assert steps.min() == blocks[number] and steps.max() < blocks[number + 1]
        assert steps.is_unique().all()
    numpy.testing.assert_allclose(
        frame["target"].to_numpy(), values[frame["step"].to_numpy()], rtol=1e-4, atol=1e-4
    )
    assert found.report.examples == 3 * (85 - 5 + 1) == len(found.rows)
    assert found.report.metrics["mse"] == pytest.approx(numpy.mean([each["mse"] for each in found.folds]))
    assert found.report.intervals["mse"].low < found.mean("mse") < found.report.intervals["mse"].high
    assert "seasonal naive" in str(found)


def test_what_comes_later_changes_no_earlier_fold(values):
    changed = values.copy()
    changed[255:] = 1e4
    one, two = (
        roll_origin(method, read(each), folds=3, epochs=2, progress=False) for each in (values, changed)
    )
    for first, second in zip(one.runs[:2], two.runs[:2], strict=True):
        for name, weight in first.network.state_dict().items():
            assert torch.equal(weight, second.network.state_dict()[name])
    assert one.folds[1]["mse"] == two.folds[1]["mse"] and one.folds[2]["mse"] != two.folds[2]["mse"]


def test_folds_that_cannot_be_cut_are_refused(values):
    with pytest.raises(OptionError, match="does not hold a horizon"):
        roll_origin(method, read(values), folds=90, progress=False)
    with pytest.raises(OptionError, match="too little to train on"):
        roll_origin(method, read(values), folds=30, progress=False)
    with pytest.raises(OptionError, match="too few folds"):
        roll_origin(method, read(values), folds=1)
