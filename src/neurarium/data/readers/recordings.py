"""Recordings: files of sound as mono samples at one rate; WAV by our own reader, other formats by soundfile."""

from __future__ import annotations

import dataclasses
import io
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import torch

from neurarium.core.errors import MissingDependencyError, require
from neurarium.data.readers.folders import Folder
from neurarium.data.readers.pictures import files
from neurarium.data.readers.wav import Recording, read_wav
from neurarium.data.resampling import resample

WAV = (".wav", ".wave")
OTHERS = (".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64")
SUFFIXES = frozenset((*WAV, *OTHERS))
LOOKED_AT = 50  # files that tell a folder of sounds from one of images
LARGEST = 1 << 30  # bytes of one file: more is no example


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of a recording beside its samples.

    Args:
        rate, channels, bits: as in the file.
        length: samples in the file.
        peak: the largest magnitude; 0 for silence.
    """

    rate: int
    channels: int
    bits: int
    length: int
    peak: float


def decode(path: Path) -> tuple[numpy.ndarray, Facts] | str:
    """Return the samples of a file, `(length,)` float32, several channels averaged, and its facts; or why there are none.

    Raises:
        MissingDependencyError: a format other than WAV, without the extra `audio`.
    """
    try:
        if path.stat().st_size > LARGEST:
            return f"it is too large for one example: {path.stat().st_size:,} bytes"
        found = read(path.read_bytes(), path.suffix)
    except OSError as error:
        return error.strerror or str(error)
    if isinstance(found, str):
        return found
    return mono(found)


def mono(recording: Recording) -> tuple[numpy.ndarray, Facts]:
    """Average the channels of a recording; return them with its facts."""
    samples = recording.samples
    peak = float(numpy.abs(samples).max()) if samples.size else 0.0
    facts = Facts(recording.rate, samples.shape[1], recording.bits, len(samples), peak)
    one = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1, dtype=numpy.float32)
    return numpy.ascontiguousarray(one), facts


def read(content: bytes, suffix: str) -> Recording | str:
    """Read the bytes of a file of sound; or return why they hold none.

    Raises:
        MissingDependencyError: a format other than WAV, without the extra `audio`.
    """
    if suffix.lower() not in OTHERS or content[:4] in (b"RIFF", b"RF64", b"RIFX"):
        return read_wav(content)
    package: Any = require("soundfile", extra="audio")
    try:
        samples, rate = package.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except MissingDependencyError:
        raise
    except Exception as error:  # the package raises its own errors, and those of its library
        return f"it cannot be decoded: {str(error).rpartition(':')[2].strip() or type(error).__name__}"
    if not len(samples):
        return "it holds no sample"
    if not numpy.isfinite(samples).all():
        return "it holds samples that are no finite numbers"
    return Recording(samples, int(rate))


def at_rate(samples: numpy.ndarray, rate: int, wanted: int) -> numpy.ndarray:
    """Return samples `(length,)` at another rate, float32."""
    if rate == wanted:
        return samples
    return resample(torch.from_numpy(numpy.ascontiguousarray(samples)), rate, wanted).numpy()


def inspected(paths: Sequence[Path], base: Path) -> Folder:
    """Keep the files that are sound by their names; the others are left out by name."""
    found = Folder([], [], [], [], base)
    for path in paths:
        if path.suffix.lower() in SUFFIXES:
            found.paths.append(path)
        else:
            found.quarantined.append({"file": found.name(path), "reason": "it is no file of sound"})
    return found


def holds_sounds(folder: Path) -> bool:
    """Return whether most of the first files in a folder, or in the folders below it, are sound.

    >>> holds_sounds(Path("no such folder"))
    False
    """
    if not folder.is_dir():
        return False
    below = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    seen = [path.suffix.lower() in SUFFIXES for path in itertools.islice(below, LOOKED_AT)]
    return bool(seen) and 2 * sum(seen) > len(seen)


def sound_files(folder: Path) -> list[Path]:
    """Return the files of sound below a folder, by name."""
    return [path for path in files(folder) if path.suffix.lower() in SUFFIXES]
