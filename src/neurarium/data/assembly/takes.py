"""Takes: the recordings of a source, decoded once; and the dataset that is made of them."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.core.errors import DataError, OptionError
from neurarium.core.wording import counted
from neurarium.data.assembly.quarantine import left_out
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.examples import Examples, FileExamples
from neurarium.data.preparation.sounds import LabelsFrom, SoundPreparation, padded
from neurarium.data.preparation.targets import Labels
from neurarium.data.readers.folders import Folder
from neurarium.data.readers.recordings import Facts, at_rate, decode
from neurarium.data.readers.room import free_memory
from neurarium.data.specs import Transcript, Waveform

RATE = 16_000  # speech has little above 8 kHz
PERCENTILE = 99
SHARE = 4  # one in so many of the free bytes may be taken
RATES = (1_000, 384_000)


@dataclasses.dataclass
class Takes:
    """Recordings.

    Args:
        files: paths, labels or table, and what was left out.
        facts: of each file.
        samples: of each file, `(length,)` at the rate of the file; None where they are decoded when taken.
    """

    files: Folder
    facts: list[Facts]
    samples: list[numpy.ndarray] | None


def sizes_of(found: Mapping[str, Folder]) -> int:
    """Return the bytes that the samples of files will take, as floats: twice those of 16-bit files."""
    return sum(2 * path.stat().st_size for folder in found.values() for path in folder.paths)


def recorded(files: Folder, storage: str, memory: int | None, need: int) -> Takes:
    """Decode every file once; those that cannot be decoded are left out by name.

    Args:
        files: what was found.
        storage: "memory", "files" or "auto".
        memory: bytes that all samples may take; None for a quarter of what is free.
        need: bytes that all samples take.
    """
    if storage not in ("auto", "memory", "files"):
        raise OptionError(
            "there is no such storage of sound", expected="auto, memory or files", received=storage
        )
    budget = free_memory() // SHARE if memory is None else memory
    keep = storage == "memory" or (storage == "auto" and need <= budget)
    facts, samples, good = [], [], []
    for place, path in enumerate(files.paths):
        found = decode(path)
        if isinstance(found, str):
            files.quarantined.append({"file": files.name(path), "reason": found})
            continue
        facts.append(found[1])
        good.append(place)
        if keep:
            samples.append(found[0])
    files.paths = [files.paths[place] for place in good]
    files.labels = [files.labels[place] for place in good] if files.labels else []
    files.frame = files.frame[good] if files.frame is not None else None
    return Takes(files, facts, samples if keep else None)


def assembled(
    name: str,
    takes: Mapping[str, Takes],
    parts: Mapping[str, numpy.ndarray],
    encoded: Mapping[str, numpy.ndarray],
    plan: Any,
    rate: int | None = None,
    seconds: float | None = None,
    *,
    labels: tuple[LabelsFrom, str | None] = ("table", None),
) -> Dataset:
    """Make the dataset of recordings whose parts and targets are known.

    Args:
        takes: the recordings of `train`, from which splits may be cut, and of other parts with a source of their own.
        parts: the rows of each split.
        encoded: the encoded targets of each source.
        plan: how they were encoded.
        rate, seconds: as for `sounds`.
        labels: what says the classes, and the column of the files.
    """
    source = {key: key if key in takes else "train" for key in parts}
    if not len(parts["train"]):
        raise DataError("no training recording can be decoded")
    chosen, why = _rate(takes["train"].facts, parts["train"], rate)
    training = [_length(takes["train"].facts[place], chosen) for place in parts["train"]]
    length, reason = _longest(training, chosen, seconds, isinstance(plan.spec, Transcript))
    preparation = SoundPreparation(Waveform(1, length, chosen), plan, *labels)
    splits = {
        key: _examples(takes[source[key]], part, encoded[source[key]], preparation)
        for key, part in parts.items()
    }
    cut = sum(each > length for each in training) if preparation.cuts else 0
    held = takes["train"]
    how = "in memory" if held.samples is not None else "decoded on demand"
    dataset = Dataset(
        name, preparation.spec, plan.spec, splits["train"], splits.get("validation"), splits.get("test"),
        preparation=preparation,
        decisions=[
            Decision("rate", f"{chosen:,} samples per second", why, "--set rate="),
            Decision("length", f"{length / chosen:.2f} s", reason + (f"; {counted(cut, 'training recording')} cut" if cut else ""), "--set seconds="),
            *_rules(takes, chosen),
            Decision("storage", how, "decoded once" if held.samples is not None else "they do not fit into memory", "--set storage="),
            *_left_out(takes),
        ],
        summary=_summary(takes, parts, encoded["train"], plan),
    )  # fmt: skip
    return dataset


def _rate(facts: Sequence[Facts], rows: numpy.ndarray, asked: int | None) -> tuple[int, str]:
    if asked is not None:
        if not RATES[0] <= asked <= RATES[1]:
            raise OptionError("the rate of sound is out of range", expected=f"{RATES[0]:,} to {RATES[1]:,} samples per second", received=asked)  # fmt: skip
        return int(asked), "asked for"
    counts = collections.Counter(facts[place].rate for place in rows)
    usual = max(counts, key=lambda each: (counts[each], each))
    if usual > RATE:
        return RATE, f"most training recordings have {usual:,}; speech needs no more than {RATE:,}"
    return usual, f"{counts[usual]:,} of {len(rows):,} training recordings have it"


def _longest(lengths: Sequence[int], rate: int, seconds: float | None, whole: bool) -> tuple[int, str]:
    if seconds is not None and not seconds * rate >= 1:
        raise OptionError(
            "recordings cannot be cut so short", expected="more than 0 seconds", received=seconds
        )
    if whole:
        return max(lengths), "the longest training recording: what is to be written down is not cut"
    if seconds is not None:
        return round(seconds * rate), "asked for"
    usual = int(numpy.ceil(numpy.percentile(lengths, PERCENTILE)))
    return usual, f"the {PERCENTILE}th percentile of the training recordings"


def _length(facts: Facts, rate: int) -> int:
    return -(-facts.length * rate // facts.rate)


def _examples(
    takes: Takes, part: numpy.ndarray, encoded: numpy.ndarray, preparation: SoundPreparation
) -> Examples | FileExamples:
    targets = preparation.target.tensor(encoded)
    rows = torch.from_numpy(numpy.asarray(part, dtype=numpy.int64))
    rate = preparation.spec.rate
    if takes.samples is None:
        return RecordingExamples(
            [takes.files.paths[place] for place in part], batches.take(targets, rows), preparation
        )
    sounds = [at_rate(takes.samples[place], takes.facts[place].rate, rate) for place in part]
    inputs = preparation.batch(sounds)
    return Examples({"inputs": inputs, "targets": batches.take(targets, rows)})


class RecordingExamples(FileExamples):
    """Recordings decoded whenever they are taken.

    Args:
        paths: the files.
        targets: of all of them.
        preparation: what brings them to one rate and cuts them.
    """

    def __init__(self, paths: Sequence[Path], targets: Any, preparation: SoundPreparation):
        super().__init__(self.one, len(paths), targets=targets)
        self.paths, self.preparation = list(paths), preparation

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "read": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.read = self.one

    def sound(self, index: int) -> numpy.ndarray:
        """Return the samples of one recording, at the rate of the training."""
        found = decode(self.paths[index])
        if isinstance(found, str):
            raise DataError(
                f"the recording {self.paths[index]} became unreadable: {found}", fix="restore the file"
            )
        return at_rate(found[0], found[1].rate, self.preparation.spec.rate)

    def one(self, index: int) -> dict[str, Any]:
        """Return one example, as long as the longest may be, so that examples can be stacked."""
        held = padded([self.sound(index)], self.preparation.spec.length)
        room = self.preparation.spec.length - held["waveform"].shape[1]
        waveform = torch.nn.functional.pad(held["waveform"][0], (0, room))
        targets = batches.map_tensors(lambda each: each[0], batches.take(self.targets, [index]))
        return {"inputs": {"waveform": waveform, "lengths": held["lengths"][0]}, "targets": targets}

    def take(self, indices: Tensor | slice | Sequence[int]) -> dict[str, Any]:
        chosen = range(*indices.indices(len(self))) if isinstance(indices, slice) else indices
        rows = [int(index) for index in chosen]
        inputs = self.preparation.batch([self.sound(row) for row in rows])
        return {"inputs": inputs, "targets": batches.take(self.targets, rows)}

    def subset(self, indices: Tensor | Sequence[int]) -> RecordingExamples:
        chosen = torch.as_tensor(indices).tolist()
        paths = [self.paths[index] for index in chosen]
        return RecordingExamples(paths, batches.take(self.targets, chosen), self.preparation)


def _rules(takes: Mapping[str, Takes], rate: int) -> list[Decision]:
    """Say which rules odd recordings met."""
    facts = [each for take in takes.values() for each in take.facts]
    found = []
    wide = sum(each.channels > 1 for each in facts)
    if wide:
        found.append(
            Decision(
                "channels",
                "1",
                f"{counted(wide, 'recording')} with more: their mean is taken",
                "save one channel",
            )
        )
    others = collections.Counter(each.rate for each in facts if each.rate != rate)
    if others:
        shown = ", ".join(f"{count:,} of {each:,}" for each, count in sorted(others.items())[:6])
        found.append(
            Decision(
                "resampled",
                counted(sum(others.values()), "recording"),
                f"other rates: {shown}",
                "--set rate=",
            )
        )
    silent = sum(each.peak == 0 for each in facts)
    if silent:
        reason = "all their samples are zero; they are kept as they are"
        found.append(Decision("silent", counted(silent, "recording"), reason, "remove the files"))
    return found


def _left_out(takes: Mapping[str, Takes]) -> list[Decision]:
    decisions = left_out([each for take in takes.values() for each in take.files.quarantined])
    empty = takes["train"].files.empty
    if empty:
        decisions.append(
            Decision(
                "empty classes",
                f"without {', '.join(empty[:5])}",
                "no recording is in these folders",
                "add recordings",
            )
        )
    return decisions


def _summary(
    takes: Mapping[str, Takes], parts: Mapping[str, numpy.ndarray], encoded: numpy.ndarray, plan: Any
) -> dict[str, Any]:
    facts = [each for take in takes.values() for each in take.facts]
    lengths = [each.length / each.rate for each in facts]
    known = encoded[plan.known(encoded)]
    summary: dict[str, Any] = {
        "examples": len(facts),
        "splits": {key: len(part) for key, part in parts.items()},
        "quarantined": [each for take in takes.values() for each in take.files.quarantined],
        "seconds": {"shortest": min(lengths), "longest": max(lengths), "total": round(sum(lengths), 3)},
        "silent": sum(each.peak == 0 for each in facts),
        "clipped": sum(each.peak >= 1 - 2**-15 for each in facts),
        "rates": {str(each): count for each, count in collections.Counter(f.rate for f in facts).items()},
    }
    if isinstance(plan, Labels):
        summary["classes"] = plan.counts(known)
    return summary
