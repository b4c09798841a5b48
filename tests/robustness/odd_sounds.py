"""Odd recordings: every width and rate, cut off and flipped at many places, made by hand, and what is no sound at all."""

from __future__ import annotations

import struct

import numpy
from cases import EITHER, READ, REFUSED, Case, cuts, flips, noise

TONE = 0.5 * numpy.sin(numpy.arange(900) / 4)
RATES = (8_000, 11_025, 16_000, 44_100, 48_000, 96_000, 12_345)


def sound(
    bits: int = 16, channels: int = 1, rate: int = 8_000, kind: int = 1, samples: numpy.ndarray = TONE
) -> bytes:
    """Return a WAV file."""
    wide = numpy.repeat(samples[:, None], channels, axis=1).reshape(-1)
    if kind == 3:
        data = wide.astype(f"<f{bits // 8}").tobytes()
    elif bits == 8:
        data = (wide * 127 + 128).astype(numpy.uint8).tobytes()
    else:
        whole = (wide * (2 ** (bits - 1) - 1)).astype(numpy.int64)
        data = whole.astype("<i8").view(numpy.uint8).reshape(-1, 8)[:, : bits // 8].tobytes()
    return wav(form(kind, bits, channels, rate), data)


def form(
    kind: int = 1, bits: int = 16, channels: int = 1, rate: int = 8_000, step: int | None = None
) -> bytes:
    """Return the content of a format chunk."""
    step = channels * bits // 8 if step is None else step
    return struct.pack(
        "<HHIIHH", kind, channels, rate & 0xFFFFFFFF, (rate * step) & 0xFFFFFFFF, step & 0xFFFF, bits
    )


def wav(form_: bytes, data: bytes, size: int | None = None, extra: bytes = b"") -> bytes:
    """Return a WAV file of chunks."""
    head = b"WAVEfmt " + struct.pack("<I", len(form_)) + form_ + extra
    body = head + b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def sounds() -> list[Case]:
    """Return every odd recording: each lies in a folder of a class, beside good ones."""
    return [*_forms(), *_damaged(), *_crafted(), *_foreign()]


def _case(name: str, content: bytes, verdict: str = EITHER, file: str = "odd.wav") -> Case:
    return Case(name, file, content, verdict, ())


def _forms() -> list[Case]:
    extreme = numpy.array([0.0, 5.0, -3.0] * 100)
    return [
        *(_case(f"{bits} bits", sound(bits), READ) for bits in (8, 16, 24, 32)),
        *(_case(f"floats of {bits} bits", sound(bits, kind=3), READ) for bits in (32, 64)),
        *(_case(f"{channels} channels", sound(channels=channels), READ) for channels in (2, 3, 8, 64)),
        *(_case(f"{rate} samples per second", sound(rate=rate), READ) for rate in RATES),
        _case("silence", sound(samples=numpy.zeros(500)), READ),
        _case("one sample", sound(samples=TONE[:1]), READ),
        _case("floats beyond 1", sound(32, kind=3, samples=extreme), READ),
        _case("constant", sound(samples=numpy.full(400, 0.9)), READ),
        _case("a large ending", sound(), READ, "ODD.WAV"),
        _case("a name with blanks, quotes and markup", sound(), READ, "o'd \"d\" <b>.wav"),
        _case("a name in other letters", sound(), READ, "音🙂.wav"),
        _case("no length in the head", wav(form(), sound()[44:], size=0xFFFFFFFF), READ),
        _case("a length of zero", wav(form(), sound()[44:], size=0), READ),
        _case("chunks of notes", wav(form(), sound()[44:], extra=b"LIST\x05\0\0\0hello\0junk\0\0\0\0"), READ),
        _case("bytes behind the samples", sound() + noise(99, 1), READ),
        _case("half a sample at the end", wav(form(), sound()[44:] + b"\1"), READ),
    ]  # fmt: skip


def _damaged() -> list[Case]:
    cases = []
    for name, whole in (
        ("16 bits", sound()),
        ("24 bits stereo", sound(24, 2)),
        ("floats", sound(32, kind=3)),
    ):
        cases += [
            _case(f"{name} {what}", part, REFUSED)
            for what, part in cuts(whole, (0.001, 0.01, 0.02, 0.5, 0.99))
        ]
        cases += [_case(f"{name} {what}", part) for what, part in flips(whole[:60], 4, len(name), 6)]
        cases += [_case(f"{name} whole, {what}", part) for what, part in flips(whole, 2, len(name), 40)]
    return cases


def _crafted() -> list[Case]:
    some = noise(400, 5)
    return [
        _case("no channel", wav(form(channels=0), some), REFUSED),
        _case("65,535 channels", wav(form(channels=65_535, step=2), some), REFUSED),
        _case("no rate", wav(form(rate=0), some), REFUSED),
        _case("4 billion samples per second", wav(form(rate=2**32 - 1), some), REFUSED),
        _case("12 bits", wav(form(bits=12), some), REFUSED),
        _case("no bits", wav(form(bits=0), some), REFUSED),
        _case("A-law", wav(form(6, 8), some), REFUSED),
        _case("ADPCM", wav(form(2, 4), some), REFUSED),
        _case("MP3 inside", wav(form(85, 16), some), REFUSED),
        _case(
            "floats that are none",
            wav(form(3, 32), struct.pack("<3f", 0.1, float("nan"), float("inf"))),
            REFUSED,
        ),
        _case("a length of 3 GB", wav(form(), some, size=3_000_000_000), REFUSED),
        _case("no samples", wav(form(), b""), REFUSED),
        _case("no format", b"RIFF\x24\0\0\0WAVEdata\x04\0\0\0abcd", REFUSED),
        _case("a chunk that claims 4 GB", b"RIFF\x24\0\0\0WAVELIST\xff\xff\xff\xffabcd", REFUSED),
        _case("a chunk of length zero, for ever", b"RIFF\x24\0\0\0WAVE" + b"junk\0\0\0\0" * 5000, REFUSED),
        _case("a format of two bytes", wav(b"\1\0", some), REFUSED),
    ]


def _foreign() -> list[Case]:
    return [
        _case("empty", b"", REFUSED),
        _case("text", b"hello", REFUSED),
        _case("a web page", b"<!DOCTYPE html><title>404</title>", REFUSED),
        _case("noise", noise(3000, 6), REFUSED),
        _case("the magic alone", b"RIFF", REFUSED),
        _case("an AVI", b"RIFF\x24\0\0\0AVI LIST" + noise(40, 7), REFUSED),
        _case("a pickle", b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94.", REFUSED),
    ]
