"""Scores of anomalies: how rare the distance of a value from what was expected is beside all before it."""

from __future__ import annotations

import bisect

import numpy

from neurarium.data.trace import MEMORY

RAREST = 6.0  # -log10 of the tail that a score of 1 stands for
TOLERANCE = 0.05  # of the range seen so far: a value farther out is odd whatever was expected
QUIET = 200  # moments after an alarm in which only a higher score counts in full


def anomaly_scores(values: numpy.ndarray, expected: numpy.ndarray) -> numpy.ndarray:
    """Return how odd each value is, `(length,)` from 0 to 1; no score knows of a later value.

    s_t = rarity(|x_t - expected_t|) / 6, and 1 where x_t leaves the range of all values before by more than 5 % of it; a score
    that is not the highest of 200 moments counts half, so that one event is one alarm.

    Args:
        values: x, `(length,)`.
        expected: what was expected of each moment from those before.

    Ahmad et al. 2017 (likelihood of a prediction error, spatial anomalies); the tail is that of conformal anomaly detection
    (Laxhammar and Falkman 2010).

    >>> values = numpy.array([0.0, 1.0] * 30 + [5.0])
    >>> scores = anomaly_scores(values, numpy.full(61, 0.5))
    >>> float(scores[-1]), bool(scores[2:-1].max() < 0.1)
    (1.0, True)
    """
    rare = numpy.minimum(rarity(numpy.abs(values - expected)) / RAREST, 1.0)
    return once(numpy.where(outside(values), 1.0, rare))


def rarity(errors: numpy.ndarray, memory: int = MEMORY) -> numpy.ndarray:
    """Return -log10 of the share of errors before (and this one) that are as large, `(length,)`.

    An error beyond all before adds the log10 of how many times it is larger: r_t = -log10((1 + #{s < t: e_s >= e_t}) / (1 + t)) +
    log10(max(1, e_t / max_(s < t) e_s)).

    >>> rarity(numpy.array([1.0, 1.0, 1.0, 10.0])).round(2).tolist()
    [0.0, 0.0, 0.0, 1.6]
    """
    found, kept = numpy.zeros(len(errors)), []  # type: ignore[var-annotated]
    listed = errors.tolist()
    for place, error in enumerate(listed):
        above = len(kept) - bisect.bisect_left(kept, error)
        found[place] = numpy.log10((len(kept) + 1) / (above + 1))
        if above == 0 and kept and kept[-1] > 0:
            found[place] += numpy.log10(error / kept[-1])
        bisect.insort(kept, error)
        if place >= memory:
            del kept[bisect.bisect_left(kept, listed[place - memory])]
    return found


def outside(values: numpy.ndarray, tolerance: float = TOLERANCE) -> numpy.ndarray:
    """Return which values lie beyond the range of all before by more than a share of it, `(length,)` bool.

    >>> outside(numpy.array([0.0, 1.0, 1.04, 1.2])).tolist()
    [False, False, False, True]
    """
    high = numpy.concatenate([values[:1], numpy.maximum.accumulate(values)[:-1]])
    low = numpy.concatenate([values[:1], numpy.minimum.accumulate(values)[:-1]])
    margin = tolerance * (high - low)
    return (high > low) & ((values > high + margin) | (values < low - margin))


def once(scores: numpy.ndarray, quiet: int = QUIET) -> numpy.ndarray:
    """Return the scores, halved where one of the `quiet` moments before had as high a one in full.

    >>> once(numpy.array([0.1, 0.9, 0.9, 0.3, 1.0])).tolist()
    [0.1, 0.9, 0.45, 0.15, 1.0]
    """
    found, last, highest = scores / 2, -quiet - 1, 0.0
    for place, score in enumerate(scores.tolist()):
        if place - last > quiet or score > highest:  # the latest full one is higher than those before it
            found[place], last, highest = score, place, score
    return found
