"""`neurarium runs`: list, show, remove."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from neurarium.cli.folders import run_names
from neurarium.cli.main import main


@pytest.fixture(autouse=True)
def _copy(trained):
    shutil.copytree(trained / "runs", "runs")


def test_list(run_line):
    for words in (("runs",), ("runs", "list")):
        code, value, shown = run_line(*words)
        assert code == 0
        assert [each["run"] for each in value["runs"]] == ["runs/flowers-1", "runs/houses-1"]
        assert value["runs"][0]["network"] == "mlp" and value["runs"][1]["metrics"]["test"]["rmse"] > 0
        assert "rmse" in shown and "accuracy" in shown


def test_list_elsewhere_and_of_damaged_runs(run_line):
    code, value, shown = run_line("runs", "--folder", "nowhere")
    assert (code, value["runs"]) == (0, []) and "neurarium train digits" in shown
    Path("runs/flowers-1/config.yaml").write_text("a: [")
    Path("runs/houses-1/results.json").write_text("{")
    code, value, shown = run_line("runs")
    assert code == 0 and all(each["damaged"] for each in value["runs"]) and shown.count("damaged") >= 2


def test_show(run_line):
    code, value, shown = run_line("runs", "show", "flowers-1")
    assert code == 0 and value["run"] == "runs/flowers-1"
    assert any(row["subject"] == "batch size" for row in value["plan"])
    assert "--target species --network mlp --set widths=16 --set learning_rate=0.02 --epochs 30" in shown


def test_remove_asks(run_line, monkeypatch):
    monkeypatch.setattr("typer.confirm", lambda text: False)
    assert run_line("runs", "remove", "flowers-1")[0] == 2
    assert Path("runs/flowers-1").is_dir()
    assert run_line("runs", "remove", "flowers-1", "--yes")[1]["removed"] == ["runs/flowers-1"]
    assert not Path("runs/flowers-1").exists() and Path("runs/houses-1").is_dir()


def test_several_runs_are_removed_by_name_and_pattern(run_line, capfd):
    for name in ("a-1", "a-2", "a-10", "b-1"):
        Path(f"runs/{name}").mkdir()
        Path(f"runs/{name}/config.yaml").touch()
    Path("runs/a-notes").mkdir()
    assert run_line("runs", "remove", "b-1", "a-*", "a-1", "--yes")[1]["removed"] == [
        "runs/b-1",
        "runs/a-1",
        "runs/a-2",
        "runs/a-10",
    ]
    assert Path("runs/a-notes").is_dir() and not Path("runs/a-10").exists()
    assert main(["runs", "remove", "houses-1", "a-*", "--yes"]) == 2
    assert "no run fits 'a-*'" in capfd.readouterr().err and Path("runs/houses-1").is_dir()


def test_only_runs_are_removed(capfd):
    Path("thesis").mkdir()
    assert main(["runs", "remove", "thesis", "--yes"]) == 2
    assert "thesis is not a run" in capfd.readouterr().err and Path("thesis").is_dir()


def test_names_are_in_the_order_of_their_numbers(tmp_path):
    for name in ("a-10", "a-9", "b-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").touch()
    assert run_names(tmp_path) == ["a-9", "a-10", "b-1"]
