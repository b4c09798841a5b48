"""The loggers of a run: made by name on the first process, held open until the report is written, closed at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from neurarium.core.errors import OptionError, unknown
from neurarium.training import distributed
from neurarium.training.callbacks.logger import Logger
from neurarium.training.callbacks.mlflow_tracking import MLflow
from neurarium.training.callbacks.tensorboard import TensorBoard
from neurarium.training.callbacks.weights_and_biases import WeightsAndBiases

NAMES = ("tensorboard", "wandb", "mlflow")


@contextlib.contextmanager
def opened(log: str | Logger | Sequence[str | Logger], folder: Path | None) -> Iterator[list[Logger]]:
    """Make the loggers of these names, on the first process alone, and close them at the end; those that somebody else
    holds open are handed on, and stay open.

    Raises:
        OptionError: no such logger, or event files without a folder.
        MissingDependencyError: its package is not installed.
    """
    asked = [log] if isinstance(log, str | Logger) else list(log)
    made: list[Logger] = []
    if not distributed.first():
        yield made
        return
    found = [_made(each, folder) if isinstance(each, str) else each for each in asked]
    made = [each for each in found if not each.held]
    for each in made:
        each.held = True
    try:
        yield found
    finally:
        for each in made:
            each.close()
            each.held = False


def check(names: Sequence[str]) -> None:
    """Raise an `OptionError` where a name is no logger's."""
    for name in names:
        if name not in NAMES:
            raise unknown("logger", name, NAMES)


def _made(name: str, folder: Path | None) -> Logger:
    check([name])
    if name == "tensorboard":
        if folder is None:
            raise OptionError("event files for TensorBoard need a folder", fix="give out=FOLDER")
        return TensorBoard(folder / "tensorboard")
    return WeightsAndBiases() if name == "wandb" else MLflow()
