"""Alarms of a report: the moments of the highest scores behind the probation, as they came."""

from __future__ import annotations

import numpy

from neurarium.data.trace import Trace
from neurarium.studies.anomalies.study import Watched
from neurarium.studies.pictures.traces import loudest, trace_examples


def watched(scores, first=2, windows=((4, 5),)):
    count = len(scores)
    values = numpy.arange(float(count))
    times = [f"12:{place:02d}" for place in range(count)]
    trace = Trace("a.csv", times, values, values, windows, 0, 0)
    return Watched(trace, values + 0.5, numpy.array(scores), first)


def test_the_highest_alarms_are_told_in_the_order_of_time():
    found = loudest(watched([0.9, 0.9, 0.6, 0.1, 0.7, 0.2, 0.8]), 0.5, most=2)
    assert [each["time"] for each in found] == ["12:04", "12:06"]  # not the probation, not the lower 0.6
    assert found[0] == {"time": "12:04", "value": 4.0, "expected": 4.5, "score": 0.7, "labelled": True}
    assert not found[1]["labelled"]


def test_pictures_come_with_their_alarms_and_how_many_there_are():
    (shown,) = trace_examples([watched([0.0] * 5 + [1.0] * 20)], 0.5)
    assert shown["count"] == 20 and len(shown["alarms"]) == 12
    assert "20 alarms, 1 of 1 labelled windows found" in shown["note"]
