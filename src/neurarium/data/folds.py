"""Folds for cross-validation that keep groups together, or that go by time (`splits.folds` stratifies)."""

from __future__ import annotations

import itertools

import numpy

from neurarium.core.errors import OptionError
from neurarium.core.seeds import numpy_generator


def folds(
    count: int,
    parts: int,
    seed: int,
    *,
    groups: numpy.ndarray | None = None,
    times: numpy.ndarray | None = None,
) -> list[dict[str, numpy.ndarray]]:
    """Cut rows into folds that keep groups together, or that go by time.

    With groups, the largest are dealt first, each to the fold that is least full. With times, the rows are cut into
    `parts + 1` blocks; fold k trains on the first k blocks and tests on the next one; ties stay in one block.

    Args:
        count: number of rows.
        parts: number of folds, at least 2.
        seed: breaks ties between groups of one size.
        groups, times: `(count,)`; one of them is given.

    Raises:
        OptionError: fewer groups or times than folds need.

    >>> [fold["test"].tolist() for fold in folds(6, 2, 0, times=numpy.array([0, 0, 1, 1, 2, 2]))]
    [[2, 3], [4, 5]]
    """
    if times is not None:
        return _by_time(times, parts)
    names, codes, sizes = numpy.unique(numpy.asarray(groups), return_inverse=True, return_counts=True)
    if not 2 <= parts <= len(names):
        raise OptionError(
            "the groups cannot be dealt so", expected=f"2 to {len(names)} folds", received=parts
        )
    order = numpy.lexsort((numpy_generator(seed, "folds").random(len(names)), -sizes))
    filled, place = numpy.zeros(parts), numpy.empty(len(names), dtype=numpy.int64)
    for group in order:
        place[group] = filled.argmin()
        filled[place[group]] += sizes[group]
    fold = place[codes]
    return [
        {"train": numpy.flatnonzero(fold != k), "test": numpy.flatnonzero(fold == k)} for k in range(parts)
    ]


def _by_time(times: numpy.ndarray, parts: int) -> list[dict[str, numpy.ndarray]]:
    order = numpy.argsort(times, kind="stable")
    ordered = times[order]
    wanted = [round(len(times) * block / (parts + 1)) for block in range(1, parts + 1)]
    borders = [
        int(numpy.searchsorted(ordered, ordered[min(each, len(times) - 1)], side="left")) for each in wanted
    ]
    borders.append(len(times))
    if parts < 1 or borders[0] == 0 or any(a >= b for a, b in itertools.pairwise(borders)):
        raise OptionError(
            "there are too few different times for so many folds",
            expected="a smaller number of folds",
            received=f"{parts} folds of {len(numpy.unique(times))} times",
        )
    return [
        {"train": numpy.sort(order[:start]), "test": numpy.sort(order[start:end])}
        for start, end in itertools.pairwise(borders)
    ]
