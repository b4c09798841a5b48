"""The examination of a run: every kind of targets gets the parts that make sense, an unknown kind is no failure."""

from __future__ import annotations

import torch

import neurarium as nr
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.specs import Array, Classes, Unlabeled
from neurarium.report import render


def test_each_kind_of_targets_has_its_parts():
    run = nr.studies.train(nr.data.load("diabetes"), "mlp", epochs=2, progress=False)
    found = nr.studies.examine(run)
    assert {"residuals", "slices", "errors", "baselines", "importance", "columns"} <= set(found)
    assert not {"curves", "calibration", "thresholds"} & set(found)
    chance = torch.Generator().manual_seed(0)
    x = torch.randn(240, 4, generator=chance)
    parts = [
        Examples({"inputs": x[a:b], "targets": (x[a:b, :3] > 0).float()})
        for a, b in ((0, 120), (120, 180), (180, 240))
    ]
    data = Dataset("labels", Array((4,)), Classes(("a", "b", "c"), several=True), *parts)
    run = nr.studies.train(data, "mlp", epochs=2, progress=False)
    found = nr.studies.examine(run)
    assert {"curves", "calibration", "slices", "errors", "baselines"} <= set(
        found
    ) and "thresholds" not in found
    assert found["slices"]["measure"] == "share of wrong labels" and found["left_out"] == {}
    assert nr.studies.examination_of(run) is run.examination


def test_unknown_targets_leave_a_page_and_a_reason():
    data = nr.data.load("iris")
    run = nr.studies.train(data, "mlp", epochs=2, progress=False)
    run.targets = run.method.targets = Unlabeled()
    found = nr.studies.examine(run, data)
    assert "Unlabeled targets have no error" in found["left_out"]["baselines and errors"] and found["columns"]
    assert "Not in this report" in render(run)
