"""Oddities of values: codes that stand for missing, ends where values were cut off, outliers, and one label in two spellings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy
import polars

from neurarium.studies.inspection.finding import Finding, figure, listed, share
from neurarium.studies.inspection.tables import Table

CODES = (-1.0, -9.0, -99.0, -999.0, -9999.0, -99999.0, -32768.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0)
FEW = 16  # columns of at most so many different values are codes anyway
FAR = 5.0  # an outlier lies so many ranges of all other values away
CAPPED, CAPPED_TIMES = 0.01, 10
SPELLINGS = (
    200  # different values of a column in which spellings are looked for, at most as a share of the rows
)


def findings(table: Table) -> Iterator[Finding]:
    """Yield odd values of single columns, as the training rows show them."""
    for name, kind in table.kinds.items():
        column = table.plain["train"].get_column(name)
        subject = f"column {name}"
        if column.dtype == polars.String:
            if kind.kind != "drop":
                yield from _spelled(table, name, subject)
        elif kind.kind == "numeric":
            values = column.drop_nulls().to_numpy()
            yield from _numbers(subject, values[numpy.isfinite(values)])
    for name in table.targets:
        yield from _target(table, name)


def _numbers(subject: str, values: numpy.ndarray) -> Iterator[Finding]:
    different, counts = numpy.unique(values, return_counts=True)
    if len(different) < 3:
        return
    code = _code(different, counts)
    if code is not None:
        yield _sentinel(subject, code, int(counts[different == code][0]), different, len(values))
        keep = different != code
        different, counts = different[keep], counts[keep]
    elif (zeros := _zeros(different, counts)) is not None:
        yield zeros_for_missing(subject, zeros, different, counts)
    yield from _outliers(subject, different, counts)
    yield from _capped(subject, different, counts)


def _code(different: numpy.ndarray, counts: numpy.ndarray) -> float | None:
    """Return the value that stands apart at one end, repeats, and is one that people write for missing."""
    if len(different) <= 3:
        return None
    for place, beside, rest in ((0, 1, different[1:]), (-1, -2, different[:-1])):
        value = float(different[place])
        spread = float(rest.max() - rest.min())
        apart = abs(value - float(different[beside]))
        lonely = apart > 0.5 * spread or (value < 0 <= rest.min() and value in CODES and len(rest) > FEW)
        if value in CODES and counts[place] >= 3 and lonely:
            return value
    return None


def _sentinel(subject: str, code: float, count: int, different: numpy.ndarray, rows: int) -> Finding:
    rest = different[different != code]
    low, high = float(rest.min()), float(rest.max())
    sure = code < 0 <= low
    return Finding(
        "warning" if sure else "note", "sentinel", subject,
        f"{figure(code)} in {count:,} rows ({share(count, rows)}), while all others lie from {figure(low)} to "
        f"{figure(high)}",
        "it looks like a code for missing, and is read as a quantity",
        f"if it is one, empty these cells, or --set missing={code:.0f},NA (all that counts as missing, in place of the usual)",
        {"value": code, "count": count, "rows": rows, "low": low, "high": high},
    )  # fmt: skip


def _zeros(different: numpy.ndarray, counts: numpy.ndarray) -> int | None:
    """Return how many zeros stand where a zero is out of question: far below all other values."""
    positive = different > 0
    if different[0] != 0 or not positive[1:].all() or len(different) <= FEW:
        return None
    values = numpy.repeat(different[positive], counts[positive])
    zeros, middle = int(counts[0]), float(numpy.median(values))
    low, high = numpy.quantile(values, [0.25, 0.75])
    far = low - 3 * (high - low) > 0 or (values.min() > 0.2 * middle and low - 1.5 * (high - low) > 0)
    return zeros if zeros >= 3 and zeros < 0.5 * counts.sum() and far else None


def zeros_for_missing(subject: str, zeros: int, different: numpy.ndarray, counts: numpy.ndarray) -> Finding:
    """Return the finding of zeros that seem to stand for missing values."""
    least, rows = float(different[different > 0].min()), int(counts.sum())
    return Finding(
        "warning", "zeros for missing", subject,
        f"0 in {zeros:,} rows ({share(zeros, rows)}), and nothing else below {figure(least)}",
        "a zero here seems to stand for a missing value, and is read as a quantity",
        "if so, empty these cells, so that they count as missing", {"zeros": zeros, "rows": rows, "least": least},
    )  # fmt: skip


def _outliers(subject: str, different: numpy.ndarray, counts: numpy.ndarray) -> Iterator[Finding]:
    """Values beyond a gap that is many times the range of all others; and, as a note, how far the tails reach."""
    rows = int(counts.sum())
    most = max(1, rows // 1000)
    for signs in (1.0, -1.0):
        values, times = (different, counts) if signs > 0 else (-different[::-1], counts[::-1])
        gaps = numpy.diff(values)
        for place in range(len(values) - 2, max(0, len(values) - 12), -1):
            beyond, spread = int(times[place + 1 :].sum()), float(values[place] - values[0])
            if beyond > most:
                break
            if place >= FEW and spread > 0 and gaps[place] > FAR * spread:
                ends = sorted(float(signs * each) for each in (values[0], values[place]))
                far = listed([figure(signs * each) for each in values[place + 1 :]])
                yield Finding(
                    "warning", "outlier", subject,
                    f"{far}, while the other {rows - beyond:,} values lie from {figure(ends[0])} to {figure(ends[1])}",
                    "one such value can outweigh all others, and looks like a slip of the pen",
                    "mend it, or empty the cell", {"count": beyond, "low": ends[0], "high": ends[1]},
                )  # fmt: skip
                return
    yield from _tails(subject, different, counts)


def _tails(subject: str, different: numpy.ndarray, counts: numpy.ndarray) -> Iterator[Finding]:
    low, high = (_weighted_quantile(different, counts, q) for q in (0.25, 0.75))
    width = high - low
    if width <= 0 or len(different) <= FEW:
        return
    beyond = int(counts[(different > high + 10 * width) | (different < low - 10 * width)].sum())
    if beyond:
        end = float(different[-1] if different[-1] - high > low - different[0] else different[0])
        times = abs(end - (high if end > high else low)) / width
        yield Finding(
            "note", "long tail", subject,
            f"{beyond:,} values lie over ten quartile ranges out, the farthest {figure(end)} ({times:,.0f} of them)",
            "a scaling by mean and deviation would be led by them; the default takes ranks",
            "keep scaling=quantile (the default)", {"count": beyond, "farthest": end},
        )  # fmt: skip


def _weighted_quantile(different: numpy.ndarray, counts: numpy.ndarray, q: float) -> float:
    return float(different[int(numpy.searchsorted(numpy.cumsum(counts), q * counts.sum()))])


def _capped(subject: str, different: numpy.ndarray, counts: numpy.ndarray) -> Iterator[Finding]:
    """A value at an end that is far more frequent than those beside it: the scale was cut off there."""
    rows = int(counts.sum())
    if len(different) <= 3 * FEW:
        return
    for place, end, near in ((-1, "above", counts[-11:-1]), (0, "below", counts[1:11])):
        count, value = int(counts[place]), float(different[place])
        if value and count >= CAPPED * rows and count > CAPPED_TIMES * max(1.0, float(numpy.median(near))):
            yield Finding(
                "note", "capped", subject,
                f"{count:,} rows ({share(count, rows)}) hold {figure(value)}, and none lies {end} it",
                "values beyond were probably cut off: the true ones are not known",
                "say so where you report errors; the rows can be left out", {"value": value, "count": count},
            )  # fmt: skip


def _spelled(table: Table, name: str, subject: str) -> Iterator[Finding]:
    parts = [frame.get_column(name) for frame in table.plain.values() if name in frame.columns]
    values = polars.concat(parts).drop_nulls()
    groups = _one_in_several(values)
    if groups:
        yield Finding(
            "warning", "spellings", subject, f"the same but for case, blanks or a full stop: {_shown(groups)}",
            "each spelling is a category of its own, with fewer rows to learn from", "write them in one way",
            {"values": len(groups), "rows": sum(sum(each.values()) for each in groups)},
        )  # fmt: skip
    else:
        yield from _blanks(table, name, subject)


def _blanks(table: Table, name: str, subject: str) -> Iterator[Finding]:
    raw = table.untouched
    if raw is None or name not in raw.columns or raw.get_column(name).dtype != polars.String:
        return
    different = raw.get_column(name).unique().drop_nulls()
    joined = different.len() - different.str.strip_chars().n_unique()
    if joined:
        yield Finding(
            "note", "blanks", subject, f"{joined} values differ from others by blanks around them alone",
            "they are read as one", "nothing to do here; other programs may take them for two", {"values": joined},
        )  # fmt: skip


def _one_in_several(values: polars.Series) -> list[dict[str, int]]:
    """Return the values that mean one thing and are written in several ways, with their counts."""
    counts = values.value_counts()
    if counts.height > max(SPELLINGS, values.len() // 20):
        return []
    alike: dict[str, dict[str, int]] = {}
    for value, count in counts.iter_rows():
        alike.setdefault(" ".join(value.casefold().rstrip(". ").split()), {})[value] = count
    return [alike[key] for key in sorted(alike) if len(alike[key]) > 1 and key]


def _shown(groups: list[dict[str, int]]) -> str:
    return "; ".join(
        " = ".join(f"{value!r} ({group[value]:,})" for value in sorted(group)) for group in groups[:4]
    ) + ("; ..." if len(groups) > 4 else "")


def _target(table: Table, name: str) -> Iterator[Finding]:
    subject = f"target {name}"
    parts = {key: frame.get_column(name) for key, frame in table.frames.items() if name in frame.columns}
    if table.classes is None:
        values = table.encoded.get("train")
        if values is not None:
            different, counts = numpy.unique(values[numpy.isfinite(values)], return_counts=True)
            if len(different) > 3:
                yield from _outliers(subject, different, counts)
                yield from _capped(subject, different, counts)
        return
    texts = [part for part in parts.values() if part.dtype == polars.String]
    if not texts:
        return
    groups = _one_in_several(polars.concat(texts).drop_nulls())
    known = set(table.classes)
    apart = [group for group in groups if sum(value in known for value in group) > 1]
    if apart:
        yield Finding(
            "warning", "spellings", subject, f"classes that differ by case or blanks alone: {_shown(apart)}",
            "they are learned as different classes", "write them in one way", {"values": len(apart)},
        )  # fmt: skip
    joined = [group for group in groups if group not in apart]
    if joined:
        yield Finding(
            "note", "spellings", subject, f"written in several ways: {_shown(joined)}",
            "they are read as one class", "nothing to do here; other programs may take them for two",
            {"values": len(joined)},
        )  # fmt: skip
