"""MLflow: the record of a run on a tracking server or in a folder, where mlflow is installed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from neurarium.core.errors import require
from neurarium.training.callbacks.logger import Logger

LONGEST = 5000  # characters of a parameter; MLflow refuses more than 6,000


class MLflow(Logger):
    """Log the options, each evaluation's numbers, the results and the files of a run to MLflow.

    `MLFLOW_TRACKING_URI` names the server; without it the record is kept in a folder `mlruns/`. A run that is resumed goes
    on in its record.

    Args:
        experiment: there; `MLFLOW_EXPERIMENT_NAME` where None, else "neurarium".
        tracking: the address of the server, or of a folder (`file:PATH`); the environment's where None.

    Raises:
        MissingDependencyError: mlflow is not installed.
    """

    name = "MLflow"

    def __init__(self, experiment: str | None = None, tracking: str | None = None):
        super().__init__()
        require("mlflow", extra="mlflow")
        self.experiment = experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or "neurarium"
        self.tracking = (
            tracking or os.environ.get("MLFLOW_TRACKING_URI") or Path("mlruns").absolute().as_uri()
        )
        self._client: Any = None
        self._id: str | None = None

    def open(self, loop: Any, configuration: dict[str, Any]) -> None:
        if self.tracking.startswith("file:"):  # new versions ask for consent to folders
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        from mlflow.entities import Param
        from mlflow.tracking import MlflowClient

        self._client = MlflowClient(tracking_uri=self.tracking)
        if self._id is not None:
            self._client.update_run(self._id, status="RUNNING")
            return
        found = self._client.get_experiment_by_name(self.experiment)
        experiment = found.experiment_id if found else self._client.create_experiment(self.experiment)
        folder = None if loop.run is None else loop.run.folder
        record = self._client.create_run(experiment, run_name=None if folder is None else folder.name)
        self._id = record.info.run_id
        rows = [Param(_allowed(name), str(value)[:LONGEST]) for name, value in configuration.items()]
        for start in range(0, len(rows), 100):  # what the server takes at once
            self._client.log_batch(self._id, params=rows[start : start + 100])

    def log(self, step: int, numbers: dict[str, float]) -> None:
        for name, value in numbers.items():
            self._client.log_metric(self._id, _allowed(name), value, step=step)

    def finish(self, results: dict[str, float], files: list[Path]) -> None:
        for name, value in results.items():
            self._client.log_metric(self._id, _allowed(f"results/{name.replace('.', '/')}"), value)
        for path in files:
            self._client.log_artifact(self._id, str(path))
        interrupted = bool(getattr(self.run, "interrupted", False))
        self._client.set_terminated(self._id, "KILLED" if interrupted else "FINISHED")

    def state_dict(self) -> dict[str, Any]:
        return {"id": self._id}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._id = state.get("id")


def _allowed(name: str) -> str:
    """Keep what MLflow takes in names: letters, digits, and a few marks."""
    return "".join(each if each.isalnum() or each in "_-./ " else "_" for each in name)
