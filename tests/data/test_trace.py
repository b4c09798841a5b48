"""Windows of traces: running means and deviations, what a window holds, and that nothing knows of the future."""

from __future__ import annotations

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.data.trace import CUT, Trace, Windows, running


def trace(values, name="a"):
    values = numpy.asarray(values, dtype=float)
    return Trace(name, [str(place) for place in range(len(values))], numpy.arange(float(len(values))), values)


@pytest.mark.parametrize("memory", [7, 100])
def test_running_statistics_are_of_the_values_before(memory):
    values = numpy.random.default_rng(0).normal(1e6, 3, size=60)
    mean, deviation = running(values, memory)
    for place in range(2, 60):
        before = values[max(0, place - memory) : place]
        assert mean[place] == pytest.approx(before.mean(), rel=1e-12)
        assert deviation[place] == pytest.approx(before.std(), rel=1e-5)
    assert running(numpy.full(9, 4.0))[1].tolist() == [1.0] * 9


def test_a_window_holds_the_values_before_its_moment_in_deviations():
    chance = numpy.random.default_rng(0)
    first, second = chance.normal(size=30), chance.normal(5, 2, size=40)
    windows = Windows([trace(first), trace(second, "b")], 8)
    places = torch.tensor([3, 29, 31, 60])
    batch = windows.examples(places).take(slice(None))
    assert batch["inputs"]["lengths"].tolist() == [3, 8, 1, 8]
    for row, (values, place) in enumerate([(first, 3), (first, 29), (second, 1), (second, 30)]):
        before = values[:place]
        spread = before.std() or 1.0
        length = min(8, place)
        wanted = ((before[-length:] - before.mean()) / spread).clip(-CUT, CUT)
        found = batch["inputs"]["series"][row, :, 0]
        numpy.testing.assert_allclose(found[:length], wanted, rtol=1e-4, atol=1e-5)
        assert found[length:].abs().max() == 0 if length < 8 else True
        target = ((values[place] - before.mean()) / spread).clip(-CUT, CUT)
        assert float(batch["targets"][row]) == pytest.approx(target, rel=1e-4, abs=1e-5)


def test_a_whole_window_ends_at_its_moment_and_is_its_own_target():
    windows = Windows([trace(numpy.random.default_rng(0).normal(size=30))], 8, whole=True)
    batch = windows.examples(torch.tensor([20])).take(slice(None))
    assert torch.equal(batch["inputs"]["series"][..., 0], batch["targets"])
    last = Windows([trace(windows.values.numpy())], 8).examples(torch.tensor([20])).take(slice(None))
    assert float(batch["targets"][0, -1]) == pytest.approx(float(last["targets"]))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 49))
def test_no_window_and_no_target_knows_of_what_comes_after(seed, place):
    chance = numpy.random.default_rng(seed)
    values = chance.normal(size=50)
    changed = values.copy()
    changed[place:] *= 1e6
    one, two = (
        Windows([trace(each)], 8).examples(torch.arange(1, place)).take(slice(None))
        for each in (values, changed)
    )
    assert torch.equal(one["inputs"]["series"], two["inputs"]["series"]) and torch.equal(
        one["targets"], two["targets"]
    )


def test_a_trace_shorter_than_a_window_has_no_places_and_is_no_error():
    windows = Windows([trace(numpy.arange(30.0)), trace(numpy.arange(4.0), "b")], 8)
    assert windows.places(1, 8, 2).tolist() == [] and windows.places(1, 8, 4).tolist() == []
    assert windows.places(1, 0, 4).tolist() == [31, 32, 33]
