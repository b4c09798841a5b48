"""TensorBoard: event files beside the run, where tensorboard is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neurarium.core.errors import require
from neurarium.training.callbacks.callback import Callback


class TensorBoard(Callback):
    """Write each evaluation's numbers as scalars.

    Args:
        folder: where the event files go.

    Raises:
        MissingDependencyError: tensorboard is not installed.
    """

    def __init__(self, folder: Path | str):
        require("tensorboard", extra="board")
        self.folder = Path(folder)

    def start(self, loop: Any) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(self.folder), purge_step=loop.step)

    def evaluate(self, loop: Any, row: dict[str, Any]) -> None:
        for part in ("train", "validation"):
            for name, value in row.get(part, {}).items():
                if isinstance(value, int | float):
                    self._writer.add_scalar(f"{name}/{part}", value, row["step"])
        self._writer.add_scalar("learning_rate", row.get("rate", 0.0), row["step"])

    def stop(self, loop: Any) -> None:
        self._writer.close()
