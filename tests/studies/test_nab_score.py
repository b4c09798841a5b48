"""The NAB score: against a plain loop over moments and thresholds, its fixed points, and the published figures."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurarium as nr
from neurarium.core.errors import DataError
from neurarium.studies.anomalies.nab_score import PROFILES, Judged, nab_scores, probation_of
from neurarium.studies.anomalies.windowed_gaussian import windowed_gaussian

DATA = Path(os.environ.get("NEURARIUM_DATA", "")) / "nab" / "nab.tar.gz"


def sigma(place):
    return -1.0 if place > 3 else 2 / (1 + math.exp(5 * place)) - 1


def plain(corpus, profile):
    """The best score over every threshold, each counted moment by moment."""
    best, thresholds = -math.inf, {1.1} | {score for each in corpus for score in each.scores.tolist()}
    silent = 0.0
    for threshold in thresholds:
        total, missed = 0.0, 0.0
        for each in corpus:
            start, found, before = probation_of(len(each.scores)), {}, None
            for place, score in enumerate(each.scores):
                window = next((w for w in each.windows if w[0] <= place <= w[1]), None)
                before = max((w for w in each.windows if w[1] < place), default=None, key=lambda w: w[1])
                if place < start:
                    continue
                if window is not None:
                    found.setdefault(window, -profile.miss)
                    if score >= threshold:
                        width = window[1] - window[0] + 1
                        worth = profile.hit * sigma(-(window[1] - place + 1) / width) / sigma(-1.0)
                        found[window] = max(found[window], worth)
                elif score >= threshold:
                    far = (
                        math.inf
                        if before is None
                        else (place - before[1]) / max(1e-12, before[1] - before[0])
                    )
                    total += profile.alarm * sigma(min(far, 4))
            total += sum(found.values())
            missed += -profile.miss * len(found)
        best, silent = max(best, total), missed
    perfect = profile.hit * sum(len(each.windows) for each in corpus)
    return 100 * (best - silent) / (perfect - silent)


@st.composite
def corpora(draw):
    found = []
    for _ in range(draw(st.integers(1, 3))):
        length = draw(st.integers(20, 60))
        levels = draw(st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]), min_size=length, max_size=length))
        cuts = sorted(draw(st.sets(st.integers(length // 3, length - 1), min_size=4, max_size=4)))
        count = draw(st.integers(0, 2))
        windows = [(cuts[0], cuts[1]), (cuts[2], cuts[3])][:count]
        found.append(Judged(numpy.array(levels), windows))
    return [*found, Judged(numpy.linspace(0, 1, 30), [(20, 25)])]


@settings(max_examples=15, deadline=None)
@given(corpora())
def test_every_profile_is_what_a_plain_loop_finds(corpus):
    for name, found in nab_scores(corpus).items():
        assert found.score == pytest.approx(plain(corpus, PROFILES[name]), abs=1e-9)


def test_silence_is_0_the_first_moment_of_each_window_is_100_and_late_is_less():
    length, windows = 1000, [(300, 399), (700, 799)]
    silent = nab_scores([Judged(numpy.full(length, 0.5), windows)])
    assert {each.score for each in silent.values()} == {0.0} and silent["standard"].threshold == 1.1
    scores = numpy.zeros(length)
    scores[[300, 700]] = 1
    assert all(each.score == pytest.approx(100) for each in nab_scores([Judged(scores, windows)]).values())
    late = numpy.roll(scores, 80)
    assert 50 < nab_scores([Judged(late, windows)])["standard"].score < 95
    alarm = scores.copy()
    alarm[900] = 1
    worse = nab_scores([Judged(alarm, windows)])
    assert worse["reward_low_fp"].score < worse["standard"].score < 100
    assert (worse["standard"].found, worse["standard"].alarms) == (2, 1)


def test_alarms_in_the_probation_count_for_nothing():
    scores = numpy.zeros(1000)
    scores[:150], scores[500] = 1.0, 1.0
    assert nab_scores([Judged(scores, [(500, 520)])])["standard"].score == pytest.approx(100)
    assert probation_of(1127) == 169 and probation_of(100_000) == 750


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(DataError, match="no labelled window"):
        nab_scores([Judged(numpy.zeros(9), [])])
    with pytest.raises(DataError, match="lies outside"):
        nab_scores([Judged(numpy.zeros(9), [(5, 9)])])
    with pytest.raises(DataError, match="not finite"):
        nab_scores([Judged(numpy.full(9, numpy.nan), [(5, 6)])])


def test_the_windowed_gaussian_is_its_equation():
    values = numpy.random.default_rng(0).normal(size=60)
    found = windowed_gaussian(values, window=20, step=5)
    for place, seen in (
        (10, values[:10]),
        (20, values[:20]),
        (24, values[:20]),
        (25, values[5:25]),
        (37, values[15:35]),
    ):
        z = abs(values[place] - seen.mean()) / seen.std()
        assert found[place] == pytest.approx(1 - 0.5 * math.erfc(z / math.sqrt(2)), abs=1e-11)


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_file(), reason="NEURARIUM_DATA holds no nab")
def test_the_windowed_gaussian_has_its_published_scores():
    found = nab_scores(
        [Judged(windowed_gaussian(each.values), each.windows) for each in nr.data.load("nab").traces]
    )
    assert [round(each.score, 1) for each in found.values()] == [39.6, 20.9, 47.4]
