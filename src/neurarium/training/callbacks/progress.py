"""Progress: a bar in a terminal, one line that renews itself in a notebook, one line per evaluation elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, Literal

from neurarium.core.errors import unknown
from neurarium.core.wording import counted
from neurarium.training.callbacks.callback import Callback

STYLES = ("auto", "bar", "notebook", "lines")


def place() -> Literal["bar", "notebook", "lines"]:
    """Return where this process shows its output: a notebook, a terminal, or neither."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None and getattr(shell, "kernel", None) is not None:
        return "notebook"
    return "bar" if sys.stderr.isatty() else "lines"


class Progress(Callback):
    """Show how training goes, on standard error, or in the output of a notebook's cell.

    Args:
        style: "bar" (a terminal), "notebook", "lines" (a file, a pipe), or "auto".
        every: seconds between two lines, or two renewals of a bar, at least.

    Raises:
        OptionError: another style.
    """

    def __init__(self, style: str = "auto", every: float | None = None):
        if style not in STYLES:
            raise unknown("style of progress", style, STYLES)
        self.style = place() if style == "auto" else style
        self.every = {"bar": 0.1, "notebook": 0.5, "lines": 1.0}[self.style] if every is None else every
        self._last, self._shown = 0.0, ""
        self._bar: Any = None
        self._cell: Any = None

    def start(self, loop: Any) -> None:
        self._began, self._first = time.monotonic(), loop.step
        if self.style == "bar":
            self._bar = _bar()
            self._task = self._bar.add_task("", total=loop.total, completed=loop.step)
            self._bar.start()
        elif self.style == "notebook":
            from IPython.display import display

            self._cell = display(_Text("training"), display_id=True)

    def step(self, loop: Any, metrics: dict[str, Any]) -> None:
        if self.style != "lines" and self._due():
            self._renew(loop)

    def evaluate(self, loop: Any, row: dict[str, Any]) -> None:
        self._shown = told(row)
        if self.style != "lines":
            self._renew(loop)
        elif self._due():
            print(
                f"epoch {row['epoch']:>4}  step {row['step']:>7}  {self._shown}", file=sys.stderr, flush=True
            )

    def stop(self, loop: Any) -> None:
        seconds = time.monotonic() - self._began
        text = f"{loop.reason or 'failed'} after {counted(loop.step, 'step')}, {seconds:.1f} s  {self._shown}".rstrip()
        if loop.interrupted and loop.checkpoints is not None:
            folder = loop.checkpoints.folder.parent
            text += f"\ngo on with: neurarium train --resume {folder}, or fit(..., resume=True)"
        if self._bar is not None:
            self._bar.stop()
        if self._cell is not None:
            self._cell.update(_Text(text))
        else:
            print(text, file=sys.stderr, flush=True)

    def _due(self) -> bool:
        now = time.monotonic()
        if now - self._last < self.every:
            return False
        self._last = now
        return True

    def _renew(self, loop: Any) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=loop.step, description=self._shown)
        elif self._cell is not None:
            self._cell.update(_Text(f"{self._fraction(loop)}  {self._shown}".rstrip()))

    def _fraction(self, loop: Any) -> str:
        """Say how far training is, and how long the rest takes at the speed so far."""
        if not loop.total:
            return f"step {loop.step}"
        done = loop.step / loop.total
        seconds = (
            (time.monotonic() - self._began) / max(loop.step - self._first, 1) * (loop.total - loop.step)
        )
        full = round(24 * done)
        return f"{'█' * full}{'░' * (24 - full)} {loop.step}/{loop.total}  {seconds:.0f} s left"


class _Text:
    """Plain text as a notebook shows it: without the quotes of a string."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    console = Console(stderr=True)
    columns = (
        TextColumn("[dim]training ", table_column=Column(no_wrap=True)),
        BarColumn(max(8, min(40, console.width - 90)), table_column=Column(no_wrap=True)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
        TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
    )
    return Progress(*columns, console=console, transient=True, expand=True)


WATCHED = (
    "dice", "map_50", "span_f1", "accuracy", "character_error_rate", "frame_nll", "perplexity", "mase", "rmse", "mae", "f1_macro", "r2",
)  # fmt: skip


def told(row: dict[str, Any]) -> str:
    """Say the few numbers that a person watches.

    >>> told({"train": {"loss": 0.5}, "validation": {"loss": 0.6, "accuracy": 0.75, "mcc": 0.5}})
    'loss 0.5000  validation loss 0.6000, accuracy 0.7500'
    """
    parts = []
    if "loss" in row.get("train", {}):
        parts.append(f"loss {_short(row['train']['loss'])}")
    seen = row.get("validation", {})
    known = [
        f"{name} {_short(seen[name])}" for name in ("loss", *WATCHED) if isinstance(seen.get(name), float)
    ]
    if known:
        parts.append("validation " + ", ".join(known[:2]))
    return "  ".join(parts)


def _short(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 100 else f"{value:,.1f}"
