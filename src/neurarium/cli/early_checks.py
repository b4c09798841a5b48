"""Early checks: what is wrong with a command is found before its data is read, and its paths are made absolute."""

from __future__ import annotations

from pathlib import Path

from neurarium.cli.arguments import TASKS
from neurarium.cli.command import Command, seconds
from neurarium.core.errors import OptionError, unknown
from neurarium.core.members import find

LEAST = {"horizon": 1, "lora": 1, "batch_size": 1, "ensemble": 1, "patience": 1, "workers": 0}
CHOICES = {
    "task": TASKS,
    "split": ("stratified", "random", "grouped", "time"),
    "keep": ("best", "averaged", "last"),
    "precision": ("float32", "bfloat16", "float16"),
    "report": ("quick", "full", "none"),
}


def settled(command: Command, example: str = "neurarium train digits") -> Command:
    """Make paths absolute, so that the command means the same from any folder."""
    if command.data is None:
        raise OptionError("there is nothing to learn from", expected="DATA", fix=f"for example: {example}")
    from neurarium.data.catalogue.entries import ENTRIES
    from neurarium.data.readers.parts import absolute_pattern, is_pattern

    for name in ("data", "test", "validation", "start", "folder", "masks", "boxes", "parallel", "weights"):
        value = getattr(command, name)
        if isinstance(value, str) and value not in ENTRIES and Path(value).exists():
            setattr(command, name, str(Path(value).resolve()))
        elif isinstance(value, str) and value not in ENTRIES and is_pattern(value):
            setattr(command, name, absolute_pattern(value))
    labels = command.set.get("labels")
    if isinstance(labels, str) and Path(labels).is_file():
        command.set = {**command.set, "labels": str(Path(labels).resolve())}
    _check_early(command)
    return command


def _check_early(command: Command) -> None:
    """Find what is wrong with the command before the data is read."""
    seconds(command.time_limit)
    for name, least in LEAST.items():
        value = getattr(command, name)
        if value is not None and value < least:
            flag = f"--{name.replace('_', '-')}"
            raise OptionError(
                f"{flag} is too small", expected=f"{least} or more", received=value, fix=f"leave out {flag}"
            )
    if command.network:
        find("network", command.network)
    if command.method:
        find("method", command.method)
    for name in (command.augment or "").split(","):
        if name.strip():
            find("augmentation", name.strip())
    if command.log:
        from neurarium.training.callbacks.loggers import check

        check(logs(command.log))
    for name, choices in CHOICES.items():
        value = getattr(command, name)
        if value is not None and value not in choices:
            raise unknown(name.replace("_", " "), str(value), choices)


def logs(text: str | None) -> list[str]:
    """Return the names of the loggers that are asked for.

    >>> logs("wandb, tensorboard"), logs(None)
    (['wandb', 'tensorboard'], [])
    """
    return [each.strip() for each in (text or "").split(",") if each.strip()]
