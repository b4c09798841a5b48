"""Columns: what each holds, and what is wrong with it alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy
import polars

from neurarium.data.readers.columns import Kind
from neurarium.data.readers.values import numbers
from neurarium.studies.inspection.finding import Finding, drop, figure, listed, share
from neurarium.studies.inspection.tables import Table

BINS, TOP = 24, 8
NEARLY = 0.99  # share of one value above which a column says next to nothing
MANY_MISSING = 0.5
MIXED = 0.5  # share of numbers above which text with other values is a column of numbers gone wrong
NAMED_KEY = re.compile(r"(^|[_\s-])(id|index|idx|key|uuid|guid|row|rownum|rownames)$", re.IGNORECASE)


def facts(table: Table) -> list[dict[str, Any]]:
    """Return what each input column holds: kind with its reason, missing values, range or most frequent values."""
    return [_facts(table, name, kind) for name, kind in table.kinds.items()]


def _facts(table: Table, name: str, kind: Kind) -> dict[str, Any]:
    train = table.plain["train"].get_column(name)
    known = train.drop_nulls()
    found: dict[str, Any] = {
        "name": name,
        "kind": "left out" if kind.kind == "drop" else kind.kind,
        "reason": kind.reason,
        "rows": train.len(),
        "missing": train.null_count(),
        "different": known.n_unique(),
    }
    if train.dtype != polars.String:
        known = known.filter(known.is_finite())
    if not known.len():
        return found
    parts = {key: frame.get_column(name) for key, frame in table.plain.items() if name in frame.columns}
    if train.dtype == polars.String:
        counts = known.value_counts().sort("count", known.name, descending=[True, False]).head(TOP)
        found["top"] = [[str(value)[:60], int(count)] for value, count in counts.iter_rows()]
        return found
    points = [float(known.quantile(q, "linear")) for q in (0.25, 0.5, 0.75)]  # type: ignore[arg-type]
    low, high = float(known.min()), float(known.max())  # type: ignore[arg-type]
    found |= {"low": low, "high": high, "mean": float(known.mean()), "quartiles": points}  # type: ignore[arg-type]
    found["histogram"] = _histogram(parts, low, high)
    return found


def _histogram(parts: dict[str, polars.Series], low: float, high: float) -> dict[str, Any]:
    """Count the values of each split in equal bins over the training range."""
    edges = numpy.linspace(low, high, BINS + 1) if high > low else numpy.array([low - 0.5, low + 0.5])
    counts = {}
    for key, column in parts.items():
        values = column.drop_nulls().to_numpy()
        counts[key] = numpy.histogram(values[numpy.isfinite(values)], edges)[0].tolist()
    return {"edges": edges.tolist(), "counts": counts}


def findings(table: Table) -> Iterator[Finding]:
    """Yield what is wrong with single columns, as the training rows show them."""
    for name, kind in table.kinds.items():
        raw, plain = table.frames["train"].get_column(name), table.plain["train"].get_column(name)
        subject = f"column {name}"
        known = plain.drop_nulls()
        missing = plain.null_count()
        if not known.len():
            yield Finding(
                "warning", "empty", subject, f"all {plain.len():,} values are missing", "it tells nothing",
                f"{drop(name)}, or look at how the file was written", {"rows": plain.len()},
            )  # fmt: skip
            continue
        yield from _missing(subject, missing, plain.len())
        if known.n_unique() == 1:
            yield _constant(subject, name, known, missing)
            continue
        yield from _nearly_constant(subject, known)
        if kind.kind in ("text", "image"):
            continue  # different in every row, as it should be
        if (key := _identifier(subject, name, kind, known)) is not None:
            yield key
        elif kind.kind == "drop":
            yield Finding(
                "note", "left out", subject, kind.reason, "training leaves it out by itself",
                f"--set types={name}:categorical keeps it", {"different": known.n_unique()},
            )  # fmt: skip
        elif raw.dtype == polars.String:
            yield from _mixed(subject, name, kind, raw)
        if plain.dtype == polars.Float64:
            yield from _infinite(subject, plain)


def identifiers(table: Table) -> set[str]:
    """Return the columns whose values name the rows: different in each of them, and no quantities."""
    train = table.plain["train"]
    return {
        name
        for name, kind in table.kinds.items()
        if _identifier(name, name, kind, train.get_column(name).drop_nulls()) is not None
    }


def _missing(subject: str, missing: int, rows: int) -> Iterator[Finding]:
    if missing:
        most = missing > MANY_MISSING * rows
        yield Finding(
            "warning" if most else "note", "missing", subject,
            f"{missing:,} of {rows:,} values are missing ({share(missing, rows)})",
            "little is left to learn from" if most else "a missing value becomes the median, or a category of its own",
            "leave the column out, or find the values" if most
            else "nothing to do where gaps are chance; an input says where they are",
            {"missing": missing, "rows": rows},
        )  # fmt: skip


def _constant(subject: str, name: str, known: polars.Series, missing: int) -> Finding:
    value = known[0]
    shown = repr(value) if isinstance(value, str) else figure(value)
    seen = f"{shown} in all {known.len():,} rows" + (" that have a value" if missing else "")
    if missing:
        return Finding(
            "note", "constant", subject, seen, "only whether a value is there can tell something", "",
            {"rows": known.len(), "missing": missing},
        )  # fmt: skip
    return Finding(
        "warning", "constant", subject, seen, "a column that never changes tells nothing; training leaves it out",
        f"{drop(name)}, or look at why it is constant", {"rows": known.len()},
    )  # fmt: skip


def _nearly_constant(subject: str, known: polars.Series) -> Iterator[Finding]:
    values, counts = numpy.unique(known.to_numpy(), return_counts=True)
    most = int(counts.max())
    if known.len() >= 50 and most >= NEARLY * known.len():
        value = values[int(counts.argmax())]
        shown = repr(value) if isinstance(value, str) else figure(float(value))
        yield Finding(
            "note", "nearly constant", subject,
            f"{shown} in {most:,} of {known.len():,} rows ({share(most, known.len())})",
            "the few other rows decide all that is learned from it", "keep it only if those rows matter",
            {"rows": known.len(), "most": most},
        )  # fmt: skip


def _identifier(subject: str, name: str, kind: Kind, known: polars.Series) -> Finding | None:
    rows = known.len()
    if rows < 20 or known.n_unique() < rows or kind.kind in ("date", "boolean"):
        return None
    if known.dtype == polars.String:
        mean = float(known.str.len_chars().mean() or 0)  # type: ignore[arg-type]
        what = "text" if mean > 40 else "names of rows"
    else:
        whole = bool((known == known.round()).all())
        dense = float(known.max()) - float(known.min()) < 2 * rows  # type: ignore[arg-type]
        if not whole or not (NAMED_KEY.search(name) or (dense and _counts(known))):
            return None
        what = "numbers of rows"
    left = kind.kind == "drop"
    return Finding(
        "note" if left else "warning", "identifier", subject,
        f"{rows:,} different values in {rows:,} rows: {what}",
        "a network can learn rows by heart from it, and nothing that holds for new rows",
        "training leaves it out by itself" if left else drop(name), {"rows": rows},
    )  # fmt: skip


def _counts(known: polars.Series) -> bool:
    """Say whether whole numbers, each once, fill their range: in whatever order the rows stand."""
    return float(known.max()) - float(known.min()) == known.len() - 1  # type: ignore[arg-type]


def _mixed(subject: str, name: str, kind: Kind, raw: polars.Series) -> Iterator[Finding]:
    known = raw.drop_nulls()
    if kind.kind in ("numeric", "boolean") and kind.style not in ("plain", "truth"):
        yield Finding(
            "note", "numbers as text", subject, f"numbers written with {kind.style}, such as {_first(known)!r}",
            "they are read as numbers", f"--set types={name}:categorical if they are none", {"style": kind.style},
        )  # fmt: skip
    if kind.kind not in ("numeric", "categorical", "drop") or kind.style not in ("plain", ""):
        return
    odd = known.filter(numbers(known).is_null())
    if not odd.len() or known.len() - odd.len() < MIXED * known.len():
        return
    words = odd.value_counts().sort("count", odd.name, descending=[True, False])
    shown = listed([f"{value!r} ({count:,})" for value, count in words.iter_rows()])
    lost = kind.kind == "numeric"
    yield Finding(
        "warning", "mixed types", subject,
        f"{known.len() - odd.len():,} numbers and {odd.len():,} values that are none: {shown}",
        "what is no number is read as missing" if lost
        else "the column is not read as numbers, so that 9 and 10 are as far apart as 9 and 1000",
        "mend these values" if lost else f"mend these values, or --set types={name}:numeric reads them as missing",
        {"numbers": known.len() - odd.len(), "others": odd.len()},
    )  # fmt: skip


def _first(known: polars.Series) -> str:
    return str(known.sort()[0])


def _infinite(subject: str, plain: polars.Series) -> Iterator[Finding]:
    infinite = int(plain.is_infinite().sum())
    if infinite:
        yield Finding(
            "error", "infinite", subject, f"{infinite:,} infinite values",
            "training refuses them: no sum with one of them is a number",
            "--set missing=inf,-inf counts them as missing", {"infinite": infinite},
        )  # fmt: skip
