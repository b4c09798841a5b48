"""`neurarium report`, and `train --report`: the page is written again, and what is stored is what was asked for."""

from __future__ import annotations

import json

import pytest

from neurarium.cli.main import main


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "iris"
    assert main(["train", "iris", "--epochs", "3", "--report", "none", "--out", str(folder), "--quiet"]) == 0
    return folder


def test_none_leaves_the_metrics_alone_and_results_are_the_same(run, tmp_path):
    assert (
        not (run / "evaluation" / "report.json").exists()
        and "Accuracy on test" in (run / "report.html").read_text()
    )
    other = tmp_path / "quick"
    assert main(["train", "iris", "--epochs", "3", "--out", str(other), "--quiet"]) == 0
    held = json.loads((other / "evaluation" / "report.json").read_text())
    assert held["extent"] == "quick" and len(held["baselines"]) == 3
    first, second = (json.loads((each / "results.json").read_text()) for each in (run, other))
    assert first["metrics"] == second["metrics"] and first["weights_sha256"] == second["weights_sha256"]
    assert "gradient boosting" in (other / "report.html").read_text()


def test_it_is_computed_later_and_written_elsewhere(run, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["report", str(run), "--out", str(page)]) == 0
    assert "--extent quick" in capsys.readouterr().err and "logistic regression" not in page.read_text()
    assert main(["report", str(run), "--extent", "quick", "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["left_out"] == {} and said["report"] == str(run / "report.html")
    assert "logistic regression" in (run / "report.html").read_text()


def test_a_wrong_extent_is_named(run, capsys):
    assert main(["report", str(run), "--extent", "ful"]) == 2
    assert "full" in capsys.readouterr().err
    assert main(["train", "iris", "--report", "ful"]) == 2
    assert "full" in capsys.readouterr().err
