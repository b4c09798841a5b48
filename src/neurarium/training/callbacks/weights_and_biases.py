"""Weights & Biases: the record of a run there, online or offline, where wandb is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neurarium.core.errors import require
from neurarium.training.callbacks.logger import Logger


class WeightsAndBiases(Logger):
    """Log the options, each evaluation's numbers, the results and the files of a run to Weights & Biases.

    `wandb login` says who you are; `WANDB_MODE=offline` keeps all of it in a folder `wandb/`, for `wandb sync` later. A run
    that is resumed goes on in its record.

    Args:
        project: there; `WANDB_PROJECT` where None, else "neurarium".
        **options: further arguments of `wandb.init` (`group`, `tags`, `mode`, `dir`, ...).

    Raises:
        MissingDependencyError: wandb is not installed.
    """

    name = "Weights & Biases"

    def __init__(self, project: str | None = None, **options: Any):
        super().__init__()
        require("wandb", extra="wandb")
        self.project, self.options = project, options
        self._record: Any = None
        self._id: str | None = None

    def open(self, loop: Any, configuration: dict[str, Any]) -> None:
        import os

        import wandb

        folder = None if loop.run is None else loop.run.folder
        usual: dict[str, Any] = {
            "project": self.project or os.environ.get("WANDB_PROJECT") or "neurarium",
            "name": None if folder is None else folder.name,
            "id": self._id,
            "resume": "allow" if self._id else None,
            "reinit": "create_new",  # another record of the same process is not this run's
        }
        self._record = wandb.init(**{**usual, **self.options}, config=configuration)
        self._id = self._record.id

    def log(self, step: int, numbers: dict[str, float]) -> None:
        self._record.log(numbers, step=step)

    def finish(self, results: dict[str, float], files: list[Path]) -> None:
        import wandb

        self._record.summary.update(results)
        if files:
            artifact = wandb.Artifact(f"run-{self._record.id}", type="model", metadata=results)
            for path in files:
                artifact.add_file(str(path), name=path.name)
            self._record.log_artifact(artifact)
        self._record.finish()

    def state_dict(self) -> dict[str, Any]:
        return {"id": self._id}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._id = state.get("id")
