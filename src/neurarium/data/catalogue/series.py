"""Readers of the series in the catalogue."""

from __future__ import annotations

from pathlib import Path

from neurarium.data.dataset import Dataset
from neurarium.data.preparation.series import Scaling
from neurarium.data.readers.series import series


def ucr(
    *, folder: Path, folder_name: str, validation: float | None = None, scaling: Scaling = "channels", seed: int = 0
) -> Dataset:  # fmt: skip
    """A set of the UCR and UEA archives with its published training and test files."""
    place = folder / folder_name
    return series(
        place / f"{folder_name}_TRAIN.ts", validation=validation, scaling=scaling, seed=seed, name=folder_name
    )
