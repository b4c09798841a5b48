"""Trace baselines: the naive expectations by hand, and a network that says one of them stands level with it."""

from __future__ import annotations

import numpy
import pytest
import torch

import neurarium as nr
from neurarium.data.trace import running
from neurarium.report.page import render
from neurarium.studies.examination.trace_baselines import trace_baselines


def trained(**options):
    values = numpy.cumsum(numpy.random.default_rng(0).normal(size=1500))
    data = nr.data.traces(values, probation=0.3, **options)
    return nr.studies.train(data, epochs=1, progress=False), data, values


def test_their_errors_are_those_of_a_loop_over_the_moments():
    run, data, values = trained()
    mean, deviation = running(values)
    before, none = [], []
    for place in range(450, 1500):
        scaled = [(each - mean[place]) / deviation[place] for each in values[place - 1 : place + 1]]
        last, now = (min(10.0, max(-10.0, each)) for each in scaled)
        before.append((now - last) ** 2)
        none.append(now**2)
    found = {each["kind"]: each for each in trace_baselines(run.method, data, "test", resamples=50)}
    for kind, squares in (("before", before), ("naive", none)):
        assert found[kind]["metrics"]["rmse"] == pytest.approx(numpy.sqrt(numpy.mean(squares)), rel=1e-5)
        gap = run.results["test"]["rmse"] - found[kind]["metrics"]["rmse"]
        assert found[kind]["difference"][0] == pytest.approx(gap, rel=1e-4)
    assert found["before"]["metrics"]["rmse"] < found["naive"]["metrics"]["rmse"] / 3  # of a random walk


def test_a_network_that_says_the_value_before_has_no_difference_from_it():
    run, data, _ = trained()

    class Last(torch.nn.Module):
        def forward(self, inputs):
            return inputs["series"][torch.arange(len(inputs["lengths"])), inputs["lengths"] - 1]

    run.method.network = Last()
    found = {each["kind"]: each for each in trace_baselines(run.method, data, "test", resamples=50)}
    assert found["before"]["difference"] == pytest.approx((0, 0, 0), abs=1e-7)
    assert found["naive"]["difference"][2] < 0


def test_they_stand_in_the_report_and_a_reconstruction_has_the_mean_alone():
    run, _, _ = trained()
    nr.studies.examine(run)
    shown = render(run)
    assert "repeating the value before" in shown and "saying the mean of all before" in shown
    run, data, _ = trained(detector="reconstruction")
    assert [each["kind"] for each in trace_baselines(run.method, data, "test", resamples=0)] == ["naive"]
