"""Readers of the music in the catalogue."""

from __future__ import annotations

from pathlib import Path

from neurarium.data.dataset import Dataset, Decision
from neurarium.data.examples import Examples
from neurarium.data.preparation.piano_rolls import PianoRollPreparation, read_rolls

PARTS = {"train": "traindata", "validation": "validdata", "test": "testdata"}


def jsb_chorales(*, folder: Path) -> Dataset:
    """Chorales of Bach as piano rolls, with the published training, validation and test pieces: which notes come next."""
    rolls = {name: read_rolls(folder / "JSB_Chorales.mat", variable) for name, variable in PARTS.items()}
    longest = max(len(each) for part in rolls.values() for each in part)
    preparation = PianoRollPreparation(longest - 1)
    parts = {name: Examples(preparation.batch(part, longest - 1)) for name, part in rolls.items()}
    frames = {name: sum(len(each) - 1 for each in part) for name, part in rolls.items()}
    return Dataset(
        "jsb-chorales", preparation.inputs, preparation.targets, parts["train"], parts["validation"], parts["test"],
        preparation=preparation,
        decisions=[Decision("targets", "the next frame", "as the papers do: each step predicts the one after it")],
        summary={"pieces": {name: len(part) for name, part in rolls.items()}, "frames": frames},
    )  # fmt: skip
