"""Slow seasons: the plan says where the waves of N-BEATS cannot hold the season of the data, and only there."""

from __future__ import annotations

import math

import pytest

import neurarium as nr
from neurarium.data.specs import Horizon
from neurarium.networks import NBEATS, DLinear, Ensemble
from neurarium.studies.planning.season import slow_season


def network(*stacks):
    return NBEATS(1, 12, 6, stacks=stacks, width=4)


@pytest.mark.parametrize(
    ("built", "season", "said"),
    [
        (network("trend", "seasonality"), 7, True),
        (network("seasonality", "seasonality"), 7, True),
        (Ensemble([network("trend", "seasonality")]), 7, True),
        (network("trend", "seasonality"), 6, False),
        (network("generic"), 7, False),
        (DLinear(1, 12, 6), 7, False),
    ],
)
def test_it_is_said_of_waves_shorter_than_the_season(built, season, said):
    found = slow_season(built, Horizon(("y",), 6, season=season))
    assert bool(found) == said
    assert not said or (found[0].choice, found[0].override) == ("waves of 6 steps and less", "--horizon 7")


def test_the_plan_of_a_training_says_it():
    values = [math.sin(n / 12 * 2 * math.pi) for n in range(120)]
    data = nr.data.forecast(
        {"t": list(range(120)), "y": values}, "y", time="t", horizon=4, lookback=12, season=12
    )
    options = {"stacks": ("trend", "seasonality"), "width": 4, "blocks": 1}
    run = nr.studies.train(data, "n-beats", epochs=1, progress=False, evaluate=False, options=options)
    (line,) = [each for each in run.decisions if each.subject == "seasonality"]
    assert "season of 12 steps" in line.reason
