"""Histories: series to be forecast that stand still, have gaps, change their level, or are short."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy

from neurarium.data.dataset import Dataset
from neurarium.data.windows import Cut, Windows
from neurarium.studies.inspection.finding import Finding, listed, share

MISSING = 0.05  # the share of steps without a value from which it is said; a third is a warning
LEVEL = 2.0  # deviations of the training part that the mean of another may lie apart
FAR = 12.0  # deviations beyond which a value is an outlier
STUCK = 0.02  # the share of steps that one run of equal values may be, and twelve at least
FEW = 100  # windows below which little is learned


def findings(dataset: Dataset, facts: dict[str, Any]) -> Iterator[Finding]:
    """Yield what was noticed in series that are cut into windows.

    Args:
        dataset: of `Window` -> `Horizon`.
        facts: what is told beside the findings goes there, as `series`.
    """
    parts = {name: _rows(split) for name, split in dataset.splits.items() if isinstance(split, Windows)}
    train = dataset.train
    if not isinstance(train, Windows):
        return
    cut = train.cut
    values = _numbers(cut, "values").astype(numpy.float64)
    known = (
        numpy.ones(len(values), dtype=numpy.bool_)
        if cut.held["known"] is None
        else _numbers(cut, "known") > 0
    )
    names = tuple(dataset.targets.names)  # type: ignore[attr-defined]
    facts["series"] = {
        "channels": list(names), "steps": {name: int(rows.sum()) for name, rows in parts.items()},
        "missing": {name: float(1 - known[rows].mean()) if rows.any() else 0.0 for name, rows in parts.items()},
    }  # fmt: skip
    yield from _gaps(facts["series"]["missing"])
    if len(train) < FEW:
        yield Finding(
            "warning", "few windows", "series", f"there are {len(train):,} windows to learn from",
            "so few show hardly what is a rule and what is chance",
            "a shorter --set lookback= or --horizon, or more of the past", {"windows": len(train)},
        )  # fmt: skip
    yield from _short(dataset, train)
    own = (
        cut.held["units"] is not None
    )  # then levels are those of each series, and say nothing of the channel
    for place, name in enumerate(names):
        column = {part: values[rows & known, place] for part, rows in parts.items()}
        yield from _channel(name, column, compare=not own)


def _short(dataset: Dataset, train: Windows) -> Iterator[Finding]:
    """Of several series, those that are too short for a window, or begin too late for one in the training part."""
    cut, begins = train.cut, train.cut.held["begins"]
    if begins is None:
        return
    sizes = numpy.diff([*begins.tolist(), len(_numbers(cut, "values"))])
    names = numpy.array(getattr(dataset.preparation, "ids", ()) or [str(n + 1) for n in range(len(sizes))])
    needed = cut.lookback + cut.horizon
    short = sizes < needed
    late = ~short
    late[numpy.unique(train.batch["series"].numpy())] = False
    for kind, held, why, matters, action in (
        (
            "short series", short, f"are shorter than a look-back and a horizon together, {needed:,} steps",
            "nothing is learned of them, and no figure counts them", "a shorter --set lookback= or --horizon, or more of their past",
        ),
        (
            "late series", late, "begin so late that no window of theirs lies in the training part",
            "the figures are of series that the network has not seen", "a shorter --set lookback= or --horizon, or an earlier --test",
        ),
    ):  # fmt: skip
        if count := int(held.sum()):
            severity = "warning" if count >= MISSING * len(sizes) else "note"
            seen = f"{count:,} of {len(sizes):,} series {why}: {listed(names[held].tolist())}"
            yield Finding(severity, kind, "series", seen, matters, action, {"series": count})  # type: ignore[arg-type]


def _rows(split: Windows) -> numpy.ndarray:
    """Return which rows of the values a split forecasts, `(rows,)` bool; of training the rows before its first window too."""
    found: numpy.ndarray = numpy.zeros(len(_numbers(split.cut, "values")), dtype=numpy.bool_)
    start, series = split.batch["start"].numpy(), split.batch["series"].numpy()
    for number in numpy.unique(series):
        own = start[series == number]
        found[own.min() + split.cut.lookback : own.max() + split.cut.lookback + split.cut.horizon] = True
    return found


def _numbers(cut: Cut, name: str) -> numpy.ndarray:
    held = cut.held[name]
    return numpy.zeros(0) if held is None else held.numpy()


def _gaps(missing: dict[str, float]) -> Iterator[Finding]:
    part, worst = max(missing.items(), key=lambda each: each[1])
    if worst >= MISSING:
        yield Finding(
            "warning" if worst > 1 / 3 else "note", "missing", "series",
            f"{share(worst, 1)} of the steps of the {part} part have no value",
            "they hold the last value before them, and do not count as targets",
            "fill them in, or average over longer steps: --set step=1d", {"share": worst, "split": part},
        )  # fmt: skip


def _channel(name: str, column: dict[str, numpy.ndarray], *, compare: bool) -> Iterator[Finding]:
    """Look at one channel, whose values are deviations from the mean of the training part."""
    subject, train = f"series {name}", column["train"]
    if not len(train):
        return
    if numpy.ptp(train) < 1e-9:
        yield Finding(
            "warning", "constant", subject, f"all {len(train):,} training values are equal",
            "nothing is learned of it, and any change later is a surprise", "leave it out of --target, or give more of the past",
        )  # fmt: skip
        return
    run, most = longest_run(train), max(12.0, STUCK * len(train))
    if run > most and not lies_at_floor(train):
        yield Finding(
            "note", "stuck", subject, f"{run:,} training values in a row are equal",
            "a sensor that stands still teaches that nothing happens", "look at that part; empty cells are gaps, which do not count",
            {"values": run},
        )  # fmt: skip
    far = int((numpy.abs(train - numpy.median(train)) > FAR * max(float(spread(train)), 1e-9)).sum())
    if far:
        yield Finding(
            "note", "outliers", subject, f"{far:,} training values lie over {FAR:g} usual deviations from the median",
            "squares of such errors drown all others", "--set loss=mean-absolute-error or huber, or mend the values",
            {"values": far},
        )  # fmt: skip
    apart = {
        part: float(held.mean() - train.mean())
        for part, held in column.items()
        if part != "train" and len(held)
    }
    moved = {part: each for part, each in apart.items() if abs(each) > LEVEL * float(train.std())}
    if compare and moved:
        said = [
            f"{part} {abs(each) / float(train.std()):.1f} {'above' if each > 0 else 'below'}"
            for part, each in moved.items()
        ]
        yield Finding(
            "warning", "level", subject, f"its mean lies elsewhere than in training, in deviations: {listed(said)}",
            "a network that learned levels forecasts the old one",
            "--set normalization=instance; or learn from a later part", {"apart": apart},
        )  # fmt: skip


def longest_run(values: numpy.ndarray) -> int:
    """Return the length of the longest run of equal values."""
    edges = numpy.flatnonzero(numpy.diff(values)) + 1
    bounds = [0, *edges.tolist(), len(values)]
    return max(stop - start for start, stop in itertools.pairwise(bounds))


def lies_at_floor(values: numpy.ndarray) -> bool:
    """Return whether the most frequent value is the least or the largest one: nights without sun, days without sales."""
    found, counts = numpy.unique(values, return_counts=True)
    return bool(found[counts.argmax()] in (found[0], found[-1]))


def spread(values: numpy.ndarray) -> float:
    """Return the deviation that the middle half of the values stands for."""
    low, high = numpy.quantile(values, [0.25, 0.75])
    return float(high - low) / 1.349
