"""Anomalies from the shell: a CSV of times and values, a folder with labels, predict, the report."""

from __future__ import annotations

import csv
import json

import numpy
import pytest

from neurarium.cli.main import main


def write(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"2024-01-{1 + place // 288:02d} {place // 12 % 24:02d}:{5 * (place % 12):02d}:00,{value:.4f}" for place, value in enumerate(values)]  # fmt: skip
    path.write_text("\n".join(["timestamp,value", *rows]) + "\n")
    return path


def run(capsys, *words):
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def folder(tmp_path):
    chance = numpy.random.default_rng(0)
    for name in ("one", "two"):
        values = numpy.sin(numpy.arange(900) / 6) + 0.1 * chance.normal(size=900)
        values[600] = 4.0
        write(tmp_path / "data" / f"{name}.csv", values)
    window = ["2024-01-03 01:30:00", "2024-01-03 04:30:00"]
    (tmp_path / "data" / "windows.json").write_text(json.dumps({"one.csv": [window], "two.csv": [window]}))
    return tmp_path


COMMON = ("--time", "timestamp", "--target", "value", "--task", "anomaly", "--epochs", 3)


def test_one_file_from_training_to_alarms(folder, capsys):
    source = folder / "data" / "one.csv"
    code, out, err = run(capsys, "train", source, *COMMON, "--out", folder / "run", "--json", "-q")
    assert code == 0, err
    metrics = json.loads(out)["metrics"]
    assert metrics["anomalies"]["alarms"] >= 1 and metrics["test"]["rmse"] > 0
    code, out, _ = run(capsys, "predict", folder / "run", "--input", source)
    rows = list(csv.DictReader(out.splitlines()))
    assert code == 0 and list(rows[0]) == ["timestamp", "value", "expected", "score", "anomaly"]
    assert rows[600]["anomaly"] == "true" and rows[600]["timestamp"] == "2024-01-03 02:00:00"
    assert run(capsys, "evaluate", folder / "run", "--json", "-q")[0] == 0
    page = (folder / "run" / "report.html").read_text()
    assert "repeating the value before" in page and "the value before in place of the network gives" in page
    assert "What is odd" in page and "data:image/svg+xml" in page
    assert "<th scope=row>2024-01-03 02:00:00" in page  # when
    assert "<td class=number>4.0000" in page  # what was there
    assert page.index("What is odd") < page.index("What it gets right and wrong")


def test_a_folder_with_labels_is_judged_beside_the_windowed_gaussian(folder, capsys):
    code, out, err = run(capsys, "train", folder / "data", *COMMON, "--out", folder / "run", "--json", "-q")
    assert code == 0, err
    found = json.loads(out)["metrics"]["anomalies"]
    assert (
        found["windows"] == 2
        and found["nab_standard"] > 50
        and {"windowed_gaussian_standard", "value_before_standard"} < {*found}
    )
    page = (folder / "run" / "report.html").read_text()
    assert "windowed Gaussian" in page and "2 of 2 labelled windows found" in page
    assert run(capsys, "check", folder / "data", *COMMON[:6], "--no-timing")[0] == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--time", "moment", "--target", "value"], "no column"),
        (["--time", "timestamp", "--target", "value", "--set", "probation=0.01"], "too little to learn"),
        (["--time", "timestamp", "--set", "labels=nowhere.json"], "nowhere.json"),
    ],
)
def test_mistakes_exit_with_2_and_say_what_to_do(folder, capsys, words, told):
    code, _, err = run(capsys, "train", folder / "data" / "one.csv", "--task", "anomaly", *words)
    assert code == 2 and told in err and "Traceback" not in err
