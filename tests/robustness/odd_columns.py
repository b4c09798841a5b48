"""Odd Parquet files: cut off, wrong magic, flipped pages, lengths that lie, types that are no columns of a table."""

from __future__ import annotations

import datetime
import decimal
import io

import polars
from cases import EITHER, READ, REFUSED, Case, cuts, flips, noise

KINDS = ["xy"[n % 2] for n in range(40)]
GOOD = {"length": [n / 10 for n in range(40)], "color": ["rgb"[n % 3] for n in range(40)], "kind": KINDS}


def parquet(frame: polars.DataFrame, **options: object) -> bytes:
    """Return a frame as the bytes of a Parquet file."""
    stream = io.BytesIO()
    frame.write_parquet(stream, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def _case(
    name: str, content: bytes, verdict: str = EITHER, file: str = "data.parquet", **options: str
) -> Case:
    return Case(name, file, content, verdict, tuple({"target": "kind", **options}.items()))


def parquet_tables() -> list[Case]:
    """Return every odd Parquet file."""
    frame = polars.DataFrame(GOOD)
    good = parquet(frame, compression="uncompressed")
    packed = parquet(frame, compression="zstd")
    tail = good[-8:-4]
    return [
        _case("nothing is odd", good, READ),
        _case("compressed", packed, READ),
        _case("another name", good, READ, "data.bin"),
        *(_case(name, part, REFUSED) for name, part in cuts(good, (0.01, 0.1, 0.5, 0.9, 0.99))),
        *(_case(f"compressed, {name}", part, REFUSED) for name, part in cuts(packed, (0.1, 0.5, 0.9, 0.99))),
        *(_case(name, part) for name, part in flips(good, 12, 11)),
        *(_case(f"compressed, {name}", part) for name, part in flips(packed, 8, 12)),
        *(_case(f"pages, {name}", part + good[300:]) for name, part in flips(good[:300], 6, 13, 8)),
        _case("magic alone", b"PAR1", REFUSED),
        _case("magic twice", b"PAR1PAR1", REFUSED),
        _case("wrong magic at the end", good[:-4] + b"PAR2", REFUSED),
        _case("wrong magic at the start", b"PAR2" + good[4:], REFUSED),
        _case("encrypted footer", good[:-4] + b"PARE", REFUSED),
        _case("a footer longer than the file", good[:-8] + b"\xff\xff\xff\x7f" + good[-4:], REFUSED),
        _case("a footer of negative length", good[:-8] + b"\xff\xff\xff\xff" + good[-4:], REFUSED),
        _case("a footer of no length", good[:-8] + b"\0\0\0\0" + good[-4:], REFUSED),
        _case("a footer of noise", good[:-200] + noise(192, 14) + tail + b"PAR1", REFUSED),
        _case("pages of noise", good[:4] + noise(200, 15) + good[204:]),
        _case("rubbish behind it", good + noise(100, 16), REFUSED),
        _case("two files in one", good + good),
        *_frames(),
    ]  # fmt: skip


def _frames() -> list[Case]:
    def other(name: str, verdict: str = EITHER, /, **columns: object) -> Case:
        return _case(name, parquet(polars.DataFrame({**GOOD, **columns})), verdict)

    day = datetime.date(2024, 1, 31)
    return [
        _case("no rows", parquet(polars.DataFrame(GOOD).clear()), REFUSED),
        _case("no columns", parquet(polars.DataFrame()), REFUSED),
        _case("one row", parquet(polars.DataFrame(GOOD).head(1)), REFUSED),
        other("lists", EITHER, more=[[n] for n in range(40)]),
        other("structures", EITHER, more=[{"a": n} for n in range(40)]),
        other("bytes", EITHER, more=[b"\xff"] * 40),
        other("lists as the target", EITHER, kind=[[n] for n in range(40)]),
        other("nothing but null", READ, more=polars.Series([None] * 40, dtype=polars.Null)),
        other("NaN", READ, more=[float("nan"), 1.0] * 20),
        other("infinite", REFUSED, more=[float("inf"), 1.0] * 20),
        other("decimals", READ, more=[decimal.Decimal(f"{n}.10") for n in range(40)]),
        other("categories", READ, color=polars.Series(GOOD["color"], dtype=polars.Categorical)),
        other("durations", READ, more=[datetime.timedelta(hours=n) for n in range(40)]),
        other("times", READ, more=[datetime.time(n % 24) for n in range(40)]),
        other("dates", READ, more=[day + datetime.timedelta(days=n) for n in range(40)]),
        other("a time zone", READ, more=[datetime.datetime(2024, 1, 1, n % 24, tzinfo=datetime.UTC) for n in range(40)]),
        other("large unsigned numbers", READ, more=polars.Series([2**64 - 1 - n for n in range(40)], dtype=polars.UInt64)),
        other("a target of NaN", EITHER, kind=[float("nan"), 1.0, 2.0, 3.0] * 10),
        other("a target of dates", EITHER, kind=[day, day + datetime.timedelta(days=1)] * 20),
        other("a target of truth values", READ, kind=[True, False] * 20),
    ]  # fmt: skip
