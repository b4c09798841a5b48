"""Duplicates: rows that are there more than once, in one split or across splits, and equal rows with different targets."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy
import polars

from neurarium.studies.inspection.columns import identifiers
from neurarium.studies.inspection.finding import Finding, share
from neurarium.studies.inspection.sampling import codes, digests
from neurarium.studies.inspection.tables import Table

SOME, MUCH = 0.01, 0.1  # shares of rows above which duplicates are a warning, an error (across splits)
OFTEN = 5.0  # times as many equal rows as independent columns would give are no wonder: columns go together
CHANCE = 3  # fewer equal rows than this may be chance


def findings(table: Table) -> Iterator[Finding]:
    """Yield duplicates within the splits, across them, and those whose targets contradict each other."""
    keys = _keys(table)
    if not keys:
        return
    chance = _meeting(table)
    yield from _within(table, keys, chance)
    yield from _across(table, keys, chance)
    yield from _conflicts(table, keys)


def _keys(table: Table) -> dict[str, numpy.ndarray]:
    """Return a number for the inputs of each row; names of rows are left out, since they hide what is equal.

    Texts and images may differ in every row, and are inputs.
    """
    inputs = {name for name, kind in table.kinds.items() if kind.kind in ("text", "image")}
    hiding = identifiers(table) - inputs
    names = [name for name in table.plain["train"].columns if name not in hiding]
    if not names:
        return {}
    return {
        key: digests(frame.select(names))
        for key, frame in table.plain.items()
        if set(names) <= set(frame.columns)
    }


def _meeting(table: Table) -> float:
    """Return the chance that two rows are equal, were the columns independent: the product of sum p^2 over columns."""
    chance = 1.0
    for column in table.plain["train"].get_columns():
        counts = numpy.unique(codes(column), return_counts=True)[1]
        chance *= float(((counts / counts.sum()) ** 2).sum())
    return chance


def _with_target(keys: numpy.ndarray, target: numpy.ndarray | None) -> numpy.ndarray:
    if target is None:
        return keys
    mixed = polars.DataFrame({"inputs": keys, "target": target})
    return digests(mixed)


def _within(table: Table, keys: dict[str, numpy.ndarray], chance: float) -> Iterator[Finding]:
    for split, each in keys.items():
        whole = _with_target(each, table.encoded.get(split))
        extra = len(whole) - len(numpy.unique(whole))
        if extra:
            coarse = extra <= OFTEN * chance * len(whole) ** 2 / 2
            grave = extra >= CHANCE and extra >= SOME * len(whole) and not coarse
            yield Finding(
                "warning" if grave else "note", "duplicates", f"{split} rows",
                f"{extra:,} of {len(whole):,} rows repeat another ({share(extra, len(whole))})"
                + (", which is no wonder where so few different rows are possible" if coarse else ""),
                "repeated rows count more than once, in learning and in measuring",
                "remove them, unless they are different things that look the same",
                {"repeated": extra, "rows": len(whole)}, _places(table, split, whole),
            )  # fmt: skip


def _places(table: Table, split: str, keys: numpy.ndarray) -> tuple[int, ...]:
    """Return the numbers, from 1, of some rows that repeat an earlier one."""
    _, first = numpy.unique(keys, return_index=True)
    repeated = numpy.setdiff1d(numpy.arange(len(keys)), first)[:5]
    return tuple(int(row) + 1 for row in table.rows[split][repeated])


def _across(table: Table, keys: dict[str, numpy.ndarray], chance: float) -> Iterator[Finding]:
    for split in ("validation", "test"):
        if split not in keys:
            continue
        train, other = (_with_target(keys[key], table.encoded.get(key)) for key in ("train", split))
        again = numpy.isin(other, train)
        count = int(again.sum())
        if not count:
            continue
        part = count / len(other)
        coarse = count <= OFTEN * chance * len(other) * len(train)
        severity = "note"
        if count >= CHANCE and not coarse:
            severity = "error" if part >= MUCH else "warning" if part >= SOME else "note"
        yield Finding(
            severity, "duplicates across splits", f"{split} rows",
            f"{count:,} of {len(other):,} rows stand in the training rows too ({share(count, len(other))})"
            + (", which is no wonder where so few different rows are possible" if coarse else ""),
            "what was learned by heart counts as understood: the measured quality is too high",
            "remove them from one side, or keep such rows together with --group COLUMN",
            {"repeated": count, "rows": len(other)},
            tuple(int(row) + 1 for row in table.rows[split][numpy.flatnonzero(again)[:5]]),
        )  # fmt: skip


def _conflicts(table: Table, keys: dict[str, numpy.ndarray]) -> Iterator[Finding]:
    if "train" not in table.encoded:
        return
    key, target = keys["train"], table.encoded["train"]
    known = target >= 0 if table.classes is not None else numpy.isfinite(target)
    group = numpy.unique(key[known], return_inverse=True)[1]
    values = target[known]
    found = _contradictions(table, group, values)
    if found is None:
        return
    rows, seen, numbers = found
    part = rows / len(values)
    yield Finding(
        "warning" if part >= SOME and rows > CHANCE else "note", "conflicting duplicates", "train rows",
        f"{rows:,} of {len(values):,} rows share their inputs with a row of another target; {seen}",
        "no model can be right on all of them", "look for wrong labels, or for a column that is lacking",
        {"rows": rows, **numbers}, (),
    )  # fmt: skip


def _contradictions(
    table: Table, group: numpy.ndarray, values: numpy.ndarray
) -> tuple[int, str, dict[str, Any]] | None:
    """Return how many rows contradict others, and what that costs the best of all models."""
    sizes = numpy.bincount(group)
    at = functools.partial(numpy.full, len(sizes))
    low, high = at(numpy.inf), at(-numpy.inf)
    numpy.minimum.at(low, group, values)
    numpy.maximum.at(high, group, values)
    odd = high > low
    rows = int(sizes[odd].sum())
    if not rows:
        return None
    if table.classes is None:
        mean = numpy.bincount(group, values) / sizes
        error = float(numpy.sqrt(numpy.mean((values - mean[group]) ** 2)))
        return rows, f"an RMSE below {error:.4g} is out of reach on the training rows", {"least_rmse": error}
    pairs, counts = numpy.unique(numpy.stack([group, values.astype(numpy.int64)]), axis=1, return_counts=True)
    best = numpy.zeros(len(sizes), dtype=numpy.int64)
    numpy.maximum.at(best, pairs[0], counts)
    most = float(best.sum() / len(values))
    return (
        rows,
        f"an accuracy above {share(most, 1)} is out of reach on the training rows",
        {"best_accuracy": most},
    )
