import numpy
import pytest
import torch

from neurarium.data.preparation import statistics
from neurarium.data.preparation.statistics import Standardize, moments


@pytest.mark.parametrize("kind", ["uint8", "float32"])
@pytest.mark.parametrize("axes", [(0,), (0, 2, 3)])
@pytest.mark.parametrize("chunk", [1, 100, 1 << 24])
def test_moments_are_those_of_numpy_in_any_chunks(monkeypatch, axes, chunk, kind):
    monkeypatch.setattr(statistics, "CHUNK", chunk)
    values = numpy.random.default_rng(0).integers(0, 256, (9, 3, 4, 5)).astype(kind)
    rows = numpy.array([0, 3, 4, 8])
    mean, scale = moments(torch.from_numpy(values), rows, axes)
    chosen = values[rows].astype(float)
    assert mean == pytest.approx(chosen.mean(axis=axes))
    expected = chosen.std(axis=axes)
    assert scale == pytest.approx(numpy.where(expected > 0, expected, 1))


def test_a_constant_is_not_divided_by_zero():
    assert moments(torch.ones(4, 2), numpy.arange(4), (0,))[1].tolist() == [1, 1]


def test_a_small_spread_far_from_zero_keeps_its_digits(monkeypatch):
    monkeypatch.setattr(statistics, "CHUNK", 64)
    values = 1e6 + numpy.random.default_rng(0).normal(size=(500, 2)).astype(numpy.float32)
    mean, scale = moments(torch.from_numpy(values), numpy.arange(500), (0,))
    exact = values.astype(numpy.float64)
    assert mean == pytest.approx(exact.mean(axis=0), rel=1e-12)
    assert scale == pytest.approx(exact.std(axis=0), rel=1e-9)


def test_standardize_leaves_the_stored_inputs_alone():
    stored = torch.full((2, 1, 2, 2), 7.0)
    finished = Standardize(numpy.array([3.0]), numpy.array([2.0]))({"inputs": stored, "targets": 1})
    assert finished["inputs"].unique().tolist() == [2.0]
    assert finished["targets"] == 1
    assert stored.unique().tolist() == [7.0]


def test_bytes_counted_in_pairs_are_the_same(monkeypatch):
    pixels = numpy.random.default_rng(0).integers(0, 256, (6, 3, 4, 5), dtype=numpy.uint8)
    one_by_one = statistics.byte_counts(pixels)
    monkeypatch.setattr(statistics, "MANY", 1)
    assert (statistics.byte_counts(pixels) == one_by_one).all()
    assert one_by_one.sum() == pixels.size and one_by_one[1, 7] == (pixels[:, 1] == 7).sum()
