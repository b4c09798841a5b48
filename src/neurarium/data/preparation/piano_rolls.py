"""Preparation of piano rolls: which of 88 keys sound at each step; the target of a step is the next one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy
import torch

from neurarium.core.errors import DataError
from neurarium.data.preparation.storage import save_preparation
from neurarium.data.readers.encodings import require_file
from neurarium.data.readers.npz import read_npz
from neurarium.data.specs import ABSENT, Frames, Series

KEYS = 88
TONES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
NOTES = tuple(f"{TONES[(key + 9) % 12]}{(key + 9) // 12}" for key in range(KEYS))  # A0 to C8


@dataclasses.dataclass
class PianoRollPreparation:
    """Piano rolls, each `(steps, 88)` of zeros and ones, to series of frames and what comes after each.

    Args:
        length: steps of the longest training roll, without its last one.
    """

    length: int
    kind: ClassVar[str] = "piano rolls"

    @property
    def inputs(self) -> Series:
        return Series(KEYS, self.length)

    @property
    def targets(self) -> Frames:
        return Frames(NOTES, self.length)

    def batch(self, rolls: Sequence[numpy.ndarray], length: int | None = None) -> dict[str, Any]:
        """Return frames 1 to T - 1 of each roll as inputs, and frames 2 to T as targets, -1 behind them."""
        length = length or max(len(each) for each in rolls) - 1
        series = torch.zeros(len(rolls), length, KEYS)
        targets = torch.full((len(rolls), length, KEYS), float(ABSENT))
        for place, roll in enumerate(rolls):
            frames = torch.from_numpy(numpy.asarray(roll, dtype=numpy.float32))[: length + 1]
            series[place, : len(frames) - 1], targets[place, : len(frames) - 1] = frames[:-1], frames[1:]
        lengths = torch.tensor([min(len(each) - 1, length) for each in rolls])
        return {"inputs": {"series": series, "lengths": lengths}, "targets": targets}

    def apply(self, raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Turn rolls (a .mat, .npz or .npy file, or arrays) into (batch, notes).

        Raises:
            DataError: no roll, or one that is none.
        """
        rolls = read_rolls(raw) if isinstance(raw, str | Path) else checked(list(raw), "the rolls")
        return self.batch(rolls), {"rows": len(rolls)}

    def save(self, folder: Path | str) -> None:
        """Write preparation.json into a folder."""
        save_preparation(folder, self.kind, {"length": self.length}, {})

    @classmethod
    def from_saved(
        cls, content: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]
    ) -> PianoRollPreparation:
        """Rebuild a preparation from its JSON."""
        return cls(int(content["length"]))


def read_rolls(path: str | Path, variable: str = "testdata") -> list[numpy.ndarray]:
    """Read piano rolls: a variable of a MATLAB file, or the arrays of an npz or npy file.

    Raises:
        DataError: it cannot be read, or holds something else.
    """
    path = Path(path)
    require_file(path)
    if path.suffix.lower() != ".mat":
        found = [roll for each in read_npz(path).values() for roll in (each if each.ndim == 3 else [each])]
        return checked(found, path)
    from scipy.io import loadmat

    try:
        held = loadmat(path, variable_names=[variable])
    except Exception as error:  # scipy raises anything on bytes that are none of its format
        raise DataError(f"{path} is no MATLAB file", received=str(error)[:80]) from error
    if variable not in held:
        raise DataError(
            f"{path} holds no variable '{variable}'", expected="traindata, validdata and testdata"
        )
    return checked(list(held[variable].ravel()), path)


def checked(rolls: list[Any], origin: Any) -> list[numpy.ndarray]:
    """Return the rolls as bytes.

    Raises:
        DataError: none, another number of keys, one frame alone, other numbers than 0 and 1.
    """
    if not rolls:
        raise DataError(f"{origin} holds no piano roll", expected=f"arrays (steps, {KEYS})")
    for number, roll in enumerate(rolls, 1):
        array = numpy.asarray(roll)
        if array.ndim != 2 or array.shape[1] != KEYS or len(array) < 2:
            raise DataError(
                f"piano roll {number} of {origin} has another shape",
                expected=f"(steps, {KEYS}), two steps or more",
                received=array.shape,
            )
        if array.dtype == object or not numpy.isin(array, (0, 1)).all():
            raise DataError(
                f"piano roll {number} of {origin} holds something else than 0 and 1",
                expected="1 where a key sounds",
                fix="binarize it: roll > 0",
            )
    return [numpy.asarray(each).astype(numpy.uint8) for each in rolls]
