"""`neurarium evaluate`: the same figures as after training, and those of other data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_the_splits_of_the_training_data(trained, run_line):
    run = trained / "runs/flowers-1"
    held = json.loads((run / "results.json").read_text())["metrics"]
    for split in ("validation", "test"):
        code, value, shown = run_line("evaluate", run, "--split", split)
        assert code == 0 and value["split"] == split
        assert value["metrics"] == pytest.approx(held[split])
    low, high = value["intervals"]["accuracy"]
    assert low <= value["metrics"]["accuracy"] <= high
    assert "setosa" in shown and "truth \\ predicted" in shown


def test_other_data_and_its_confusion_matrix(trained, run_line):
    lines = (trained / "flowers.csv").read_text().splitlines()
    Path("some.csv").write_text("\n".join([lines[0], *lines[1:31]]) + "\n")
    code, value, _ = run_line("evaluate", trained / "runs/flowers-1", "-i", "some.csv")
    matrix = value["confusion"]
    assert code == 0 and value["examples"] == 30 and value["classes"] == ["lily", "setosa", "virginica"]
    assert [sum(row) for row in matrix] == [10, 10, 10]
    assert sum(matrix[k][k] for k in range(3)) / 30 == pytest.approx(value["metrics"]["accuracy"])
    assert value["per_class"]["lily"]["recall"] == pytest.approx(matrix[0][0] / 10)


def test_the_training_data_under_another_name_is_told(trained, run_line):
    whole = (trained / "flowers.csv").read_bytes()
    Path("copy.csv").write_bytes(whole)
    Path("new.csv").write_bytes(whole.rpartition(b"\n")[0].rpartition(b"\n")[0] + b"\n")
    for name, told in (("copy.csv", True), ("new.csv", False)):
        code, _, shown = run_line("evaluate", trained / "runs/flowers-1", "-i", name)
        assert code == 0 and ("too good" in shown) is told


def test_regression(trained, run_line):
    code, value, _ = run_line("evaluate", trained / "runs/houses-1")
    assert code == 0 and value["confusion"] is None
    assert value["metrics"]["rmse"] >= value["metrics"]["mae"] > 0


def test_a_split_and_a_file_together(trained, run_line):
    code, value, _ = run_line("evaluate", trained / "runs/houses-1", "-i", "a.csv", "--split", "test")
    assert code == 2 and "--input is other data" in value["error"]["problem"]
    code, value, _ = run_line("evaluate", trained / "runs/houses-1", "--split", "tests")
    assert code == 2 and value["error"]["fix"] == "did you mean 'test'?"
