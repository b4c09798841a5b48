"""Balance: how often each class is there, and how a quantity is distributed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy

from neurarium.studies.inspection.finding import Finding, figure, listed, share
from neurarium.studies.inspection.tables import Table

MOST = 0.9  # share of the largest class above which accuracy says little
UNEVEN = 0.75
RARE, FEWEST = 10, 2  # training rows of a class
SKEWED = 2.0


def of_classes(counts: Mapping[str, Mapping[str, int]], things: str = "rows") -> Iterator[Finding]:
    """Yield what is wrong with the classes.

    Args:
        counts: for each split, how many examples each class has.
        things: what an example is called.

    >>> [each.kind for each in of_classes({"train": {"a": 990, "b": 10}})]
    ['imbalance']
    """
    train = counts["train"]
    total = sum(train.values())
    if not total:
        return
    name, most = max(train.items(), key=lambda each: each[1])
    if (most >= UNEVEN * total and len(train) > 1) or (most > 2 / len(train) * total and most > 0.5 * total):
        grave = most >= MOST * total
        least, fewest = min(train.items(), key=lambda each: each[1])
        yield Finding(
            "warning" if grave else "note", "imbalance", "classes",
            f"'{name}' is {share(most, total)} of the training {things}, '{least}' {share(fewest, total)} "
            f"({fewest:,} {things})",
            f"who always says '{name}' is right in {share(most, total)}: read balanced accuracy, F1 and AUC",
            "--set class_weights=balanced, --set loss=focal; choose a threshold after training",
            {"largest": most, "smallest": fewest, "total": total, "ratio": round(most / max(1, fewest), 2)},
        )  # fmt: skip
    yield from rare(train, things)
    yield from absent(counts, things)


def absent(counts: Mapping[str, Mapping[str, int]], things: str) -> Iterator[Finding]:
    """Yield classes that a split does not have, of those that training names."""
    for split, other in counts.items():
        lacking = [each for each in counts["train"] if not other.get(each)]
        if lacking and sum(other.values()):
            yield Finding(
                "warning" if split == "train" else "note", "absent class", f"{split} split",
                f"no {things} of {listed(lacking)}",
                "what is not there is neither learned nor measured", "more examples, or another --split-seed",
                {"classes": len(lacking)},
            )  # fmt: skip


def rare(train: Mapping[str, int], things: str) -> Iterator[Finding]:
    """Yield classes of which there are too few to learn from."""
    few = {name: count for name, count in train.items() if 0 < count < RARE}
    if not few:
        return
    shown = listed([f"'{name}' ({count})" for name, count in sorted(few.items(), key=lambda each: each[1])])
    yield Finding(
        "warning", "rare classes", "classes", f"{len(few)} classes have fewer than {RARE} training {things}: {shown}",
        "too few to learn from, and too few in the other splits to measure by",
        f"collect more, join classes, or leave out those with fewer than {FEWEST + 1}",
        {"classes": len(few), "fewest": min(few.values())},
    )  # fmt: skip


def of_quantity(table: Table) -> Iterator[Finding]:
    """Yield what is wrong with the distribution of a quantity."""
    values = _known(table, "train")
    if len(values) < 8:
        return
    spread = float(values.std())
    if not spread:
        return
    skew = float((((values - values.mean()) / spread) ** 3).mean())
    if abs(skew) > SKEWED:
        yield Finding(
            "note", "skewed target", f"target {table.targets[0]}",
            f"skewness {skew:.1f}: half of the values lie from {figure(float(values.min()))} to "
            f"{figure(float(numpy.median(values)))}, the largest is {figure(float(values.max()))}",
            "the mean squared error is decided by the few large ones",
            "predict its logarithm" if values.min() > 0 and skew > 0 else "--set loss=huber",
            {"skewness": round(skew, 3)},
        )  # fmt: skip


def facts(table: Table) -> dict[str, Any]:
    """Return the distribution of the target over the splits."""
    if table.plan is None:
        return {}
    found: dict[str, Any] = {"columns": list(table.targets)}
    if table.classes is not None:
        return found | {"task": "classification", "classes": counts(table), "missing": _missing(table)}
    values = _known(table, "train")
    found |= {"task": "regression", "missing": _missing(table)}
    if not len(values):
        return found
    low, high = float(values.min()), float(values.max())
    edges = numpy.linspace(low, high, 25) if high > low else numpy.array([low - 0.5, low + 0.5])
    bars = {key: numpy.histogram(_known(table, key), edges)[0].tolist() for key in table.encoded}
    middle = [float(each) for each in numpy.quantile(values, [0.25, 0.5, 0.75])]
    return found | {
        "low": low, "high": high, "mean": float(values.mean()), "deviation": float(values.std()),
        "quartiles": middle, "histogram": {"edges": edges.tolist(), "counts": bars},
    }  # fmt: skip


def counts(table: Table) -> dict[str, dict[str, int]]:
    """Return for each split how many rows each class has."""
    names = table.classes or ()
    found = {}
    for key, codes in table.encoded.items():
        each = numpy.bincount(codes[codes >= 0], minlength=len(names))
        found[key] = dict(zip(names, each.tolist(), strict=True))
    return found


def missing(table: Table) -> Iterator[Finding]:
    """Yield rows whose target is missing, or a label that training has not."""
    for key, count in _missing(table).items():
        if count:
            rows = len(table.encoded[key])
            yield Finding(
                "warning", "missing target", f"{key} rows",
                f"{count:,} of {rows:,} rows have no target that is known ({share(count, rows)})",
                "they teach nothing and measure nothing; training leaves them out", "fill the target in",
                {"missing": count, "rows": rows},
            )  # fmt: skip


def _missing(table: Table) -> dict[str, int]:
    found = {}
    for key, values in table.encoded.items():
        found[key] = int((values < 0).sum() if table.classes is not None else (~numpy.isfinite(values)).sum())
    return found


def _known(table: Table, key: str) -> numpy.ndarray:
    values = table.encoded[key]
    return values[numpy.isfinite(values)]
