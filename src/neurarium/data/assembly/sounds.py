"""Sounds: a folder of recordings per class, recordings named by their class, or a table of paths, as a `Dataset`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy
import polars

from neurarium.core.errors import DataError, OptionError, unknown
from neurarium.data.assembly.partition import How, partition
from neurarium.data.assembly.rereading import rereadable
from neurarium.data.assembly.takes import Takes, assembled, recorded, sizes_of
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.preparation.sounds import RECORDINGS, LabelsFrom, name_label
from neurarium.data.preparation.target_recognition import recognise_target
from neurarium.data.preparation.targets import Labels, match
from neurarium.data.preparation.transcripts import transcripts_of
from neurarium.data.readers.encodings import missing_path
from neurarium.data.readers.folders import FileNames, Folder, digest, split_folders
from neurarium.data.readers.listing import read_listing
from neurarium.data.readers.pictures import shown
from neurarium.data.readers.recordings import SUFFIXES, sound_files

Task = Literal["classification", "regression", "transcription"]


@rereadable
def sounds(
    source: Any,
    *,
    sound: str | None = None,
    target: str | Sequence[str] | None = None,
    folder: str | Path | None = None,
    task: Task | None = None,
    test: Any = None,
    validation: float | Any = 0.15,
    test_fraction: float = 0.15,
    split: str | Mapping[str, Sequence[int]] | None = None,
    group: str | None = None,
    rate: int | None = None,
    seconds: float | None = None,
    labels: Literal["folders", "names"] | None = None,
    storage: Literal["auto", "memory", "files"] = "auto",
    memory: int | None = None,
    seed: int = 0,
    name: str | None = None,
) -> Dataset:
    """Read labeled recordings, split them, and bring them to one channel and one rate.

    Args:
        source: a folder with a folder per class (inside `train`, `validation`, `test` where there are such), a folder of
            recordings named by their class (`7_jackson_32.wav`), or a table of paths (with `sound` and `target`).
        sound: the column of a table that names the files.
        target: the column to predict, or several columns of quantities.
        folder: where the files of the table are; by default beside it.
        task: "classification", "regression", or "transcription": the target is what is said.
        test: a folder or table of test recordings; without it, and without a test part in the source, `test_fraction` is
            set aside.
        validation: the fraction of the training recordings that validate, or a folder or table of them.
        test_fraction: the fraction that tests, where there is no test part.
        split: "stratified", "random", "grouped", or the rows of each split.
        group: a column of the table, such as the speaker: its values stay in one split each.
        rate: samples per second; by default the most frequent one of the training recordings, at most 16,000.
        seconds: longer recordings are cut; by default the 99th percentile of the training recordings. Recordings to be
            written down are not cut.
        labels: whether "folders" or "names" say the classes; by default the folders where there are any.
        storage: "memory", "files" (decoded when taken), or "auto": the first where they fit.
        memory: bytes that sound may take in memory; None for a quarter of what is free.
        seed: decides the split.
        name: how reports call the dataset.

    Returns:
        A dataset of `Waveform` -> `Classes`, `Quantity` or `Transcript`. Files that cannot be read are listed with their
        reasons in `dataset.summary["quarantined"]`.

    Raises:
        DataError: no recordings, one class, more broken files than whole ones.
        OptionError: options that do not go together.
        MissingDependencyError: FLAC, OGG and others without the extra `audio`.

    >>> import tempfile
    >>> from neurarium.data.readers.wav import write_wav
    >>> with tempfile.TemporaryDirectory() as place:
    ...     for number in range(20):
    ...         wave = numpy.sin(numpy.arange(400) * (0.1 + number % 2))
    ...         _ = (Path(place) / f"{'low' if number % 2 else 'high'}_{number}.wav").write_bytes(write_wav(wave, 8000))
    ...     sounds(place, name="tones")
    Dataset(tones: Waveform -> Classes; train 14, validation 3, test 3)
    """
    if not isinstance(source, str | os.PathLike):
        raise DataError("recordings are read from a path", expected="a folder, or a table of paths",
                        received=type(source).__name__)  # fmt: skip
    path = Path(source)
    if not path.exists():
        raise missing_path(path)
    _check(path, sound, target, task, folder, group)
    columns = _columns(target)
    others = _others({"validation": validation, "test": test})
    if sound is not None:
        kept = (*columns, *((group,) if group and group not in columns else ()))
        where = Path(folder) if folder is not None else None
        found = {
            key: read_listing(each, sound, kept, where, kind=RECORDINGS)
            for key, each in {"train": path, **others}.items()
        }
        chosen: LabelsFrom = "table"
    else:
        found, chosen = _folders(path, others, labels)
    fraction = float(validation) if isinstance(validation, int | float) and "validation" not in found else 0.0
    how = How(fraction, 0.0 if "test" in found else test_fraction, split, group, None, seed)
    takes = {key: recorded(folder_, storage, memory, sizes_of(found)) for key, folder_ in found.items()}
    return _read(name or path.name.rpartition(".")[0] or path.resolve().name, takes, columns, task, how,
                 (rate, seconds), (chosen, sound))  # fmt: skip


def _read(
    name: str,
    takes: Mapping[str, Takes],
    columns: Sequence[str],
    task: Task | None,
    how: How,
    wanted: tuple[int | None, float | None],
    labels: tuple[LabelsFrom, str | None],
) -> Dataset:
    _require_sound(takes)
    plan, encoded, decision = _targets(takes, columns, task, labels[0])
    usable = {key: numpy.flatnonzero(plan.known(values)) for key, values in encoded.items()}
    table = takes["train"].files.frame
    frame = table if table is not None else polars.DataFrame()
    rows, split = partition(frame, encoded["train"], usable["train"], plan, how)
    parts = {**rows, **{key: usable[key] for key in takes if key != "train"}}
    plan = plan.fitted(encoded["train"][rows["train"]])
    dataset = assembled(name, takes, parts, encoded, plan, *wanted, labels=labels)
    dataset.rows = dict(rows)
    dataset.files = {
        key: FileNames(takes[key if key in takes else "train"].files, part) for key, part in parts.items()
    }
    dataset.decisions = [decision, *split, *dataset.decisions]
    dataset.summary["sha256"] = digest({key: take.files for key, take in takes.items()})
    return dataset


def _check(
    path: Path, sound: str | None, target: Any, task: str | None, folder: Any, group: str | None
) -> None:
    if sound is None:
        for option, value in (("target", target), ("folder", folder), ("task", task), ("group", group)):
            if value is not None:
                raise OptionError(
                    f"--{option} is for a table of recordings, and here folders or names say the classes",
                    received=f"--{option} {value}",
                    fix=f"leave out --{option}, or give --sound COLUMN: the column of a table that names the files",
                )
        if not path.is_dir():
            raise DataError(
                f"{path} alone does not say which recordings it means",
                expected="a folder of recordings, or a table with a column of paths",
                received=path.name,
                fix="for a table: --sound COLUMN (the paths) and --target COLUMN",
            )
        return
    if path.is_dir():
        raise OptionError(f"--sound names a column of a table, and {path} is a folder", received=sound,
                          fix="leave out --sound, or name the table: neurarium train labels.csv --sound COLUMN")  # fmt: skip
    if target is None:
        raise OptionError("a table of recordings needs to be told which column to predict", received="no target",
                          fix="give --target COLUMN")  # fmt: skip
    if task not in (None, "classification", "regression", "transcription"):
        raise unknown("task of recordings", task, ("classification", "regression", "transcription"))


def _columns(target: str | Sequence[str] | None) -> tuple[str, ...]:
    if target is None:
        return ()
    return tuple(each.strip() for each in target.split(",")) if isinstance(target, str) else tuple(target)


def _others(given: Mapping[str, Any]) -> dict[str, Path]:
    others = {key: Path(each) for key, each in given.items() if isinstance(each, str | os.PathLike)}
    for each in others.values():
        if not each.exists():
            raise missing_path(each)
    return others


def _folders(
    path: Path, others: Mapping[str, Path], labels: Literal["folders", "names"] | None
) -> tuple[dict[str, Folder], LabelsFrom]:
    """Find the recordings of each part, and what says their classes."""
    sources = {"train": path, **split_folders(path), **others}
    chosen = labels or ("folders" if _has_classes(sources["train"]) else "names")
    return {key: _folder(each, chosen) for key, each in sources.items()}, chosen


def _has_classes(root: Path) -> bool:
    return any(each.is_dir() and shown(each.name) and sound_files(each) for each in root.iterdir())


def _folder(root: Path, labels: str) -> Folder:
    found = Folder([], [], [], [], root)
    if labels == "names":
        found.paths = sound_files(root)
        found.labels = [name_label(each) for each in found.paths]
    else:
        classes = [each for each in sorted(root.iterdir()) if each.is_dir() and shown(each.name)]
        pairs = [(path, each.name) for each in classes for path in sound_files(each)]
        found.paths, found.labels = [path for path, _ in pairs], [label for _, label in pairs]
        found.empty = sorted({each.name for each in classes} - set(found.labels))
    if not found.paths:
        raise DataError(
            f"there is no recording in {root}",
            expected="a folder per class, or files named as 7_jackson_32.wav, of "
            + ", ".join(sorted(SUFFIXES)),
            received=f"{len(list(root.iterdir()))} other files and folders",
        )
    return found


def _require_sound(takes: Mapping[str, Takes]) -> None:
    """Raise a `DataError` where most of the files are broken: something else is wrong."""
    broken = [each for take in takes.values() for each in take.files.quarantined if _sounds(each["file"])]
    good = sum(len(take.files.paths) for take in takes.values())
    if broken and len(broken) > good:
        shown_ = "; ".join(f"{each['file']}: {each['reason']}" for each in broken[:3])
        raise DataError(
            f"more than half of the recordings are broken: {len(broken):,} of {len(broken) + good:,}",
            expected="files of sound that can be decoded",
            received=shown_,
            fix="copy them again, or remove those that are no sound",
        )


def _sounds(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES


def _targets(
    takes: Mapping[str, Takes], columns: Sequence[str], task: Task | None, labels: LabelsFrom
) -> tuple[Any, dict[str, numpy.ndarray], Decision]:
    """Return what is predicted, the encoded targets of each part, and the decision."""
    if labels != "table":
        plan = Labels("class", _classes(takes))
        codes = {
            key: numpy.array([plan.names.index(match(each, plan.names) or "") for each in take.files.labels])
            for key, take in takes.items()
        }
        said = (
            "each folder is a class, with all that lies in it"
            if labels == "folders"
            else "names up to the first _ are classes"
        )
        return (
            plan,
            codes,
            Decision("classes", len(plan.names), said, "--set labels=folders, --sound, --target: a table"),
        )
    frames = {key: take.files.frame for key, take in takes.items() if take.files.frame is not None}
    target: Any
    if task == "transcription":
        if len(columns) != 1:
            raise OptionError(
                "a transcript is one column", received=", ".join(columns), fix="give one --target"
            )
        target = transcripts_of(
            columns[0], frames["train"].get_column(columns[0]).cast(polars.String).to_list()
        )
        reason = f"{len(target.symbols)} symbols, {target.longest} per transcript at most"
        decision = Decision("task", "transcription", reason, "--task")
    else:
        target, decision = recognise_target(frames["train"], columns, task)
    encoded = {}
    for key, frame in frames.items():
        encoded[key] = target.encode(frame)[0]
        if isinstance(target, Labels) and (encoded[key] == -2).any():
            odd = frame.get_column(columns[0])[int(numpy.flatnonzero(encoded[key] == -2)[0])]
            raise _another_class(key, odd, target.names)
    return target, encoded, decision


def _classes(takes: Mapping[str, Takes]) -> tuple[str, ...]:
    names = tuple(sorted(set(takes["train"].files.labels)))
    if len(names) < 2:
        raise DataError(
            "the recordings are of one class only",
            expected="a folder per class, two at least, or names that begin with their class",
            received=f"'{names[0]}'" if names else "none",
            fix="add recordings of another class",
        )
    for key, take in takes.items():
        for label in sorted(set(take.files.labels)):
            if match(label, names) is None:
                raise _another_class(key, label, names)
    return names


def _another_class(part: str, label: str, names: Sequence[str]) -> DataError:
    return DataError(
        f"the {part} recordings have a class that the training recordings do not have",
        expected=", ".join(names[:20]),
        received=label,
    )
