"""Sounds of a request: encoded recordings, or samples at the rate of the training."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from neurarium.core.errors import DataError, MissingDependencyError, require
from neurarium.data.preparation.sounds import SoundPreparation
from neurarium.data.readers.recordings import OTHERS, at_rate, mono, read
from neurarium.serving.example import Example
from neurarium.serving.pixels import decoded_base64
from neurarium.serving.schemas import file_of, made_of
from neurarium.serving.series import numbers_of

LONGEST = 10_000_000  # samples at the rate of the training
WAV = (b"RIFF", b"RF64", b"RIFX")


class Sounds:
    """Reads recordings: encoded ones (base64 in JSON, or the bytes of a file), or samples.

    Args:
        preparation: the run's.
    """

    media, alone = "audio", False

    def __init__(self, preparation: SoundPreparation):
        self.preparation = preparation

    def parse(self, value: Any, place: str) -> Example:
        """Check one recording: `{"sound": base64 or samples}`, samples alone, or bytes.

        Raises:
            DataError: no recording, or samples that are no numbers.
        """
        if isinstance(value, Mapping):
            value = value.get("sound")
        if isinstance(value, str):
            value = decoded_base64(value, place, "a recording")
        if isinstance(value, bytes):
            return Example(value)
        samples = numbers_of(value, place, 1)[:, 0]
        if numpy.isnan(samples).any() or numpy.abs(samples).max() > 1:
            raise DataError(f"{place} holds samples out of range", expected="-1 to 1")
        return Example(samples.astype(numpy.float32))

    def collate(self, examples: Sequence[Example]) -> tuple[Any, dict[int, DataError]]:
        """Return the prepared inputs of those that can be read, and the errors of the others."""
        sounds: list[numpy.ndarray] = []
        errors: dict[int, DataError] = {}
        for number, example in enumerate(examples):
            found = self._heard(example.value) if isinstance(example.value, bytes) else example.value
            if isinstance(found, str):
                errors[number] = DataError(
                    "the recording cannot be read", expected="WAV, or with soundfile FLAC, OGG and others", received=found
                )  # fmt: skip
            else:
                sounds.append(found)
        return (self.preparation.batch(sounds) if sounds else None), errors

    def schema(self) -> dict[str, Any]:
        """Return the schema of one example."""
        rate = self.preparation.spec.rate
        said = f"base64 of a recording, or samples within [-1, 1], {rate:,} per second"
        file = file_of("audio", said)
        return made_of({"sound": {**file, "type": ["string", "array"]}})

    def blank(self) -> Example:
        return Example(numpy.zeros(self.preparation.spec.length, dtype=numpy.float32))

    def _heard(self, content: bytes) -> numpy.ndarray | str:
        """Return the samples of a file at the rate of the training; or why there are none."""
        wanted = self.preparation.spec.rate
        suffix = ".wav" if content[:4] in WAV else OTHERS[0]
        try:
            if suffix != ".wav" and _samples(content) > LONGEST:
                return f"it is longer than {LONGEST:,} samples"
            found = read(content, suffix)
        except MissingDependencyError:
            return "it is no WAV file, and this server reads no others"
        if isinstance(found, str):
            return found
        samples, facts = mono(found)
        if len(samples) * wanted / facts.rate > LONGEST:  # a file may claim a rate that makes much of little
            return f"it is longer than {LONGEST:,} samples"
        return at_rate(samples, facts.rate, wanted)


def _samples(content: bytes) -> int:
    """How many samples a compressed file claims, all channels together; 0 where it cannot be read."""
    package: Any = require("soundfile", extra="audio")
    try:
        facts = package.info(io.BytesIO(content))
    except Exception:  # what is wrong with it is said where it is read
        return 0
    return int(facts.frames) * int(facts.channels)
