"""Pictures of series: where a value lies, and that peaks stay."""

from __future__ import annotations

import base64
import re

import numpy

import neurarium as nr
from neurarium.studies.pictures.series import HEIGHT, MARGIN, WIDTH, series_picture, thinned


def points(picture):
    text = base64.b64decode(picture.partition(",")[2]).decode()
    return [
        [tuple(map(float, pair.split(","))) for pair in line.split()]
        for line in re.findall('points="([^"]*)"', text)
    ]


def test_the_lowest_value_is_at_the_bottom_and_channels_share_a_scale():
    lines = points(series_picture(numpy.array([[0.0, 5.0], [10.0, 5.0]])))
    assert lines[0] == [(MARGIN, HEIGHT - MARGIN), (WIDTH - MARGIN, MARGIN)]
    assert {y for _, y in lines[1]} == {HEIGHT / 2}


def test_a_constant_and_an_empty_series_are_drawn():
    assert len(points(series_picture(numpy.full((4, 1), 3.0)))[0]) == 4
    assert series_picture(numpy.zeros((0, 1))).startswith("data:image/svg+xml")


def test_peaks_of_long_series_stay():
    column = numpy.zeros(10_000)
    column[1234], column[4321] = 1, -1
    assert {0, 1234, 4321, 9999} <= set(thinned(column).tolist()) and len(thinned(column)) <= 402


def test_the_series_that_are_predicted_worst_come_with_pictures():
    chance = numpy.random.default_rng(0)
    data = nr.data.series([chance.normal(size=(9, 2)) for _ in range(30)], numpy.arange(30) % 2)
    run = nr.studies.train(data, "cnn", options={"widths": "2"}, epochs=1, evaluate=False, progress=False)
    worst = nr.studies.worst_errors(run, data, split="train")
    assert worst and all(len(points(each.picture)) == 2 for each in worst)
    assert len(points(worst[0].picture)[0]) == 9
