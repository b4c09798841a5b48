"""Splits: which rows train, which validate, which test. Pure functions of (labels or groups or times, fractions, seed).

Each returns `{"train": indices, "validation": indices, "test": indices}` as sorted int64 arrays; a split whose
fraction is zero is absent. No row is in two splits, none is lost.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy

from neurarium.core.errors import DataError
from neurarium.core.seeds import numpy_generator

Rows = dict[str, numpy.ndarray]


def random(count: int, fractions: Mapping[str, float], seed: int) -> Rows:
    """Split rows at random.

    Args:
        count: number of rows.
        fractions: `{"validation": 0.15, "test": 0.15}`; training takes the rest.
        seed: the split depends on it and on `count` alone.

    Raises:
        DataError: too few rows for the splits asked for.

    >>> {name: len(rows) for name, rows in random(20, {"validation": 0.2, "test": 0.1}, seed=0).items()}
    {'train': 14, 'validation': 4, 'test': 2}
    """
    order = numpy.argsort(_draw(count, seed), kind="stable")
    return _cut(order, _sizes(count, fractions))


def by_time(times: numpy.ndarray, fractions: Mapping[str, float]) -> Rows:
    """Split by time: the latest rows test, the latest before them validate. Ties stay on one side of a border.

    Raises:
        DataError: too few different times for the splits asked for.

    >>> by_time(numpy.array([3, 1, 2, 4]), {"test": 0.25})["test"]
    array([3])
    """
    order = numpy.argsort(times, kind="stable")
    ordered = times[order]
    sizes = _sizes(len(times), fractions)
    found: Rows = {}
    end = len(times)
    for name in ("test", "validation"):
        if name in sizes:
            start = int(numpy.searchsorted(ordered, ordered[max(end - sizes[name], 0)], side="left"))
            found[name], end = order[start:end], start
    if end == 0 or any(len(rows) == 0 for rows in found.values()):
        raise DataError(
            "a split by time leaves a split empty",
            expected=f"at least {len(sizes) + 1} different times",
            received=f"{len(numpy.unique(times))} different times in {len(times)} rows",
            fix="choose another column with --time, or split='random'",
        )
    return _sorted({"train": order[:end], **found})


def grouped(groups: numpy.ndarray, fractions: Mapping[str, float], seed: int) -> Rows:
    """Split whole groups: no group straddles two splits. Groups are taken in random order until a split is full.

    Raises:
        DataError: fewer groups than splits.

    >>> rows = grouped(numpy.repeat(numpy.arange(10), 3), {"test": 0.2}, seed=0)
    >>> len(rows["train"]), len(rows["test"])
    (24, 6)
    """
    names, codes, counts = numpy.unique(groups, return_inverse=True, return_counts=True)
    sizes = _sizes(len(groups), fractions)
    if len(names) < len(sizes) + 1:
        raise DataError(
            "there are too few groups to split by them",
            expected=f"at least {len(sizes) + 1} different groups",
            received=f"{len(names)}",
            fix="choose another column with --group, or split='random'",
        )
    order = numpy.argsort(_draw(len(names), seed), kind="stable")
    part = numpy.full(len(names), -1)
    start = 0
    for number, size in enumerate(sizes.values()):
        last = len(names) - (len(sizes) - number)  # keep one group for each later split and for training
        filled = 0
        while start < last and (
            filled == 0 or abs(filled + counts[order[start]] - size) <= abs(filled - size)
        ):
            part[order[start]] = number
            filled += int(counts[order[start]])
            start += 1
    return _by_part(part[codes], sizes)


def stratified(labels: numpy.ndarray, fractions: Mapping[str, float], seed: int) -> Rows:
    """Split so that each class has the same share in every split, as far as whole rows allow.

    A class with too few rows for all splits keeps its first row for training. The sizes of the splits are those of
    `random`: what rounding leaves over goes to the classes with the largest remainders.

    Args:
        labels: `(rows,)` class codes or names.

    Raises:
        DataError: too few rows for the splits asked for.

    >>> rows = stratified(numpy.array([0] * 80 + [1] * 20), {"test": 0.1}, seed=0)
    >>> int((rows["test"] >= 80).sum())
    2
    """
    _, codes, counts = numpy.unique(labels, return_inverse=True, return_counts=True)
    sizes = _sizes(len(labels), fractions)
    order = numpy.lexsort((_draw(len(labels), seed), codes))
    starts = numpy.concatenate([[0], numpy.cumsum(counts)[:-1]])
    rank = numpy.empty(len(labels), dtype=numpy.int64)
    rank[order] = numpy.arange(len(labels)) - numpy.repeat(starts, counts)
    part = numpy.full(len(labels), -1)
    begin = numpy.zeros(len(counts), dtype=numpy.int64)
    for number, size in enumerate(sizes.values()):
        quota = _apportion(counts * (size / len(labels)), size, counts - 1 - begin)
        part[(rank >= begin[codes]) & (rank < (begin + quota)[codes])] = number
        begin += quota
    return _by_part(part, sizes)


def folds(count: int, parts: int, seed: int, *, labels: numpy.ndarray | None = None) -> list[Rows]:
    """Cut the rows into folds for cross-validation: each row is in `test` of exactly one fold.

    Args:
        count: number of rows.
        parts: number of folds, at least 2.
        labels: classes to stratify by, or None.

    Raises:
        DataError: fewer rows than folds.

    >>> [len(fold["test"]) for fold in folds(10, 3, seed=0)]
    [4, 3, 3]
    """
    if not 2 <= parts <= count:
        raise DataError("the rows cannot be cut so", expected=f"2 to {count} folds", received=parts)
    codes = numpy.zeros(count) if labels is None else numpy.unique(labels, return_inverse=True)[1]
    order = numpy.lexsort((_draw(count, seed), codes))
    fold = numpy.empty(count, dtype=numpy.int64)
    fold[order] = numpy.arange(count) % parts
    return [
        {"train": numpy.flatnonzero(fold != k), "test": numpy.flatnonzero(fold == k)} for k in range(parts)
    ]


def _draw(count: int, seed: int) -> numpy.ndarray:
    """Uniform numbers whose order is the shuffle: the bit stream is stable over versions, `permutation` is not."""
    return numpy_generator(seed, "split").random(count)


def _sizes(count: int, fractions: Mapping[str, float]) -> dict[str, int]:
    wanted = {name: float(fractions.get(name) or 0.0) for name in ("test", "validation")}
    wanted = {name: fraction for name, fraction in wanted.items() if fraction != 0}
    if any(not 0 < fraction < 1 for fraction in wanted.values()) or sum(wanted.values()) >= 1:
        raise DataError(
            "the fractions of the splits are wrong",
            expected="numbers from 0 to 1 whose sum is below 1",
            received=", ".join(f"{name} {fraction:g}" for name, fraction in wanted.items()),
            fix="for example validation=0.15, test_fraction=0.15",
        )
    sizes = {name: max(1, round(count * fraction)) for name, fraction in wanted.items()}
    if sum(sizes.values()) >= count:
        raise DataError(
            "there are too few rows to split",
            expected=f"at least {len(sizes) + 1} rows",
            received=f"{count} rows with a target",
            fix="give more rows, or a test file of its own with --test FILE",
        )
    return sizes


def _cut(order: numpy.ndarray, sizes: Mapping[str, int]) -> Rows:
    found, start = {}, 0
    for name, size in sizes.items():
        found[name] = order[start : start + size]
        start += size
    return _sorted({"train": order[start:], **found})


def _apportion(shares: numpy.ndarray, size: int, room: numpy.ndarray) -> numpy.ndarray:
    """Whole numbers near the shares that add up to `size`, none above its room (largest remainders first)."""
    room = numpy.maximum(room, 0)
    quota = numpy.minimum(numpy.floor(shares).astype(numpy.int64), room)
    while (left := size - int(quota.sum())) > 0 and (quota < room).any():
        open_ = numpy.flatnonzero(quota < room)
        order = open_[numpy.argsort(-(shares - quota)[open_], kind="stable")]
        quota[order[:left]] += 1
    return quota


def _by_part(part: numpy.ndarray, sizes: Mapping[str, int]) -> Rows:
    rows = {"train": numpy.flatnonzero(part == -1)}
    return _sorted({**rows, **{name: numpy.flatnonzero(part == number) for number, name in enumerate(sizes)}})


def _sorted(rows: Rows) -> Rows:
    present = [name for name in ("train", "validation", "test") if name in rows]
    return {name: numpy.sort(rows[name]).astype(numpy.int64) for name in present}
