"""Checkpoints: one file each, whole or absent; the newest whole one is resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neurarium.core.codec import load_tree, save_tree
from neurarium.core.errors import ArtifactError


class Checkpoints:
    """The checkpoints of a run folder.

    Args:
        folder: `RUN/checkpoints`.
        keep: how many of the newest are kept.
    """

    def __init__(self, folder: Path, *, keep: int = 2):
        self.folder, self.keep = folder, keep

    def paths(self) -> list[Path]:
        """Return the files, oldest first."""
        return sorted(self.folder.glob("step-*.safetensors"))

    def save(self, step: int, tree: Any) -> Path:
        """Write a checkpoint, then remove those that are too old."""
        path = self.folder / f"step-{step:010d}.safetensors"
        save_tree(path, tree)
        for old in self.paths()[: -self.keep]:
            old.unlink(missing_ok=True)
        for part in self.folder.glob(".*.part"):  # what a killed process left half-written
            part.unlink(missing_ok=True)
        return path

    def newest(self) -> Any | None:
        """Return the newest checkpoint that can be read; None when there is none.

        Raises:
            ArtifactError: there are checkpoints, and none can be read.
        """
        failure: ArtifactError | None = None
        for path in reversed(self.paths()):
            try:
                return load_tree(path)
            except ArtifactError as error:
                failure = error
        if failure is not None:
            raise failure
        return None
