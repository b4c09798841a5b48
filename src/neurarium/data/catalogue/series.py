"""Readers of the series in the catalogue."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

from neurarium.data.assembly.series import series
from neurarium.data.assembly.traces import Traces, traces
from neurarium.data.dataset import Dataset
from neurarium.data.preparation.series import Scaling
from neurarium.data.preparation.traces import Detector


def ucr(
    *, folder: Path, folder_name: str, validation: float | None = None, scaling: Scaling = "channels", seed: int = 0
) -> Dataset:  # fmt: skip
    """A set of the UCR and UEA archives with its published training and test files."""
    place = folder / folder_name
    return series(
        place / f"{folder_name}_TRAIN.ts", validation=validation, scaling=scaling, seed=seed, name=folder_name
    )


def nab(
    *, folder: Path, window: int = 32, detector: Detector = "forecast", validation: float = 0.2
) -> Traces:
    """The Numenta anomaly benchmark: its 58 files and the windows of its labels."""
    with tarfile.open(folder / "nab.tar.gz") as packed:
        held = {each.name: packed.extractfile(each) for each in packed.getmembers() if each.isfile()}
        files = {
            name.removeprefix("data/"): stream.read()
            for name, stream in sorted(held.items())
            if stream is not None and name.endswith(".csv")
        }
        stream = held["labels/combined_windows.json"]
        labels = json.loads(stream.read()) if stream is not None else {}
    return traces(
        files, "value", time="timestamp", labels=labels, window=window, detector=detector, validation=validation,
        name="nab",
    )  # fmt: skip
