"""Permutation importance: equal to a computation by hand, and where it was planted."""

from __future__ import annotations

import numpy
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import RefusalError
from neurarium.core.seeds import derive, generator


@pytest.fixture(scope="module")
def run():
    chance = numpy.random.default_rng(0)
    frame = {"used": chance.normal(size=600), "idle": chance.normal(size=600)}
    frame["gaps"] = numpy.where(chance.random(600) < 0.3, numpy.nan, chance.normal(size=600))
    frame["t"] = (frame["used"] + 2 * numpy.isnan(frame["gaps"]) > 0.6).astype(int)
    data = nr.data.table(frame, "t")
    return nr.studies.train(data, "mlp", options={"widths": "32"}, epochs=40, progress=False)


def test_it_equals_a_computation_by_hand(run):
    found = nr.studies.permutation_importance(run, repeats=2, seed=7)
    batch = run.data.test.take(slice(None))

    def accuracy(numeric):
        with torch.no_grad():
            outputs = run.network({"numeric": numeric})
        return float(((outputs[:, 0] > 0).long() == batch["targets"]).double().mean())

    numeric, base = batch["inputs"]["numeric"], accuracy(batch["inputs"]["numeric"])
    names = list(run.inputs.numeric)
    places = {"used": [names.index("used")], "gaps": [names.index("gaps"), names.index("gaps is missing")]}
    for column, which in places.items():
        source = generator(derive(7, "importance"), column)
        expected = []
        for _ in range(2):
            order = torch.randperm(len(numeric), generator=source)
            changed = numeric.clone()
            changed[:, which] = numeric[order][:, which]
            expected.append(base - accuracy(changed))
        assert found.drops[found.columns.index(column)] == pytest.approx(expected)
    assert found.base == pytest.approx(base) and found.metric == "accuracy"


def test_what_is_used_stands_before_what_is_idle(run):
    found = nr.studies.permutation_importance(run, repeats=5)
    means = dict(zip(found.columns, found.means, strict=True))
    assert found.columns[-1] == "idle" and abs(means["idle"]) < 0.04
    assert means["used"] > 0.15 and means["gaps"] > 0.15  # the gap says something, not the value
    assert all(spread >= 0 for spread in found.spreads) and "idle" in str(found)


def test_a_metric_to_be_minimized_rises(run):
    found = nr.studies.permutation_importance(run, metric="log_loss", repeats=2)
    assert dict(zip(found.columns, found.means, strict=True))["used"] > 0.2


def test_images_have_no_columns():
    run = nr.studies.train(nr.data.load("digits"), "mlp", options={"widths": "8"}, epochs=1, progress=False)
    with pytest.raises(RefusalError, match="no columns"):
        nr.studies.permutation_importance(run)
