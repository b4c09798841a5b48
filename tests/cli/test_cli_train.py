"""`neurarium train`: the JSON object, the run, rerunning, resuming, starting from another run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from tests_cli import write_flowers, write_houses

from neurarium.cli.main import main
from neurarium.cli.outcome import _remarks
from neurarium.cli.output import beside
from neurarium.core.codec import load_tensors
from neurarium.core.errors import NotFiniteError

FLOWERS = (
    "train",
    "flowers.csv",
    "--target",
    "species",
    "--network",
    "mlp",
    "-s",
    "widths=16",
    "-s",
    "learning_rate=0.02",
)
FILES = {
    "config.yaml",
    "plan.json",
    "weights.safetensors",
    "preparation",
    "metrics.jsonl",
    "results.json",
    "report.html",
    "card.md",
}


@pytest.fixture(autouse=True)
def _tables(tmp_path: Path):
    write_flowers(tmp_path / "flowers.csv")
    write_houses(tmp_path / "houses.csv")


def bytes_of(run: str) -> dict[str, bytes]:
    """The weights, bit by bit (the file's own head lists its metadata in any order)."""
    return {
        name: each.numpy().tobytes() for name, each in load_tensors(Path(run, "weights.safetensors")).items()
    }


def test_classification(run_line):
    code, value, shown = run_line(*FLOWERS, "--epochs", 30)
    assert code == 0 and value["run"] == "runs/flowers-1"
    assert {each.name for each in Path(value["run"]).iterdir()} >= FILES
    assert set(value["metrics"]) == {"validation", "test"}
    assert {"accuracy", "f1_macro", "auc", "loss"} <= set(value["metrics"]["test"])
    assert value["metrics"]["test"]["accuracy"] > 0.8 and value["seconds"] > 0
    held = json.loads(Path(value["run"], "results.json").read_text())
    assert held["metrics"] == value["metrics"]
    assert "neurarium predict runs/flowers-1" in shown


def test_regression(run_line):
    code, value, _ = run_line(
        "train", "houses.csv", "-t", "price", "-n", "mlp", "-s", "widths=32", "--epochs", 200
    )
    assert code == 0
    assert {"rmse", "mae", "r2", "loss"} <= set(value["metrics"]["test"])
    assert value["metrics"]["test"]["r2"] > 0.8
    intervals = json.loads(Path(value["run"], "intervals.json").read_text())
    assert intervals["level"] == 0.9 and intervals["margins"][0] > 0


def test_it_begins_by_saying_what_it_has_what_is_asked_and_what_learns(capfd, monkeypatch):
    assert main([*FLOWERS, "--epochs", "1", "--report", "none"]) == 0
    lines = capfd.readouterr().err.splitlines()
    assert lines[0].startswith("data      flowers: ") and " rows to learn from, " in lines[0]
    assert lines[1].startswith("asked     to tell, from ") and "“species”" in lines[1]
    assert lines[2].startswith("network   mlp, ") and " parameters, 1 epoch of " in lines[2]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    told = beside("word " * 20, 10).split("\n")
    assert len(told) == 2 and all(line.startswith(" " * 10 + "word") for line in told[1:])


def test_the_json_object_is_the_last_line_and_the_only_one_when_quiet(capfd):
    assert main([*FLOWERS, "--epochs", "1", "--json", "--quiet"]) == 0
    out, err = capfd.readouterr()
    assert len(out.strip().splitlines()) == 1 and json.loads(out)["run"] == "runs/flowers-1"
    assert err == ""


def test_runs_are_numbered_and_out_is_taken(run_line):
    names = [run_line(*FLOWERS, "--epochs", 1)[1]["run"] for _ in range(2)]
    assert names == ["runs/flowers-1", "runs/flowers-2"]
    assert run_line(*FLOWERS, "--epochs", 1, "--out", "mine/first")[1]["run"] == "mine/first"


def test_a_run_is_done_again_bit_by_bit_from_its_configuration(run_line, tmp_path):
    options = (
        "--set",
        "dropout=0.2",
        "--seed",
        7,
        "--epochs",
        5,
        "--batch-size",
        16,
        "--set",
        "indicators=false",
    )
    first = run_line(*FLOWERS, *options)[1]["run"]
    assert yaml.safe_load(Path(first, "config.yaml").read_text())["command"]["set"]["dropout"] == "0.2"
    second = run_line("train", "--config", f"{first}/config.yaml")[1]["run"]
    other = run_line("train", "--config", f"{first}/config.yaml", "--seed", 8)[1]["run"]
    assert bytes_of(first) == bytes_of(second) != bytes_of(other)
    assert Path(first, "metrics.jsonl").read_bytes() == Path(second, "metrics.jsonl").read_bytes()


def test_options_reach_network_descent_and_reader(run_line):
    line = (*FLOWERS, "-s", "schedule=linear", "-s", "schedule.floor=0.5", "--epochs", 8)
    _, value, _ = run_line(*line, "-s", "drop=color", "-s", "optimizer=sgd", "-s", "optimizer.momentum=0.5")
    config = yaml.safe_load(Path(value["run"], "config.yaml").read_text())
    assert config["network"]["options"]["widths"] == [16]
    assert (
        config["network"]["options"]["activation"] == "relu"
    )  # defaults too: a later version may have others
    assert config["inputs"]["categorical"] == []  # color was dropped
    assert config["method_options"]["optimizer_options"] == {"momentum": 0.5}
    rates = [
        json.loads(line)["rate"] for line in Path(value["run"], "metrics.jsonl").read_text().splitlines()
    ]
    assert rates[0] < 0.02 and rates[-1] == pytest.approx(0.01, rel=0.05)  # half the base rate at the end


def test_splits_and_a_test_file(run_line, tmp_path):
    lines = (tmp_path / "flowers.csv").read_text().splitlines()
    (tmp_path / "train.csv").write_text("\n".join(lines[1:61]) + "\n")  # no header
    (tmp_path / "test.csv").write_text(
        "\n".join(f"{line}." for line in lines[61:]) + "\n"
    )  # labels end in a full stop
    named = ("--columns", "length,width,color,species")
    code, value, shown = run_line(
        "train",
        "train.csv",
        "-t",
        "species",
        *named,
        "--test",
        "test.csv",
        "--validation",
        0.2,
        "-n",
        "mlp",
        "--epochs",
        30,
    )
    assert code == 0 and "48 rows to learn from, 12 validate, 30 test" in shown
    assert value["metrics"]["test"]["accuracy"] > 0.8
    command = yaml.safe_load(Path(value["run"], "config.yaml").read_text())["command"]
    assert Path(command["test"]).is_absolute()
    assert run_line("evaluate", value["run"])[1]["metrics"] == pytest.approx(
        value["metrics"]["test"], nan_ok=True
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_exits_with_a_code_of_its_own_and_goes_on_bitwise(number, run_line, monkeypatch):
    from neurarium.training.recorder import Recorder

    whole = run_line(*FLOWERS, "--epochs", 6, "--patience", 9)[1]["run"]
    add = Recorder.add

    def interrupt(self, row, timing):
        add(self, row, timing)
        if row["epoch"] == 3:
            signal.raise_signal(number)

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "add", interrupt)
        code, value, shown = run_line(*FLOWERS, "--epochs", 6, "--patience", 9, terminated=True)
    assert code == 128 + number and value["interrupted"] is True
    assert f"neurarium train --resume {value['run']}" in shown
    assert not Path(value["run"], "report.html").exists()
    code, again, _ = run_line("train", "--resume", value["run"])
    assert code == 0 and again["run"] == value["run"]
    assert bytes_of(whole) == bytes_of(value["run"])
    assert Path(value["run"], "report.html").exists()


def test_a_run_is_trained_longer(run_line):
    run = run_line(*FLOWERS, "--epochs", 2)[1]["run"]
    before = bytes_of(run)
    code, value, _ = run_line("train", "--resume", run, "--epochs", 4)
    epochs = [json.loads(line)["epoch"] for line in Path(run, "metrics.jsonl").read_text().splitlines()]
    assert (code, value["run"], epochs) == (0, run, [1, 2, 3, 4])
    assert bytes_of(run) != before


def test_a_resumed_run_needs_the_same_data(run_line, tmp_path):
    run = run_line(*FLOWERS, "--epochs", 2)[1]["run"]
    write_flowers(tmp_path / "flowers.csv", rows=93)
    code, value, _ = run_line("train", "--resume", run, "--epochs", 4)
    assert code == 2 and "has changed" in value["error"]["problem"]
    assert Path(run, "weights.safetensors").exists()
    code, value, _ = run_line("evaluate", run)
    assert code == 2 and "has changed since" in value["error"]["problem"]


def test_another_run_is_the_start(run_line):
    first = run_line(*FLOWERS, "--epochs", 20)[1]
    cold = run_line(*FLOWERS, "--epochs", 1)[1]["metrics"]["validation"]["loss"]
    code, warm, _ = run_line("train", "flowers.csv", "-t", "species", "--from", first["run"], "--epochs", 1)
    assert code == 0 and warm["metrics"]["validation"]["loss"] < 0.8 * cold
    plan = {
        row["subject"]: row for row in json.loads(Path(warm["run"], "plan.json").read_text())["decisions"]
    }
    assert plan["network"]["choice"] == "mlp" and "all fit" in plan["start"]["reason"]


def test_a_failure_keeps_a_folder_that_can_be_resumed(run_line, monkeypatch):
    from neurarium.training.recorder import Recorder

    add = Recorder.add

    def fail(self, row, timing):
        add(self, row, timing)
        if row["epoch"] == 3:
            raise NotFiniteError("the loss is not finite")

    monkeypatch.setattr(Recorder, "add", fail)
    monkeypatch.setattr("neurarium.training.loop.Loop._due", lambda self: self.step % 2 == 0)
    code, _, _ = run_line(*FLOWERS, "--epochs", 6)
    assert code == 2 and list(Path("runs/flowers-1/checkpoints").iterdir())


def test_a_run_that_goes_on_has_no_results_until_it_ends(run_line, monkeypatch):
    run = run_line(*FLOWERS, "--epochs", 2)[1]["run"]

    def fail(*arguments, **options):
        raise NotFiniteError("the loss is not finite")

    with monkeypatch.context() as patch:
        patch.setattr("neurarium.training.loop.Loop.train", fail)
        assert run_line("train", "--resume", run, "--epochs", 4)[0] == 2
    assert Path(run, "checkpoints").is_dir() and not Path(run, "results.json").exists()
    assert run_line("runs")[1]["runs"][0]["ended"] is None
    assert run_line("train", "--resume", run, "--epochs", 4)[1]["metrics"]["test"]["loss"] > 0


@pytest.mark.slow
def test_two_processes_write_one_run(tmp_path):
    line = [
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--standalone",
        "-m",
        "neurarium",
        *FLOWERS,
    ]
    done = subprocess.run(
        [sys.executable, *line, "--epochs", "2", "--json"],
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    assert json.loads(done.stdout.strip().splitlines()[-1])["run"] == "runs/flowers-1"
    assert done.stdout.count("neurarium predict") == 1
    assert [each.name for each in Path("runs").iterdir()] == ["flowers-1"]


def test_a_perfect_score_is_doubted(tmp_path, capfd):
    rows = [f"{number % 97},{number % 2},{'ny'[number % 2]}" for number in range(400)]
    Path("leak.csv").write_text("\n".join(["size,known_later,sold", *rows]))
    line = ["train", "leak.csv", "-t", "sold", "--network", "mlp", "--epochs", "6", "--out"]
    assert main([*line, "all"]) == 0
    assert "too good to be true?" in capfd.readouterr().out
    assert main([*line, "some", "--set", "drop=known_later"]) == 0
    assert "too good to be true?" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("best", "epochs", "told"), [(2, 40, "--patience 5"), (9, 36, "--patience 9"), (10, 36, ""), (2, 14, "")]
)
def test_epochs_for_nothing_are_remarked(best, epochs, told):
    run = SimpleNamespace(best={"epoch": best}, history=[{"epoch": epochs}])
    said = " ".join(_remarks(run, SimpleNamespace(examples=9, metrics={})))
    assert (told in said and f"epoch {best} of {epochs}" in said) if told else not said


def test_a_forecast_that_a_rule_beats_is_told_so():
    run = SimpleNamespace(best={}, history=[])
    metrics = {"mse": 0.5, "naive: mse": 1.7, "seasonal naive: mse": 0.4}
    said = " ".join(_remarks(run, SimpleNamespace(examples=9, metrics=metrics)))
    assert "repeating the last season does better (mse 0.4000 beside 0.5000)" in said
    assert not list(_remarks(run, SimpleNamespace(examples=9, metrics=metrics | {"mse": 0.3})))
