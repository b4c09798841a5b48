"""The logs of a run: metrics.jsonl (no times in it, so that two equal runs are equal) and timing.jsonl."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from neurarium.core.errors import ArtifactError
from neurarium.core.files import _finite, writing
from neurarium.training import distributed


class Recorder:
    """Appends rows to the logs of a run folder, on the first rank; keeps them in memory, on all ranks.

    Args:
        folder: the run's; None writes nothing.
    """

    FILES = ("metrics.jsonl", "timing.jsonl")

    def __init__(self, folder: Path | None):
        self.folder, self.writes = folder, folder is not None and distributed.first()
        self.rows: list[dict[str, Any]] = []

    def add(self, row: dict[str, Any], timing: dict[str, Any]) -> None:
        """Append a row of metrics and its times."""
        self.rows.append(row)
        if self.folder is None or not self.writes:
            return
        for name, value in zip(self.FILES, (row, timing), strict=True):
            path = self.folder / name
            with writing(path), path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(_finite(value)) + "\n")
                stream.flush()
                os.fsync(stream.fileno())

    def lengths(self) -> list[int]:
        """Return the logs' lengths in bytes, for the checkpoint."""
        if self.folder is None:
            return [0, 0]
        return [path.stat().st_size if path.exists() else 0 for path in map(self.folder.joinpath, self.FILES)]

    def cut(self, lengths: list[int]) -> None:
        """Cut the logs back to the lengths of a checkpoint: what came after it will be done again.

        Raises:
            ArtifactError: a log is missing, or shorter than when the checkpoint was written.
        """
        self.rows = []
        if self.folder is None:
            return
        for name, length in zip(self.FILES, lengths, strict=True):
            path = self.folder / name
            size = path.stat().st_size if path.exists() else 0
            if size < length:
                raise ArtifactError(
                    f"{path} was shortened after the checkpoint was written",
                    expected=f"{length} bytes or more",
                    received=f"{size} bytes",
                    fix="restore it from a copy, or train again",
                )
            if size > length and self.writes:
                with writing(path), path.open("r+b") as stream:
                    stream.truncate(length)
        path = self.folder / self.FILES[0]
        if path.exists():
            held = path.read_bytes()[: lengths[0]].decode()
            self.rows = [json.loads(line) for line in held.splitlines() if line]
