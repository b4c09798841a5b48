"""Preparation of sound: one channel at one rate, padded with silence behind the end, with lengths."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy
import torch
from torch import Tensor

from neurarium.core.errors import DataError
from neurarium.data.preparation.storage import save_preparation
from neurarium.data.preparation.stored_targets import target_from_json
from neurarium.data.preparation.targets import match
from neurarium.data.readers.listing import TABLES, Listed, read_listing
from neurarium.data.readers.paths import are_paths, files_at
from neurarium.data.readers.recordings import SUFFIXES, at_rate, decode, inspected, sound_files
from neurarium.data.specs import Transcript, Waveform

RECORDINGS = Listed("recordings", SUFFIXES, inspected)
LabelsFrom = Literal["folders", "names", "table"]


@dataclasses.dataclass
class SoundPreparation:
    """The preparation of sound.

    Args:
        spec: samples at most, and their rate.
        target: how targets are encoded.
        labels: what says the class of a file: its "folders", its "names" (up to the first `_`), or a "table".
        column: the column of a table that names the files.
    """

    spec: Waveform
    target: Any
    labels: LabelsFrom = "folders"
    column: str | None = None
    kind: ClassVar[str] = "sound"

    @property
    def inputs(self) -> Waveform:
        return self.spec

    @property
    def cuts(self) -> bool:
        """Whether what is longer than training saw is cut: not where all of it is to be written down."""
        return not isinstance(self.target.spec, Transcript)

    def apply(self, raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Turn new sound into (batch, notes).

        Args:
            raw: a file of sound, a folder of them, a list of paths, a table of paths where training had one, or samples
                `(length,)` or `(batch, length)` at the rate of the training.

        Returns:
            `{"inputs": {"waveform", "lengths"}, "targets": ...}`; targets where folder, name or table say them of every
            file. The notes are `rows`, `files`, `quarantined` (name and reason of what could not be read).

        Raises:
            DataError: no readable sound.
        """
        if not isinstance(raw, str | os.PathLike) and not are_paths(raw):
            return self._samples(raw)
        if not are_paths(raw) and self.column and Path(raw).suffix.lower() in TABLES and Path(raw).is_file():
            return self._from_table(Path(raw))
        return self._decoded(files_at(raw, sound_files), raw)

    def batch(self, sounds: Sequence[numpy.ndarray]) -> dict[str, Tensor]:
        """Return sounds `(length,)` at the rate of the training as one batch."""
        return padded(sounds, self.spec.length if self.cuts else None)

    def save(self, folder: Path | str) -> None:
        """Write preparation.json and preparation.safetensors into a folder."""
        content = {"spec": self.spec.to_json(), "target": self.target.to_json()}
        save_preparation(folder, self.kind, content | {"labels": self.labels, "column": self.column}, {})

    @classmethod
    def from_saved(cls, content: Mapping[str, Any], arrays: Mapping[str, numpy.ndarray]) -> SoundPreparation:
        """Rebuild a preparation from its JSON."""
        spec = {key: value for key, value in content["spec"].items() if key != "spec"}
        return cls(
            Waveform(**spec), target_from_json(content["target"]), content["labels"], content["column"]
        )

    def _samples(self, raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        held = numpy.asarray(raw.detach().cpu() if isinstance(raw, Tensor) else raw)
        held = held[None] if held.ndim == 1 else held
        if held.ndim != 2 or not numpy.issubdtype(held.dtype, numpy.floating) or not held.size:
            raise DataError(
                "these are no samples of sound",
                expected=f"floats (length,) or (batch, length) within [-1, 1], {self.spec.rate:,} samples per second",
                received=f"shape {held.shape}, {held.dtype}",
                fix="give files of sound, which are read by rule",
            )
        if not numpy.isfinite(held).all():
            raise DataError(
                "the sound holds samples that are no finite numbers", fix="leave these recordings out"
            )
        return {"inputs": self.batch(list(held.astype(numpy.float32)))}, {"rows": len(held)}

    def _decoded(self, paths: Sequence[Path], raw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        sounds: list[numpy.ndarray] = []
        kept: list[Path] = []
        quarantined: list[dict[str, str]] = []
        for path in paths:
            found = decode(path)
            if isinstance(found, str):
                quarantined.append({"file": str(path), "reason": found})
                continue
            sounds.append(at_rate(found[0], found[1].rate, self.spec.rate))
            kept.append(path)
        if not kept:
            raise DataError(
                f"there is no readable sound in {raw}",
                expected="WAV files, or with soundfile FLAC, OGG and others",
                received="; ".join(f"{each['file']}: {each['reason']}" for each in quarantined[:3])
                or "no files",
            )
        notes = {"rows": len(kept), "files": [str(path) for path in kept], "quarantined": quarantined}
        batch: dict[str, Any] = {"inputs": self.batch(sounds)}
        targets = self._labels(kept)
        return batch | ({} if targets is None else {"targets": targets}), notes

    def _labels(self, paths: Sequence[Path]) -> Tensor | None:
        """Return the classes that folders or names say, where they say one of every file."""
        names = getattr(self.target, "names", ())
        if not names or self.labels == "table":
            return None
        said = [
            match(name_label(path) if self.labels == "names" else path.parent.name, names) for path in paths
        ]
        return torch.tensor([names.index(each) for each in said]) if all(said) else None

    def _from_table(self, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        """Read a table of paths as training did; the targets are in the batch where all of them are in the table."""
        columns = self.target.columns
        found = read_listing(path, str(self.column), columns, None, known=False, kind=RECORDINGS)
        batch, notes = self._decoded(found.paths, path)
        notes["quarantined"] = [*found.quarantined, *notes["quarantined"]]
        if found.frame is not None and set(columns) <= set(found.frame.columns):
            places = {str(each): place for place, each in enumerate(found.paths)}
            encoded, _ = self.target.encode(found.frame[[places[each] for each in notes["files"]]])
            if self.target.known(encoded).all():
                batch["targets"] = self.target.tensor(encoded)
        return batch, notes


def padded(sounds: Sequence[numpy.ndarray], longest: int | None = None) -> dict[str, Tensor]:
    """Return sounds `(length,)` as `{"waveform": (batch, length), "lengths": (batch,)}`, with silence behind each end.

    Args:
        longest: samples behind which sounds are cut; None for the longest of them.

    >>> padded([numpy.ones(1, numpy.float32), numpy.ones(3, numpy.float32)], 2)["waveform"].tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    lengths = [len(each) if longest is None else min(len(each), longest) for each in sounds]
    waveform = numpy.zeros((len(sounds), max(lengths, default=0)), dtype=numpy.float32)
    for row, each, length in zip(waveform, sounds, lengths, strict=True):
        row[:length] = each[:length]
    return {"waveform": torch.from_numpy(waveform), "lengths": torch.tensor(lengths, dtype=torch.int64)}


def name_label(path: Path) -> str:
    """Return what a file's name says of its class: all before the first `_`, or `-` where there is none.

    >>> name_label(Path("7_jackson_32.wav")), name_label(Path("yes-3.wav")), name_label(Path("noise.wav"))
    ('7', 'yes', 'noise')
    """
    stem = path.stem
    return stem.partition("_")[0] if "_" in stem else stem.partition("-")[0]
