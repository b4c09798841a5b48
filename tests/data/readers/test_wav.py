"""WAV files: every width and byte order to the same numbers; damage is said in words, and nothing crashes."""

from __future__ import annotations

import io
import struct
import wave

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurarium.data.readers.wav import Recording, read_wav, write_wav

TONE = 0.6 * numpy.sin(numpy.arange(200) / 5)


def riff(
    form: bytes, data: bytes, *, size: int | None = None, order: str = "<", before: bytes = b""
) -> bytes:
    """Return a WAV file made by hand."""
    head = {"<": b"RIFF", ">": b"RIFX"}[order]
    size = len(data) if size is None else size
    body = (
        b"WAVEfmt "
        + struct.pack(f"{order}I", len(form))
        + form
        + before
        + b"data"
        + struct.pack(f"{order}I", size)
    )
    return head + struct.pack(f"{order}I", len(body) + len(data)) + body + data


def form(kind: int, bits: int, *, channels: int = 1, rate: int = 8000, order: str = "<") -> bytes:
    step = channels * bits // 8
    return struct.pack(f"{order}HHIIHH", kind, channels, rate, rate * step, step, bits)


def packed(bits: int, order: str = "<") -> bytes:
    """Return the tone as whole numbers of a width."""
    if bits == 8:
        return (TONE * 128 + 128).round().astype(numpy.uint8).tobytes()
    whole = (TONE * 2 ** (bits - 1)).round().astype(numpy.int64)
    kind = "little" if order == "<" else "big"
    return b"".join(int(each).to_bytes(bits // 8, kind, signed=True) for each in whole)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_whole_numbers_of_every_width(bits, order):
    found = read_wav(riff(form(1, bits, order=order), packed(bits, order), order=order))
    assert isinstance(found, Recording) and found.rate == 8000 and found.bits == bits
    assert numpy.abs(found.samples[:, 0] - TONE).max() <= 2.0**-bits + 1e-7


@pytest.mark.parametrize("bits", [32, 64])
def test_floats_come_as_they_are(bits):
    found = read_wav(riff(form(3, bits), (1.5 * TONE).astype(f"<f{bits // 8}").tobytes()))
    assert isinstance(found, Recording) and numpy.abs(found.samples[:, 0] - 1.5 * TONE).max() < 1e-6


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_it_reads_what_the_standard_library_writes(width):
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(width)
        file.setframerate(11_025)
        file.writeframes(packed(8 * width) * 2)
    found = read_wav(held.getvalue())
    assert isinstance(found, Recording) and found.samples.shape == (200, 2) and found.rate == 11_025
    assert numpy.abs(found.samples.reshape(-1)[:200] - TONE).max() < 0.01


def test_extensible_formats_other_chunks_and_unknown_lengths():
    guid = struct.pack("<HHI", 22, 16, 0) + struct.pack("<H", 1) + bytes(14)
    note = b"LIST" + struct.pack("<I", 5) + b"hello\0"  # an odd length has a byte of padding
    plain = read_wav(riff(form(1, 16), packed(16)))
    for other in (
        riff(form(0xFFFE, 16) + guid, packed(16)),
        riff(form(1, 16), packed(16), before=note),
        riff(form(1, 16), packed(16), size=0),
        riff(form(1, 16), packed(16), size=0xFFFFFFFF),
        riff(form(1, 16), packed(16)).replace(b"RIFF", b"RF64", 1),
    ):
        found = read_wav(other)
        assert isinstance(found, Recording) and numpy.array_equal(found.samples, plain.samples)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"RIFF", "cut off in its head"),
        (b"hello world, this is text", "no WAV file"),
        (riff(form(1, 16), packed(16))[:-50], "cut off: 350 of 400"),
        (riff(form(1, 16), packed(16))[:30], "format chunk is cut off"),
        (b"RIFF1234WAVE", "neither its format"),
        (riff(form(1, 16), b""), "no sample"),
        (riff(form(7, 8), packed(8)), "mu-law"),
        (riff(form(1, 12), packed(16)), "12 bits"),
        (riff(form(1, 16, channels=0), packed(16)), "0 channels"),
        (riff(form(1, 16, rate=0), packed(16)), "0 samples per second"),
        (riff(form(3, 32), numpy.array([0.1, numpy.nan], "<f4").tobytes()), "no finite numbers"),
        (riff(form(1, 16), packed(16)).replace(b"fmt ", b"junk"), "before their format"),
    ],
)
def test_what_is_wrong_is_said(content, reason):
    assert reason in read_wav(content)


@given(st.binary(max_size=80), st.integers(0, 60))
def test_no_bytes_crash_it(noise, place):
    whole = riff(form(1, 16), packed(16)[:20])
    for content in (noise, whole[:place] + noise + whole[place:]):
        found = read_wav(content)
        assert isinstance(found, str) or numpy.isfinite(found.samples).all()


@given(st.lists(st.floats(-1, 0.99), min_size=1, max_size=20), st.integers(1, 3))
def test_what_is_written_is_read(values, channels):
    sound = numpy.repeat(numpy.array(values)[:, None], channels, axis=1)
    found = read_wav(write_wav(sound, 16_000))
    assert isinstance(found, Recording) and found.rate == 16_000
    assert numpy.abs(found.samples - sound).max() <= 2.0**-16
