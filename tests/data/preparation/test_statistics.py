import numpy
import pytest
import torch

from neurarium.data.preparation import statistics
from neurarium.data.preparation.statistics import Standardize, moments


@pytest.mark.parametrize("axes", [(0,), (0, 2, 3)])
@pytest.mark.parametrize("chunk", [1, 1 << 24])
def test_moments_are_those_of_numpy_in_any_chunks(monkeypatch, axes, chunk):
    monkeypatch.setattr(statistics, "CHUNK", chunk)
    values = numpy.random.default_rng(0).integers(0, 256, (9, 3, 4, 5), dtype=numpy.uint8)
    rows = numpy.array([0, 3, 4, 8])
    mean, scale = moments(torch.from_numpy(values), rows, axes)
    chosen = values[rows].astype(float)
    assert mean == pytest.approx(chosen.mean(axis=axes))
    expected = chosen.std(axis=axes)
    assert scale == pytest.approx(numpy.where(expected > 0, expected, 1))


def test_a_constant_is_not_divided_by_zero():
    assert moments(torch.ones(4, 2), numpy.arange(4), (0,))[1].tolist() == [1, 1]


def test_standardize_leaves_the_stored_inputs_alone():
    stored = torch.full((2, 1, 2, 2), 7.0)
    finished = Standardize(numpy.array([3.0]), numpy.array([2.0]))({"inputs": stored, "targets": 1})
    assert finished["inputs"].unique().tolist() == [2.0]
    assert finished["targets"] == 1
    assert stored.unique().tolist() == [7.0]
