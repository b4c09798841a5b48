"""Partition: the way a table is split, chosen from its target and its options, with the reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy
import polars

from neurarium.core.errors import OptionError, unknown
from neurarium.data import splits
from neurarium.data.dataset import Decision
from neurarium.data.preparation.several_targets import TableTarget
from neurarium.data.preparation.targets import Labels
from neurarium.data.readers.values import times

WAYS = ("stratified", "random", "grouped", "time")


@dataclasses.dataclass(frozen=True)
class How:
    """What was asked for: the fractions, the way, the columns, the seed."""

    validation: float
    test: float
    way: str | Mapping[str, Sequence[int]] | None
    group: str | None
    time: str | None
    seed: int


def partition(
    frame: polars.DataFrame, encoded: numpy.ndarray, usable: numpy.ndarray, plan: TableTarget, how: How
) -> tuple[splits.Rows, list[Decision]]:
    """Split the rows whose target is known.

    Args:
        frame: all rows; read where the split goes by a column.
        encoded: the encoded target of each.
        usable: the rows whose target is known.
        plan: classes or quantities.
        how: what was asked for.

    Returns:
        The rows of each split, as places in the frame, and the decisions taken.

    Raises:
        DataError, OptionError: what was asked for cannot be done.
    """
    if isinstance(how.way, Mapping):
        return _given(how.way, usable, len(encoded)), []
    way, reason = _way(how, plan)
    fractions = {"validation": how.validation, "test": how.test}
    if not any(fractions.values()):
        return {"train": usable}, []
    known = encoded[usable]
    rows = _rows(way, frame, usable, known, fractions, how)
    decisions = [Decision("split", way, reason, "--split, --group, --time")]
    if way == "stratified" and any(not len(rows[name]) for name, fraction in fractions.items() if fraction):
        rows = splits.random(len(usable), fractions, how.seed)
        decisions = [Decision("split", "random", "every class has too few rows to stratify", "--split")]
    if isinstance(plan, Labels):
        decisions += _rare(rows, known, plan)
    return {name: usable[part] for name, part in rows.items()}, decisions


def _way(how: How, plan: TableTarget) -> tuple[str, str]:
    if how.group and how.time:
        raise OptionError(
            "a split is either grouped or by time", received="group= and time=", fix="give one of them"
        )
    if how.way is not None and how.way not in WAYS:
        raise unknown("way to split", str(how.way), WAYS)
    if how.way is None:
        if how.group:
            return "grouped", f"no group of '{how.group}' may be in two splits"
        if how.time:
            return "time", f"the latest rows by '{how.time}' test, as they will in use"
        if isinstance(plan, Labels):
            return "stratified", "each class has the same share in every split"
        return "random", "the rows are taken as independent"
    needed = {"grouped": how.group, "time": how.time}
    if how.way in needed and not needed[str(how.way)]:
        option = {"grouped": "group", "time": "time"}[str(how.way)]
        raise OptionError(
            f"split='{how.way}' needs the name of a column", fix=f"give it with --{option} COLUMN"
        )
    return str(how.way), "given"


def _rows(
    way: str,
    frame: polars.DataFrame,
    usable: numpy.ndarray,
    known: numpy.ndarray,
    fractions: Mapping[str, float],
    how: How,
) -> splits.Rows:
    if way == "grouped":
        column = frame.get_column(str(how.group)).gather(usable)
        codes = column.cast(polars.String).rank("dense").cast(polars.Float64).to_numpy().copy()
        gaps = numpy.isnan(codes)
        codes[gaps] = -1 - numpy.arange(gaps.sum())  # a row without a group is a group of its own
        return splits.grouped(codes, fractions, how.seed)
    if way == "time":
        return splits.by_time(times(frame.get_column(str(how.time)).gather(usable)), fractions)
    if way == "stratified":
        return splits.stratified(known if known.ndim == 1 else _bands(known[:, 0]), fractions, how.seed)
    return splits.random(len(known), fractions, how.seed)


def _bands(values: numpy.ndarray) -> numpy.ndarray:
    """Ten bands of a quantity with equally many rows, to stratify by."""
    return numpy.searchsorted(numpy.quantile(values, numpy.linspace(0.1, 0.9, 9)), values)


def _rare(rows: splits.Rows, encoded: numpy.ndarray, plan: Labels) -> list[Decision]:
    decisions = []
    for name, part in rows.items():
        absent = [each for code, each in enumerate(plan.names) if not (encoded[part] == code).any()]
        if absent and len(part):
            shown = ", ".join(absent[:5]) + (", ..." if len(absent) > 5 else "")
            reason = "these classes have too few rows, or their rows fell elsewhere"
            decisions.append(
                Decision(f"{name} split", f"without {shown}", reason, "--split, --split-seed, more rows")
            )
    return decisions


def _given(way: Mapping[str, Any], usable: numpy.ndarray, count: int) -> splits.Rows:
    """Check rows given by the caller, and leave out those whose target is missing."""
    names = [name for name in ("train", "validation", "test") if name in way]
    if set(way) - set(names) or "train" not in way:
        raise OptionError(
            "a split given by rows has parts", expected="train, validation, test", received=list(way)
        )
    rows = {name: numpy.asarray(way[name], dtype=numpy.int64) for name in names}
    everything = numpy.concatenate(list(rows.values()))
    if len(everything) and not (everything.min() >= 0 and everything.max() < count):
        outside = everything[(everything < 0) | (everything >= count)]
        raise OptionError(
            "a split names a row that is not there", expected=f"0 to {count - 1}", received=int(outside[0])
        )
    if len(numpy.unique(everything)) < len(everything):
        raise OptionError("a row is in two splits, or twice in one", fix="give each row once")
    return {name: numpy.intersect1d(part, usable) for name, part in rows.items()}
