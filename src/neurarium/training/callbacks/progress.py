"""Progress: a bar in a terminal, one line per evaluation elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

from neurarium.training.callbacks.callback import Callback


class Progress(Callback):
    """Show how training goes, on standard error.

    Args:
        style: "bar" (a terminal), "lines" (a notebook, a file), or "auto".
        every: seconds between two lines at least.
    """

    def __init__(self, style: str = "auto", every: float = 1.0):
        self.style = ("bar" if sys.stderr.isatty() else "lines") if style == "auto" else style
        self.every, self._last, self._bar = every, 0.0, None

    def start(self, loop: Any) -> None:
        self._began = time.monotonic()
        if self.style != "bar":
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (
            TextColumn("[bold]training"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
        )
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=loop.total, completed=loop.step)
        self._bar.start()

    def step(self, loop: Any, metrics: dict[str, Any]) -> None:
        if self._bar is None:
            return
        now = time.monotonic()
        if now - self._last > 0.1:
            self._last = now
            self._bar.update(self._task, completed=loop.step)

    def evaluate(self, loop: Any, row: dict[str, Any]) -> None:
        text = _told(row)
        if self._bar is not None:
            self._bar.update(self._task, completed=loop.step, description=text)
            return
        now = time.monotonic()
        if now - self._last >= self.every:
            self._last = now
            print(f"epoch {row['epoch']:>4}  step {row['step']:>7}  {text}", file=sys.stderr, flush=True)

    def stop(self, loop: Any) -> None:
        if self._bar is not None:
            self._bar.stop()
        seconds = time.monotonic() - self._began
        print(f"{loop.reason} after {loop.step} steps, {seconds:.1f} s", file=sys.stderr, flush=True)


def _told(row: dict[str, Any]) -> str:
    """Say the few numbers that a person watches."""
    parts = []
    if "loss" in row.get("train", {}):
        parts.append(f"loss {row['train']['loss']:.4f}")
    seen = row.get("validation", {})
    for name in ("loss", "accuracy", "f1_macro", "rmse", "r2"):
        if isinstance(seen.get(name), float):
            parts.append(f"validation {name} {seen[name]:.4f}")
    return "  ".join(parts[:3])
