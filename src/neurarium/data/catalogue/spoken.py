"""Spoken digits: the recordings of the free spoken digit data set, and strings of them put together when they are loaded."""

from __future__ import annotations

import dataclasses
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy

from neurarium.core.errors import OptionError
from neurarium.core.seeds import derive
from neurarium.data.assembly.takes import Takes, assembled
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.preparation.targets import Labels
from neurarium.data.preparation.transcripts import transcripts_of
from neurarium.data.readers.folders import Folder
from neurarium.data.readers.recordings import Facts, mono
from neurarium.data.readers.wav import Recording, read_wav
from neurarium.data.splits import stratified

RATE = 8_000
TESTED = 5  # recordings 0 to 4 of each digit and speaker test, as published
GAP = (0.05, 0.2)  # seconds of silence between two digits


@dataclasses.dataclass(frozen=True)
class Spoken:
    """One recording of a digit.

    Args:
        digit: 0 to 9.
        speaker: by name.
        index: 0 to 49, of this digit by this speaker.
        samples: `(length,)` float32 at 8,000 per second.
    """

    digit: int
    speaker: str
    index: int
    samples: numpy.ndarray


def spoken(folder: Path) -> list[Spoken]:
    """Return the 3,000 recordings, in the order of digit, speaker and index."""
    found = []
    with tarfile.open(folder / "recordings.tar.gz") as packed:
        for member in packed:
            stream = packed.extractfile(member) if member.name.endswith(".wav") else None
            recording = read_wav(stream.read()) if stream else ""
            if isinstance(recording, Recording):
                digit, speaker, index = Path(member.name).stem.split("_")
                found.append(Spoken(int(digit), speaker, int(index), mono(recording)[0]))
    return sorted(found, key=lambda each: (each.digit, each.speaker, each.index))


def free_spoken_digits(
    *, folder: Path, validation: float = 0.1, seconds: float | None = None, seed: int = 0
) -> Dataset:
    """Digits spoken by six people; recordings 0 to 4 of each test, as published.

    Args:
        validation: the share of the others that validates, drawn within each digit and speaker.
        seconds: longer recordings are cut; by default the 99th percentile of the training recordings.
    """
    found = spoken(folder)
    rows = _rows(found, validation, seed)
    plan = Labels("digit", tuple("0123456789"))
    codes = numpy.array([each.digit for each in found])
    takes = _takes([each.samples for each in found])
    dataset = assembled(
        "free-spoken-digits", takes, rows, {"train": codes}, plan, RATE, seconds, labels=("names", None)
    )
    dataset.rows = rows
    reason = f"recordings 0 to {TESTED - 1} of each digit and speaker test, as published"
    dataset.decisions.insert(0, Decision("split", "by index", reason, "--set validation=, --split-seed"))
    return dataset


def spoken_digit_strings(
    *,
    folder: Path,
    count: int = 3_000,
    test_count: int = 500,
    longest: int = 5,
    validation: float = 0.1,
    seed: int = 0,
) -> Dataset:
    """One to five digits in a row by one speaker, to be written down: recordings of `free-spoken-digits` put together.

    Training, validation and test strings are made of different recordings, and each string is drawn from the seed.

    Args:
        count: strings that train or validate.
        test_count: strings that test.
        longest: digits in a string at most.
        validation: the share of strings, and of recordings, that validates.
    """
    held = round(validation * count)
    if longest < 1 or test_count < 1 or not 0 < held < count:
        raise OptionError("there are no such strings", expected="1 digit or more, and strings for every split",
                          received=f"longest {longest}, count {count}, validation {validation}")  # fmt: skip
    found = spoken(folder)
    parts = _rows(found, validation, seed)
    sizes = {"train": count - held, "validation": held, "test": test_count}
    made = [
        (sound, said)
        for part, size in sizes.items()
        for sound, said in strings([found[row] for row in parts[part]], size, longest, derive(seed, part))
    ]
    bounds = numpy.cumsum([0, *sizes.values()])
    rows = {part: numpy.arange(bounds[place], bounds[place + 1]) for place, part in enumerate(sizes)}
    plan = transcripts_of("digits", [said for _, said in made])
    encoded = numpy.full((len(made), plan.longest), -1, dtype=numpy.int64)
    for row, (_, said) in zip(encoded, made, strict=True):
        row[: len(said)] = [1 + plan.symbols.index(each) for each in said]
    takes = _takes([sound for sound, _ in made])
    dataset = assembled(
        "spoken-digit-strings", takes, rows, {"train": encoded}, plan, RATE, labels=("table", None)
    )
    dataset.rows = rows
    reason = f"1 to {longest} digits by one speaker, {GAP[0]} to {GAP[1]} s apart, of recordings that no other split has"
    shown = ", ".join(f"{part} {size:,}" for part, size in sizes.items())
    dataset.decisions.insert(
        0, Decision("strings", shown, reason, "--set count=, --set test_count=, --set longest=")
    )
    return dataset


def strings(
    recordings: Sequence[Spoken], count: int, longest: int, seed: int
) -> list[tuple[numpy.ndarray, str]]:
    """Put recordings of one speaker together, with short silences between them: (sound, the digits in their order).

    String i is the same whatever `count` is.

    Args:
        recordings: of several digits and speakers.
        count: how many strings.
        longest: digits in a string at most; each number of digits is equally likely.
        seed: decides speakers, digits and silences.
    """
    speakers = sorted({each.speaker for each in recordings})
    by_speaker = {name: [each for each in recordings if each.speaker == name] for name in speakers}
    draw = numpy.random.default_rng(derive(seed, "strings"))
    chances = draw.random((count, 2 + 2 * longest))
    made = []
    for first, second, *rest in chances:
        own = by_speaker[speakers[int(first * len(speakers))]]
        size = 1 + int(second * longest)
        chosen = [own[int(each * len(own))] for each in rest[:size]]
        pieces: list[numpy.ndarray] = []
        for each, gap in zip(chosen, rest[longest : longest + size], strict=True):
            silence = numpy.zeros(round(RATE * (GAP[0] + gap * (GAP[1] - GAP[0]))), numpy.float32)
            pieces += [each.samples, silence]
        made.append((numpy.concatenate(pieces[:-1]), "".join(str(each.digit) for each in chosen)))
    return made


def _rows(found: Sequence[Spoken], validation: float, seed: int) -> dict[str, numpy.ndarray]:
    """Return the rows of each split: tests by their index, validation drawn within each digit and speaker."""
    if not 0 <= validation < 1:
        raise OptionError(
            "the share that validates is wrong", expected="from 0 to below 1", received=validation
        )
    tests = numpy.array([each.index < TESTED for each in found])
    rest = numpy.flatnonzero(~tests)
    groups = sorted({(each.digit, each.speaker) for each in found})
    labels = numpy.array([groups.index((found[row].digit, found[row].speaker)) for row in rest.tolist()])
    parts = {name: rest[part] for name, part in stratified(labels, {"validation": validation}, seed).items()}
    parts["test"] = numpy.flatnonzero(tests)
    return {name: part for name, part in parts.items() if len(part)}


def _takes(samples: list[numpy.ndarray]) -> dict[str, Takes]:
    facts = [Facts(RATE, 1, 16, len(each), float(numpy.abs(each).max())) for each in samples]
    return {"train": Takes(Folder([], [], [], []), facts, samples)}
