"""The NAB score: what detections of anomalies are worth, early ones more than late ones, over a corpus of series."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy

from neurarium.core.errors import DataError

PROBATION, LONGEST = (
    0.15,
    5000,
)  # the share of a series that counts for nothing, and the length that bounds it
FREE, PROBATIONARY = -1, -2  # owners of moments outside of windows, and of the first ones


@dataclasses.dataclass(frozen=True)
class Profile:
    """What a hit, a false alarm and a missed window are worth."""

    hit: float
    alarm: float
    miss: float


PROFILES = {
    "standard": Profile(1.0, 0.11, 1.0),
    "reward_low_fp": Profile(1.0, 0.22, 1.0),
    "reward_low_fn": Profile(1.0, 0.11, 2.0),
}


@dataclasses.dataclass(frozen=True)
class Judged:
    """One series with its scores.

    Args:
        scores: how odd each moment is, `(length,)` from 0 to 1.
        windows: first and last place of each labelled window, in their order.
    """

    scores: numpy.ndarray
    windows: Sequence[tuple[int, int]]


@dataclasses.dataclass(frozen=True)
class NabScore:
    """What a corpus reaches with one profile.

    Args:
        score: 0 for saying nothing, 100 for every window found at its first moment without a false alarm.
        threshold: scores from it on are anomalies; 1.1 for none.
        raw: the sum before it is normalized.
        found, windows: windows with an alarm, and all of them.
        alarms: moments outside of windows that were taken for anomalies.
    """

    score: float
    threshold: float
    raw: float
    found: int
    windows: int
    alarms: int


def probation_of(length: int, share: float = PROBATION) -> int:
    """Return how many first moments count for nothing: a share of the series, and of 5,000 moments at most.

    >>> probation_of(1000), probation_of(22695)
    (150, 750)
    """
    return math.ceil(min(math.floor(share * length), share * LONGEST))


def nab_scores(corpus: Sequence[Judged]) -> dict[str, NabScore]:
    """Return the score of each profile, at the one threshold for all series that is best for it.

    A window counts by its first alarm, sigma(p) at the place p from -1 (its start) to 0 (its end), or -miss without one; an
    alarm outside costs by how far it lies behind the window before it, up to `alarm`:

        sigma(p) = 2 / (1 + exp(5 p)) - 1        score = 100 (sum - null) / (perfect - null)

    with hits divided by sigma(-1), null the sum of a detector that is silent, perfect one hit per window.

    Raises:
        DataError: no labelled window, windows that no series holds, or scores that are not finite.

    Lavin and Ahmad, arXiv:1510.03336, section II; the code of the benchmark (sweeper, runner) decides where the paper is silent.

    >>> found = nab_scores([Judged(numpy.eye(1, 100, 50)[0], [(50, 60)])])
    >>> found["standard"].score, found["standard"].found
    (100.0, 1)
    """
    for place, each in enumerate(corpus):
        if not numpy.isfinite(each.scores).all():
            raise DataError(
                f"the scores of series {place + 1} are not finite", expected="numbers from 0 to 1"
            )
        for first, last in each.windows:
            if not 0 <= first <= last < len(each.scores):
                raise DataError(
                    f"a window of series {place + 1} lies outside of it",
                    expected=f"places from 0 to {len(each.scores) - 1}", received=f"{first} to {last}",
                )  # fmt: skip
    if not any(len(each.windows) for each in corpus):
        raise DataError(
            "there is no labelled window to score by", expected="windows in some series", received="none"
        )
    return {name: _best(corpus, profile) for name, profile in PROFILES.items()}


def _best(corpus: Sequence[Judged], profile: Profile) -> NabScore:
    scores, worths, owners, start = [], [], [], 0
    for each in corpus:
        worth, owner = worths_of(len(each.scores), each.windows, profile)
        counted = owner != PROBATIONARY
        scores.append(numpy.asarray(each.scores, dtype=numpy.float64)[counted])
        worths.append(worth[counted])
        owners.append(numpy.where(owner[counted] >= 0, owner[counted] + start, FREE))
        start += len(each.windows)
    windows = sum(len(each.windows) for each in corpus)
    return swept(
        numpy.concatenate(scores), numpy.concatenate(worths), numpy.concatenate(owners), windows, profile
    )


def worths_of(
    length: int, windows: Sequence[tuple[int, int]], profile: Profile
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return what an alarm at each moment is worth, `(length,)`, and whose it is: a window's number, -1 outside, -2 at the start."""
    worth, owner = numpy.full(length, -profile.alarm), numpy.full(length, FREE)
    places = numpy.arange(length)
    ordered = sorted(enumerate(windows), key=lambda each: each[1])
    for number, (first, last) in ordered:
        width = last - first + 1
        behind = places[last + 1 :]
        distance = (behind - last) / (width - 1) if width > 1 else numpy.full(len(behind), numpy.inf)
        worth[last + 1 :] = profile.alarm * numpy.where(distance > 3, -1.0, sigma(numpy.minimum(distance, 4)))
        owner[last + 1 :] = FREE
        inside = places[first : last + 1]
        worth[first : last + 1] = profile.hit * sigma(-(last - inside + 1) / width) / sigma(-1.0)
        owner[first : last + 1] = number
    owner[: probation_of(length)] = PROBATIONARY
    return worth, owner


def sigma(place: numpy.ndarray | float) -> numpy.ndarray:
    """Return 2 / (1 + exp(5 place)) - 1.

    >>> float(sigma(0.0)), round(float(sigma(-1.0)), 5)
    (0.0, 0.98661)
    """
    return 2 / (1 + numpy.exp(5 * numpy.asarray(place))) - 1


def swept(
    scores: numpy.ndarray, worths: numpy.ndarray, owners: numpy.ndarray, windows: int, profile: Profile
) -> NabScore:
    """Return the best of all thresholds; moments are taken from the highest score down, and those of one score together."""
    order = numpy.argsort(-scores, kind="stable")
    scores, worths, owners = scores[order], worths[order], owners[order]
    gains = numpy.where(owners == FREE, worths, 0.0)
    held: dict[int, float] = {}
    for place in numpy.flatnonzero(owners != FREE):
        before = held.get(int(owners[place]), -profile.miss)
        held[int(owners[place])] = after = max(before, worths[place])
        gains[place] = after - before
    silent = -profile.miss * len(held)
    sums = numpy.concatenate([[silent], silent + numpy.cumsum(gains)])
    ends = numpy.append(
        numpy.flatnonzero(numpy.diff(scores)) + 1, len(scores)
    )  # moments of one score are one step
    steps = numpy.concatenate([[0], ends])
    best = int(steps[numpy.argmax(sums[steps])])
    perfect = windows * profile.hit
    taken = owners[:best]
    return NabScore(
        score=100 * (float(sums[best]) - silent) / (perfect - silent),
        threshold=float(scores[best - 1]) if best else 1.1,
        raw=float(sums[best]),
        found=len(set(taken[taken != FREE].tolist())),
        windows=windows,
        alarms=int((taken == FREE).sum()),
    )
