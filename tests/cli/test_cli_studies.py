"""The verbs of the studies: compare, calibrate, thresholds, cross-validate, learning-rate, signal, profile."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

QUICK = ("--network", "mlp", "--set", "widths=16", "-s", "learning_rate=0.02")


@pytest.fixture
def own(trained, tmp_path):
    """A copy of the run of flowers, which a test may change."""
    shutil.copytree(trained / "runs/flowers-1", tmp_path / "runs/flowers-1")
    return tmp_path / "runs/flowers-1"


def test_calibrate_and_thresholds_are_used_by_predict(own, trained, run_line):
    data = trained / "flowers.csv"
    code, value, shown = run_line("calibrate", own)
    assert code == 0 and value["loss_after"] <= value["loss_before"] and "temperature" in shown
    assert json.loads((own / "calibration.json").read_text())["temperature"] == value["temperature"]
    code, value, _ = run_line("thresholds", own, "--cost", "lily:setosa=100", "--cost", "lily:virginica=100")
    assert code == 0 and value["goal"] == "cost" and value["costs"][0] == [0, 100, 100]
    assert (
        set(value["measured"]) == {"validation", "test"} and "mean cost" in value["measured"]["test"]["rule"]
    )
    _, before, _ = run_line("predict", trained / "runs/flowers-1", "-i", data)
    _, after, _ = run_line("predict", own, "-i", data)
    counts = [[row["prediction"] for row in each["predictions"]].count("lily") for each in (before, after)]
    assert counts[1] >= counts[0] >= 30
    code, value, _ = run_line("thresholds", own, "--remove")
    assert sorted(value["removed"]) == ["calibration.json", "thresholds.json"]
    _, again, _ = run_line("predict", own, "-i", data)
    assert again["predictions"] == before["predictions"]


def test_prediction_sets_are_calibrated_used_and_taken_back(own, trained, run_line):
    code, value, shown = run_line("calibrate", own, "--sets", 0.8, "--per-class")
    assert code == 0 and value["level"] == 0.8 and len(value["thresholds"]) == 3 and "test" in shown
    assert 0.5 < value["test"]["coverage"] <= 1 and value["test"]["size"] >= 1
    _, found, _ = run_line("predict", own, "-i", trained / "flowers.csv")
    for row in found["predictions"]:
        assert row["prediction"] in row["prediction_set"].split(", ")
    code, value, _ = run_line("calibrate", own, "--remove")
    assert code == 0 and value["removed"] == ["sets.json"]
    code, _, shown = run_line("calibrate", own, "--sets", 90)
    assert code == 2 and "between 0 and 1" in shown


def test_mistakes_with_thresholds(own, trained, run_line):
    for words, said in (
        (("--cost", "lily:setos=5"), "did you mean 'lily:setosa'?"),
        (("--cost", "lily"), "--cost is given as NAME=NUMBER"),
        (("--cost", "lily:setosa=much"), "--cost takes a number"),
        (("--cost", "lily:setosa=2", "--goal", "f1"), "a goal is maximized"),
        (("--goal", "f1_macr"), "there is no metric 'f1_macr'"),
    ):
        code, _, shown = run_line("thresholds", own, *words)
        assert code == 2 and said in shown, words
    code, _, shown = run_line("calibrate", trained / "runs/houses-1")
    assert code == 2 and "only probabilities of classes" in shown


def test_compare(trained, run_line):
    run = trained / "runs/flowers-1"
    code, value, _ = run_line(
        "train", trained / "flowers.csv", "--target", "species", *QUICK, "--epochs", 1, "--out", "weak"
    )
    assert code == 0
    code, value, shown = run_line("compare", run, "weak", "--out", "page.html")
    assert code == 0 and value["metric"] == "accuracy" and len(value["pairs"]) == 1
    (pair,) = value["pairs"]
    gap = value["runs"][0]["metrics"]["accuracy"] - value["runs"][1]["metrics"]["accuracy"]
    assert pair["difference"]["estimate"] == pytest.approx(gap)
    assert value["differences"]["--epochs"] == ["30", "1"] and "--epochs" in shown
    page = Path("page.html").read_text()
    assert "<h1>flowers-1 · weak</h1>" in page and "How they learned" in page
    code, value, _ = run_line("compare", run, trained / "runs/houses-1")
    assert code == 2 and "one predicts classes, the other quantity" in value["error"]["problem"]
    for words, said in (
        ((run,), "one run alone"),
        ((run, run), "is named twice"),
        ((run, "weak", "-o", "a.pdf"), "FILE.html"),
    ):
        code, _, shown = run_line("compare", *words)
        assert code == 2 and said in shown


def test_cross_validate_predicts_every_row_outside_the_test_split_once(trained, run_line):
    code, value, _ = run_line(
        "cross-validate",
        trained / "flowers.csv",
        "--target",
        "species",
        *QUICK,
        "--folds",
        3,
        "--epochs",
        8,
        "-q",
    )
    assert code == 0 and value["how"] == "stratified" and len(value["folds"]) == 3
    assert value["folder"] == "runs/flowers-folds-1"
    rows = list(csv.DictReader(Path(value["predictions"]).read_text().splitlines()))
    assert len(rows) == value["examples"] == len({row["row"] for row in rows}) == 76
    right = sum(row["target"] == row["prediction"] for row in rows) / len(rows)
    assert right == pytest.approx(value["metrics"]["accuracy"])
    mean = sum(each["accuracy"] for each in value["folds"]) / 3
    assert value["means"]["accuracy"]["mean"] == pytest.approx(mean)
    assert (Path(value["folder"]) / "fold-3/weights.safetensors").is_file()
    source = list(csv.DictReader((trained / "flowers.csv").read_text().splitlines()))
    assert all(source[int(row["row"])]["species"] == row["target"] for row in rows)


def test_learning_rate_draws_in_the_terminal_and_in_a_file(run_line):
    code, value, shown = run_line("learning-rate", "digits", "--network", "mlp", "-o", "rate.png")
    assert code == 0 and 1e-4 < value["suggestion"] < 0.1 and "█" in shown and "↑" in shown
    assert Path("rate.png").read_bytes()[:4] == b"\x89PNG"
    code, value, _ = run_line("learning-rate", "digits", "-o", "rate.gif")
    assert code == 2 and "format of a picture" in value["error"]["problem"]


def test_signal_of_data_and_of_a_run(trained, run_line):
    code, value, shown = run_line(
        "signal", "iris", "--network", "mlp", "--set", "widths=8,8", "-s", "activation=tanh"
    )
    assert code == 0 and "Tanh" in shown and "gradient std" in shown
    assert [each["units"] for each in value["layers"] if each["weighted"]][-2:] == [8, 3]
    code, value, _ = run_line("signal", "iris", "--network", "mlp", "-s", "initializer=zeros")
    assert not value["healthy"] and "identical units" in [each["kind"] for each in value["findings"]]
    code, value, shown = run_line("signal", trained / "runs/flowers-1")
    assert code == 0 and "flowers" in shown
    code, value, _ = run_line("signal", trained / "runs/flowers-1", "--network", "mlp")
    assert code == 2 and "a run has its network" in value["error"]["problem"]


def test_profile_counts_parameters_and_products(run_line):
    line = ("profile", "iris", "--network", "mlp", "--set", "widths=8", "--examples", 10, "--repeats", 0)
    code, value, shown = run_line(*line)
    layers = {each["name"]: each for each in value["layers"]}
    assert (
        code == 0
        and layers["head"]["parameters"] == 8 * 3 + 3
        and layers["head"]["multiply_adds"] == 10 * 8 * 3
    )
    assert value["weight_bytes"] == 4 * value["parameters"] and "mult-adds" in shown


def test_every_verb_has_the_data_options_of_train(run_line, capfd):
    from neurarium.cli.main import main

    for verb in ("cross-validate", "learning-rate", "signal", "profile"):
        main([verb, "--help"])
        shown = capfd.readouterr().out
        for flag in ("--target", "--split-seed", "--network", "--set", "--json"):
            assert flag in shown, (verb, flag)
    code, value, _ = run_line("cross-validate")
    assert code == 2 and "neurarium cross-validate digits" in value["error"]["fix"]
