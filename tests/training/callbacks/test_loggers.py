"""Loggers: what is recorded at Weights & Biases (offline) and MLflow (a folder), and that a failing one harms nothing."""

from __future__ import annotations

import json
import sys
import warnings

import pytest
from training_helpers import StopAt, classes, classifier

import neurarium as nr
from neurarium.core.errors import MissingDependencyError, OptionError
from neurarium.training.callbacks import Logger, MLflow, WeightsAndBiases
from neurarium.training.callbacks.logger import LoggingWarning


class Remembering(Logger):
    """Writes down what it is told; fails where it is asked to."""

    name = "Remembering"

    def __init__(self, fail: str = ""):
        super().__init__()
        self.fail, self.seen = fail, {"open": [], "log": [], "finish": []}

    def _told(self, call, value):
        self.seen[call].append(value)
        if self.fail == call:
            raise ConnectionError("the service is not there\nand more")

    def open(self, loop, configuration):
        self._told("open", configuration)

    def log(self, step, numbers):
        self._told("log", (step, numbers))

    def finish(self, results, files):
        self._told("finish", (results, [each.name for each in files]))


def fitted(folder=None, **options):
    return nr.fit(classifier(), classes(), epochs=3, batch_size=32, progress=False, out=folder, **options)


def test_a_logger_is_told_options_numbers_results_and_files(tmp_path):
    logger = Remembering()
    iris = nr.data.load("iris")
    run = nr.studies.train(
        iris, "mlp", options={"widths": "8"}, epochs=3, progress=False, out=tmp_path / "run", callbacks=[logger],
        config={"data": "iris"},
    )  # fmt: skip
    (options,) = logger.seen["open"]
    assert options["data"] == "iris" and options["network.name"] == "MLP"
    assert options["network.widths"] == "(8,)" and options["plan.network"] == "mlp"
    assert [step for step, _ in logger.seen["log"]] == [row["step"] for row in run.history]
    assert logger.seen["log"][-1][1]["validation/accuracy"] == run.history[-1]["validation"]["accuracy"]
    assert logger.seen["log"][0][1]["learning_rate"] == run.history[0]["rate"]


def test_what_is_opened_by_name_is_closed_after_the_results(tmp_path, monkeypatch):
    from neurarium.training.callbacks import loggers as place

    made = Remembering()
    monkeypatch.setattr(place, "_made", lambda name, folder: made)
    iris = nr.data.load("iris")
    run = nr.studies.train(iris, "mlp", epochs=2, progress=False, out=tmp_path / "run", log="wandb")
    ((results, files),) = made.seen["finish"]
    assert results["test.accuracy"] == run.results["test"]["accuracy"]
    assert files == ["weights.safetensors", "config.yaml", "plan.json", "results.json"]


@pytest.mark.parametrize("call", ["open", "log", "finish"])
def test_a_failing_logger_is_named_once_and_training_goes_on(call):
    logger = Remembering(fail=call)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run = fitted(callbacks=[logger])
    told = [str(each.message) for each in caught if issubclass(each.category, LoggingWarning)]
    assert told == [
        "logging to Remembering has failed, and training goes on without it: ConnectionError: the service is not there"
    ]
    assert len(run.history) == 3 and run.reason == fitted().reason
    assert len(logger.seen[call]) == 1


def test_loggers_change_nothing_of_the_training():
    assert fitted(log=Remembering()).history == fitted().history


def test_an_unknown_logger_and_a_missing_package(monkeypatch, tmp_path):
    with pytest.raises(OptionError, match="no logger 'wandbb'") as error:
        fitted(log="wandbb")
    assert "did you mean 'wandb'?" in str(error.value)
    for package in ("wandb", "mlflow"):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(MissingDependencyError, match=rf'pip install "neurarium\[{package}\]"'):
            fitted(log=["tensorboard", package] if package == "x" else package)


def test_weights_and_biases_offline(tmp_path):
    """What `wandb sync` would send stands in the file of the record."""
    wandb = pytest.importorskip("wandb")
    logger = WeightsAndBiases(mode="offline", dir=str(tmp_path), settings={"silent": True})
    run = fitted(tmp_path / "run", log=logger)
    wandb.teardown()  # its own process writes the file
    assert not logger.failed
    (file,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    held = file.read_bytes()
    for row in run.history:
        assert json.dumps(row["validation"]["loss"]).encode() in held
        assert json.dumps(row["train"]["loss"]).encode() in held
    assert held.count(b"validation/loss") >= len(run.history)
    for name in (b"plan.monitor", b"weights.safetensors", b"results.json"):
        assert name in held, name


def test_mlflow_in_a_folder_and_resumed(tmp_path):
    pytest.importorskip("mlflow")
    address = (tmp_path / "mlruns").as_uri()
    fitted(tmp_path / "run", log=MLflow("flowers", address), callbacks=[StopAt(8)])
    run = fitted(tmp_path / "run", log=MLflow("flowers", address), callbacks=[StopAt(10_000)], resume=True)
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=address)
    (record,) = client.search_runs([client.get_experiment_by_name("flowers").experiment_id])
    assert record.info.status == "FINISHED" and record.info.run_name == "run"
    seen = client.get_metric_history(record.info.run_id, "validation/accuracy")
    held = {each.step: each.value for each in seen}
    assert sorted(held) == [3, 6, 8, 9]  # 8: where the first part ended
    for row in run.history:
        assert held[row["step"]] == pytest.approx(row["validation"]["accuracy"])
    assert {"weights.safetensors", "plan.json"} <= {
        each.path for each in client.list_artifacts(record.info.run_id)
    }
    assert record.data.params["plan.monitor"] == "loss"


def test_a_server_that_is_not_there_is_a_warning(tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.warns(LoggingWarning, match="logging to MLflow has failed"):
        run = fitted(callbacks=[MLflow(tracking="http://127.0.0.1:9")])
    assert len(run.history) == 3
