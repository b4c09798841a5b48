"""TensorBoard: event files beside the run, where tensorboard is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neurarium.core.errors import require
from neurarium.training.callbacks.logger import Logger


class TensorBoard(Logger):
    """Write each evaluation's numbers as scalars, the options as text, and the results at the end.

    Args:
        folder: where the event files go.

    Raises:
        MissingDependencyError: tensorboard is not installed.
    """

    name = "TensorBoard"

    def __init__(self, folder: Path | str):
        super().__init__()
        require("tensorboard", extra="board")
        self.folder = Path(folder)
        self._writer: Any = None

    def open(self, loop: Any, configuration: dict[str, Any]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(self.folder), purge_step=loop.step)
        rows = "\n".join(f"| {name} | {value} |" for name, value in configuration.items())
        self._writer.add_text("options", f"| option | value |\n|---|---|\n{rows}", loop.step)

    def log(self, step: int, numbers: dict[str, float]) -> None:
        for name, value in numbers.items():
            part, _, rest = name.partition("/")
            if name != "epoch":
                self._writer.add_scalar(f"{rest}/{part}" if rest else name, value, step)
        self._writer.flush()

    def finish(self, results: dict[str, float], files: list[Path]) -> None:
        rows = "\n".join(f"| {name} | {value:.6g} |" for name, value in results.items())
        if rows:
            self._writer.add_text("results", f"| metric | value |\n|---|---|\n{rows}")
        self._writer.close()
