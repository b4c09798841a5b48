"""WAV files: PCM of 8, 16, 24 and 32 bits and floats, read with NumPy; what is wrong with a file is said in words."""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
COMPRESSED = {2: "ADPCM", 6: "A-law", 7: "mu-law", 17: "IMA ADPCM", 49: "GSM 6.10", 85: "MPEG layer 3"}
RATES = (100, 10_000_000)  # samples per second that a recording may have
CHANNELS = 256


class Recording(NamedTuple):
    """What a file of sound holds.

    Args:
        samples: `(length, channels)` float32; whole numbers are divided by their largest, so that they lie in [-1, 1).
        rate: samples per second.
        bits: of a sample in the file; 0 where the format does not say.
    """

    samples: numpy.ndarray
    rate: int
    bits: int = 0


class Form(NamedTuple):
    """What the chunk `fmt ` says: PCM or float, channels, samples per second, bits per sample."""

    kind: int
    channels: int
    rate: int
    bits: int


def read_wav(content: bytes) -> Recording | str:
    """Read the bytes of a WAV file (RIFF, RF64, RIFX); or return why they hold no sound.

    8-bit samples are unsigned, wider ones signed; 24 bits are read as such. A header without a length (0 or 2**32 - 1, as
    programs write that do not know it yet) means that the samples go on to the end of the file.

    Microsoft and IBM, Multimedia programming interface and data specifications 1.0 (1991); EBU Tech 3306 (RF64).

    >>> read_wav(b"RIFF")
    'it is cut off in its head: 4 bytes'
    """
    if len(content) < 12:
        return f"it is cut off in its head: {len(content)} bytes" if content else "it is empty"
    order = {b"RIFF": "<", b"RF64": "<", b"RIFX": ">"}.get(content[:4])
    if order is None or content[8:12] != b"WAVE":
        return "it is no WAV file"
    form: Form | None = None
    place = 12
    while place + 8 <= len(content):
        name, size = content[place : place + 4], struct.unpack(f"{order}I", content[place + 4 : place + 8])[0]
        body = place + 8
        if name == b"fmt ":
            said = _form(content[body : body + size], order)
            if isinstance(said, str):
                return said
            form = said
        elif name == b"data":
            return _samples(content, body, size, form, order)
        place = body + size + size % 2
    return (
        "it is cut off: it has no samples"
        if form is not None
        else "it says neither its format nor its samples"
    )


def _form(chunk: bytes, order: str) -> Form | str:
    if len(chunk) < 16:
        return "its format chunk is cut off"
    kind, channels, rate, _, _, bits = struct.unpack(f"{order}HHIIHH", chunk[:16])
    if kind == EXTENSIBLE and len(chunk) >= 26:
        kind = struct.unpack(f"{order}H", chunk[24:26])[0]
    if kind not in (PCM, FLOAT):
        return f"its samples are compressed ({COMPRESSED.get(kind, f'format {kind}')}): save it as PCM"
    if not 1 <= channels <= CHANNELS:
        return f"it claims {channels} channels"
    if not RATES[0] <= rate <= RATES[1]:
        return f"it claims {rate} samples per second"
    if bits not in ((8, 16, 24, 32) if kind == PCM else (32, 64)):
        return f"it claims {bits} bits per sample"
    return Form(kind, channels, rate, bits)


def _samples(content: bytes, start: int, size: int, form: Form | None, order: str) -> Recording | str:
    if form is None:
        return "its samples come before their format"
    there = len(content) - start
    unknown = size in (0, 0xFFFFFFFF) and there > 0
    if size > there and not unknown:
        return f"it is cut off: {there:,} of {size:,} bytes of samples are there"
    step = form.bits // 8 * form.channels
    count = (there if unknown else size) // step
    if not count:
        return "it holds no sample"
    raw = content[start : start + count * step]
    samples = _numbers(raw, form, order).reshape(count, form.channels)
    if form.kind == FLOAT and not numpy.isfinite(samples).all():
        return "it holds samples that are no finite numbers"
    return Recording(numpy.ascontiguousarray(samples, dtype=numpy.float32), form.rate, form.bits)


def _numbers(raw: bytes, form: Form, order: str) -> numpy.ndarray:
    if form.kind == FLOAT:
        return numpy.frombuffer(raw, f"{order}f{form.bits // 8}")
    if form.bits == 8:
        return (numpy.frombuffer(raw, numpy.uint8).astype(numpy.float32) - 128) / 128
    if form.bits == 24:
        parts = numpy.frombuffer(raw, numpy.uint8).reshape(-1, 3)
        wide = numpy.zeros((len(parts), 4), numpy.uint8)
        wide[:, 1:] = parts if order == "<" else parts[:, ::-1]
        return wide.view("<i4")[:, 0].astype(numpy.float32) / numpy.float32(2**31)
    return numpy.frombuffer(raw, f"{order}i{form.bits // 8}").astype(numpy.float32) / numpy.float32(
        2 ** (form.bits - 1)
    )


def write_wav(samples: numpy.ndarray, rate: int) -> bytes:
    """Return sound `(length,)` or `(length, channels)` within [-1, 1] as the bytes of a WAV file of 16 bits.

    >>> read_wav(write_wav(numpy.array([0.0, 0.5]), 8000)).samples[:, 0].tolist()
    [0.0, 0.5]
    """
    held = numpy.asarray(samples, dtype=numpy.float64)
    held = held[:, None] if held.ndim == 1 else held
    numbers = (held * 2**15).round().clip(-(2**15), 2**15 - 1).astype("<i2")
    channels, content = held.shape[1], numbers.tobytes()
    form = struct.pack("<HHIIHH", PCM, channels, rate, rate * channels * 2, channels * 2, 16)
    head = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(content))
    return b"RIFF" + struct.pack("<I", len(head) + len(content)) + head + content
