"""Logger: what sends the numbers of a run to a service beside it. A logger that fails never ends the training."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from neurarium.core.recipe import recipe_of
from neurarium.training.callbacks.callback import Callback

FILES = ("weights.safetensors", "config.yaml", "plan.json", "results.json", "report.html", "card.md")


class LoggingWarning(UserWarning):
    """A logger has failed, and logs no more."""


class Logger(Callback):
    """The root of loggers: `open`, `log` and `finish` are called so that no failure of theirs ends the training.

    The first failure is told by a warning; then this logger is silent. `stop` closes it, unless it is `held` by who opened
    it: the results and the report are made after the last step, and are to be logged too.
    """

    name: ClassVar[str] = "logger"

    def __init__(self) -> None:
        self.run: Any = None
        self.failed = self.held = self.opened = False

    # ------------------------------------------------------------------------------------- for each to define

    def open(self, loop: Any, configuration: dict[str, Any]) -> None:
        """Begin, or go on with, the record of a run."""

    def log(self, step: int, numbers: dict[str, float]) -> None:
        """Record the numbers of an evaluation."""

    def finish(self, results: dict[str, float], files: list[Path]) -> None:
        """Record what came out, and the files, and end."""

    # ----------------------------------------------------------------------------------------------- the calls

    def start(self, loop: Any) -> None:
        self.run, self.opened = loop.run, True
        self._safely(self.open, loop, configuration(loop))

    def evaluate(self, loop: Any, row: dict[str, Any]) -> None:
        self._safely(self.log, row["step"], numbers(row))

    def stop(self, loop: Any) -> None:
        if not self.held:
            self.close()

    def close(self) -> None:
        """Log the results and the files as they are now, and end; a second time does nothing."""
        if self.opened:
            self.opened = False
            folder = None if self.run is None else self.run.folder
            files = [] if folder is None else [folder / name for name in FILES if (folder / name).is_file()]
            results = {} if self.run is None else flat(self.run.results)
            self._safely(
                self.finish, {name: value for name, value in results.items() if _is_number(value)}, files
            )

    def _safely(self, call: Callable[..., None], *arguments: Any) -> None:
        if self.failed:
            return
        try:
            call(*arguments)
        except Exception as error:
            self.failed = True
            said = (str(error).strip().splitlines() or [""])[0][:300]
            warnings.warn(
                f"logging to {self.name} has failed, and training goes on without it: {type(error).__name__}: {said}",
                LoggingWarning,
                stacklevel=3,
            )


def configuration(loop: Any) -> dict[str, Any]:
    """Return what a run was begun with: the command, the network's and the method's options, the plan; flat, with dots."""
    run, method = loop.run, loop.method
    found: dict[str, Any] = dict(getattr(run, "config", None) or {})
    network = recipe_of(method.deployed)
    if network is not None:
        found["network"] = {"name": network.builder.rpartition(":")[2], **network.options}
    found["plan"] = {each.subject: each.choice for each in getattr(run, "decisions", ())}
    return {name: _plain(value) for name, value in flat(found).items()}


def flat(held: Mapping[str, Any], head: str = "") -> dict[str, Any]:
    """Return nested mappings as one, the keys joined by dots.

    >>> flat({"a": 1, "b": {"c": 2, "d": {"e": 3}}})
    {'a': 1, 'b.c': 2, 'b.d.e': 3}
    """
    found: dict[str, Any] = {}
    for name, value in held.items():
        found |= flat(value, f"{head}{name}.") if isinstance(value, Mapping) else {f"{head}{name}": value}
    return found


def numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a row of metrics.jsonl as `train/loss`, `validation/accuracy`, `learning_rate`, `epoch`."""
    found = {
        f"{part}/{name}": float(value)
        for part in ("train", "validation")
        for name, value in row.get(part, {}).items()
        if _is_number(value)
    }
    rate = {"learning_rate": float(row["rate"])} if _is_number(row.get("rate")) else {}
    return {**found, **rate, **({"epoch": float(row["epoch"])} if _is_number(row.get("epoch")) else {})}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
